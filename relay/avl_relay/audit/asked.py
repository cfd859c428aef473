"""What the API was asked to do, as an auditor is told it: one table, by method and path, so that no operation has to
remember to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from avl_relay.api.operations import Answer, Call, Operation
from avl_relay.api.problems import Problem
from avl_relay.audit.auditor import Auditor

Said = dict[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended. `body`: what was answered, {} where it is no object; `why`: the code of a refusal, ""
    otherwise."""

    body: Mapping[str, Any]
    why: str = ""


Tells = Callable[[Call, Outcome], Said]
#: What a refused sign-in is refused with, and what is not one: a request that means nothing.
_GUESSES = frozenset({"credentials", "limited", "forbidden", "not-found", "gone"})


#: Who comes by the socket of the relay's machine, and is no person.
OPERATOR = "operator"


def _by(call: Call) -> Said:
    return {"by": "" if call.who is None else call.who.person or OPERATOR}


def _person(what: str) -> Tells:
    def tells(call: Call, outcome: Outcome) -> Said:
        body = call.body or {}
        found = call.path.get("id") or outcome.body.get("id") or ""
        said: Said = {"person": found, "what": what, **_by(call)}
        if what == "changed" and body.get("state"):
            said["what"] = str(body["state"])
        return {**said, "login": body.get("login"), "role": body.get("role")}

    return tells


def _group(what: str) -> Tells:
    def tells(call: Call, outcome: Outcome) -> Said:
        return {
            "group": call.path.get("id") or outcome.body.get("id"),
            "name": (call.body or {}).get("name"),
            "member": call.path.get("member"),
            "what": what,
            **_by(call),
        }

    return tells


def _device(what: str) -> Tells:
    def tells(call: Call, outcome: Outcome) -> Said:
        return {"device": call.path.get("number"), "what": what, **_by(call)}

    return tells


def _enrolled(call: Call, outcome: Outcome) -> Said:
    return {"device": call.notes.get("device"), "what": call.notes.get("kind", "approved"), **_by(call)}


def _granted(call: Call, outcome: Outcome) -> Said:
    return {
        "grant": outcome.body.get("jti"),
        "audience": outcome.body.get("aud"),
        "holder": outcome.body.get("holder"),
        "what": "kept",
        **_by(call),
    }


def _revoked(call: Call, outcome: Outcome) -> Said:
    return {"grant": call.path["jti"], "what": "revoked", **_by(call)}


def _share(what: str) -> Tells:
    def tells(call: Call, outcome: Outcome) -> Said:
        return {
            "share": call.path.get("id") or outcome.body.get("id"),
            "device": outcome.body.get("device"),
            "what": what,
            **_by(call),
        }

    return tells


def _statement(call: Call, outcome: Outcome) -> Said:
    kept = outcome.body
    said: Said = {"type": kept.get("kind"), "audience": kept.get("aud"), "issuer": kept.get("iss")}
    return {**said, "sequence": kept.get("seq"), **_by(call)}


def _factor(what: str, factor: str) -> Tells:
    def tells(call: Call, outcome: Outcome) -> Said:
        own = "" if call.who is None else call.who.person
        return {"person": call.path.get("id") if factor == "all" else own, "what": what, "factor": factor, **_by(call)}

    return tells


def _ended(call: Call, outcome: Outcome) -> Said:
    return {"session": call.path["id"], "why": "asked", **_by(call)}


def _told(call: Call, outcome: Outcome) -> Said:
    return {
        "session": call.path["id"],
        "device": call.notes.get("device"),
        "characters": len(call.body["text"]),
        **_by(call),
    }


