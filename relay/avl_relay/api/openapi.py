"""The OpenAPI document of the API, made from what its operations declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avl_relay.api.operations import Operation, Who
from avl_relay.api.problems import KNOWN, MEDIA_TYPE, SCHEMA

VERSION = "1"
PROBLEM = {
    "description": "A problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def document(operations: Sequence[Operation], base: str) -> dict[str, Any]:
    """The document (OpenAPI 3.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(base + operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "avl relay",
            "version": VERSION,
            "description": "People, devices and permissions of a relay. What is said here is what it stores and "
            "routes: a host believes signed statements alone.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": SCHEMA},
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-avl"},
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "tags": [operation.path.split("/")[1]],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.who is not Who.ANYBODY:
        made["security"] = [{"cookie": []}, {"token": []}]
    if operation.fresh:
        made["description"] = "Needs a second factor of the last minutes (problem `step-up`)."
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": operation.body.schema()}}}
    return made


def _name(operation: Operation) -> str:
    words = [word.strip("{}").replace("-", "_") for word in operation.path.split("/") if word]
    return "_".join([operation.method.lower(), *words])


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    made = [
        {"name": name, "in": "path", "required": True, "schema": shape.schema()}
        for name, shape in operation.parts.items()
    ]
    made += [{"name": name, "in": "query", "schema": shape.schema()} for name, shape in operation.query.items()]
    if operation.creates:
        made.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
            }
        )
    return made


def _responses(operation: Operation) -> dict[str, Any]:
    codes = {"unavailable", "limited", "misdirected", *operation.says}
    if operation.who is not Who.ANYBODY:
        codes |= {"not-signed-in", "forbidden"}
    if operation.fresh:
        codes.add("step-up")
    if operation.parts or operation.query or operation.creates:
        codes.add("invalid")
    if operation.creates:
        codes.add("reused-key")
    if operation.body is not None:
        codes |= {"malformed", "length", "too-large", "media-type", "invalid"}
    success: dict[str, Any] = {"description": operation.summary}
    if operation.answers is not None:
        success["content"] = {operation.media_type: {"schema": operation.answers.schema()}}
    return {
        str(operation.status): success,
        **{str(status): PROBLEM for status in sorted({KNOWN[code][0] for code in codes})},
    }
