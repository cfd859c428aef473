"""Model: what the settings of a program are: each with its reason, its default, whether it changes live, and whether it
is a secret.

A program has one subclass of `ProgramSettings`. A setting has the same name everywhere: `tls_cert` in a file,
`PREFIX_TLS_CERT` in the environment, `--tls-cert` as a flag; what lies in a table is `[limits] requests` there and
`PREFIX_LIMITS__REQUESTS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict

from avl_protocol.endpoint.settings.tomlfile import Key

#: What is shown in the place of a secret.
HIDDEN = "***"
#: How much of a text is one: all of it, or the password of an address.
WHOLE, PASSWORD = "whole", "password"


class ProgramSettings(BaseSettings):
    """All settings of one program, of what its sources say: `layers`, the highest first. Raises
    pydantic.ValidationError."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    #: The program's command, and what its variables in the environment begin with.
    program: ClassVar[str]
    prefix: ClassVar[str]
    #: Variables that had names before there was a prefix, and the settings that they are.
    variables: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        sources = tuple(InitSettingsSource(type(self), self.divided(dict(values))) for values in layers)
        super().__init__(_build_sources=(sources, {}))

    @classmethod
    def divided(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What one source says, with settings of several parts as tables of their parts: so that sources add up part by
        part."""
        return values

    def written(self, key: Key) -> Any:
        """A setting's value, as it would be written in a file; None: it has none."""
        value: Any = self
        for name in key:
            value = getattr(value, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else value


class Table(BaseModel):
    """Settings that lie in a table of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Together(ValueError):
    """Settings that are wrong together: for each of them its name and a sentence. Raised by a model's validator."""

    def __init__(self, *wrong: tuple[str, str]) -> None:
        self.wrong = wrong
        super().__init__("; ".join(text for _, text in wrong))


def setting(
    default: Any,
    reason: str,
    *,
    live: bool = False,
    secret: str = "",
    usual: Any = None,
    example: str = "",
    filed: bool = True,
    **bounds: Any,
) -> Any:
    """A field of a model. `reason`: what it is, and why the default is as it is. `live`: it changes while the program
    runs. `secret`: how much of it is one. `usual`: what holds where the default is None. `example`: how it may be
    written, where nothing holds. `filed`: whether it may stand in a file. `bounds`: see pydantic.Field."""
    kept = {"live": live, "secret": secret, "usual": usual, "example": example, "filed": filed}
    return Field(default=default, description=reason, json_schema_extra=kept, **bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One setting, as `setting` has described it."""

    key: Key
    reason: str
    default: Any
    live: bool
    secret: str
    example: str
    filed: bool

    @property
    def name(self) -> str:
        """With dots between its tables."""
        return ".".join(self.key)

    def shown(self, value: Any) -> Any:
        """A value of it for anybody's eyes."""
        if value is None or not self.secret:
            return value
        return HIDDEN if self.secret == WHOLE else without_password(str(value))


def leaves(model: type[BaseModel], above: Key = ()) -> Iterator[Leaf]:
    """All settings of a model, in its order."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Table):
            yield from leaves(kind, (*above, name))
            continue
        kept: Any = field.json_schema_extra
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        yield Leaf(
            key=(*above, name),
            reason=field.description or "",
            default=kept["usual"] if default is None else default,
            live=kept["live"],
            secret=kept["secret"],
            example=kept["example"],
            filed=kept["filed"],
        )


def without_password(address: str) -> str:
    """An address like postgresql://USER:PASSWORD@HOST/NAME without what nobody may see of it."""
    hidden = re.sub(r"(?<=://)([^/@:]*):.*@", rf"\1:{HIDDEN}@", address)
    return re.sub(r"(?i)([?&](?:password|passwd|pwd|sslpassword)=)[^&]*", rf"\1{HIDDEN}", hidden)


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is expected")
    return value


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


#: Numbers, which true and false are not, nor what is not finite.
Whole = Annotated[int, BeforeValidator(_no_flag)]
Number = Annotated[float, BeforeValidator(_no_flag), Field(allow_inf_nan=False)]
#: Several texts: a list in a file, with commas between them elsewhere.
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