#: Method and path -> kind of event, and its fields.
DONE: Mapping[tuple[str, str], tuple[str, Tells]] = {
    ("PATCH", "/alarms/{id}"): ("alarm_seen", lambda call, outcome: {"alarm": call.path["id"], **_by(call)}),
    ("POST", "/people"): ("person_changed", _person("invited")),
    ("PATCH", "/people/{id}"): ("person_changed", _person("changed")),
    ("DELETE", "/people/{id}"): ("person_changed", _person("deleted")),
    ("DELETE", "/people/{id}/factors"): ("factor_changed", _factor("reset", "all")),
    ("POST", "/groups"): ("group_changed", _group("created")),
    ("PATCH", "/groups/{id}"): ("group_changed", _group("renamed")),
    ("DELETE", "/groups/{id}"): ("group_changed", _group("deleted")),
    ("PUT", "/groups/{id}/members/{member}"): ("group_changed", _group("joined")),
    ("DELETE", "/groups/{id}/members/{member}"): ("group_changed", _group("left")),
    ("PATCH", "/devices/{number}"): ("device_changed", _device("changed")),
    ("DELETE", "/devices/{number}"): ("device_changed", _device("revoked")),
    ("POST", "/device-authorizations/{user_code}/approve"): ("device_changed", _enrolled),
    ("POST", "/device-authorizations/confirm"): ("device_changed", _enrolled),
    ("POST", "/grants"): ("grant_changed", _granted),
    ("DELETE", "/grants/{jti}"): ("grant_changed", _revoked),
    ("POST", "/shares"): ("share_changed", _share("created")),
    ("GET", "/shares/{id}"): ("share_changed", _share("opened")),
    ("DELETE", "/shares/{id}"): ("share_changed", _share("deleted")),
    ("POST", "/statements"): ("statement_stored", _statement),
    ("DELETE", "/sessions/{id}"): ("session_ended", _ended),
    ("POST", "/sessions/{id}/message"): ("session_told", _told),
    ("PUT", "/me/password"): ("factor_changed", _factor("changed", "password")),
    ("DELETE", "/me/providers"): ("factor_changed", _factor("removed", "provider")),
    ("POST", "/me/factors/totp/confirm"): ("factor_changed", _factor("added", "totp")),
    ("POST", "/me/factors/passkey"): ("factor_changed", _factor("added", "passkey")),
    ("POST", "/me/factors/recovery"): ("factor_changed", _factor("added", "recovery")),
    ("DELETE", "/me/factors/{id}"): ("factor_changed", _factor("removed", "one")),
    ("PUT", "/me/key"): ("factor_changed", _factor("changed", "key")),
    ("DELETE", "/me/key"): ("factor_changed", _factor("removed", "key")),
    ("PUT", "/me/picture-key"): ("factor_changed", _factor("added", "picture-key")),
    ("DELETE", "/me/picture-keys/{key}"): ("factor_changed", _factor("removed", "picture-key")),
    ("GET", "/audit/export"): ("exported", lambda call, outcome: _by(call)),
}
#: Steps of signing in -> how.
SIGNS_IN: Mapping[tuple[str, str], str] = {
    ("POST", "/setup"): "setup",
    ("POST", "/invitations"): "invitation",
    ("POST", "/session"): "password",
    ("POST", "/session/totp"): "totp",
    ("POST", "/session/recovery"): "recovery",
    ("POST", "/session/passkey"): "passkey",
    ("POST", "/session/step-up"): "step-up",
    ("GET", "/oidc/{name}/callback"): "provider",
    ("POST", "/token"): "program",
}


class Asked:
    """Is told how every request ended."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def ended(self, operation: Operation, call: Call, answered: Answer | Response | Problem) -> None:
        """A request has ended, and what it has written counts."""
        at = (operation.method, operation.path)
        if (how := SIGNS_IN.get(at)) is not None:
            self._signed_in(how, call, answered)
        elif (found := DONE.get(at)) is not None and not isinstance(answered, Problem):
            kind, tells = found
            said = tells(call, Outcome(_body(answered)))
            if kind != "share_changed" or said["what"] != "opened" or call.who is None:
                self._auditor.record(kind, **said)

    def _signed_in(self, how: str, call: Call, answered: Answer | Response | Problem) -> None:
        body = call.body if isinstance(call.body, dict) else {}
        said: Said = {"how": how, "login": body.get("login"), "address": address_of(call)}
        if isinstance(answered, Problem):
            if answered.code in _GUESSES:
                self._auditor.record("sign_in_refused", why=answered.code, **said)
            return
        told = _body(answered)
        if how == "provider":
            person = call.notes.get("person")
            self._auditor.record("signed_in" if person else "sign_in_refused", person=person, **said)
        elif how == "program":
            if "access_token" in told and body.get("grant_type") != "refresh_token":
                self._auditor.record("signed_in", person=told.get("person"), **said)
        elif told.get("stage") in (None, "full", "enrol"):
            self._auditor.record("signed_in", person=told.get("person"), known=call.notes.get("known"), **said)


def address_of(call: Call) -> str:
    """From where a request comes."""
    return call.request.client.host if call.request.client is not None else ""


def _body(answered: Answer | Response | Problem) -> Mapping[str, Any]:
    """What was answered; {} where it is no object of JSON."""
    if isinstance(answered, Answer):
        return answered.body if isinstance(answered.body, dict) else {}
    if isinstance(answered, Response) and answered.media_type == "application/json":
        read = json.loads(bytes(answered.body))
        return read if isinstance(read, dict) else {}
    return {}
