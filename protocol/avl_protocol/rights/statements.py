"""Statements: what a person's key signs about devices, keys and who may what (spec 11, 11.2).

A reader is strict: a claim that it does not know, or of another form, makes the statement none at all, since what is
not understood might have been a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self, TypeVar

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws
from avl_protocol.rights.effective import OWNER, Consent
from avl_protocol.rights.hours import Hours
from avl_protocol.rights.jws import NotSigned
from avl_protocol.wire import device_id
from avl_protocol.wire.registry import MAX_CHAIN, MAX_HOURS, MAX_KEY_LINK, MAX_SHOWN_NAME, MAX_STATEMENT, Permission

#: Bytes of a grant's name.
ID_BYTES = 16
_LARGEST = (1 << 53) - 1
_DEVICE = re.compile(r"device:[0-9A-HJKMNP-TV-Z]{28}")
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{43}")
_GRANT_NAME = re.compile(r"[A-Za-z0-9_-]{22}")
_GROUP = "group:"


class Statement(Protocol):
    """What can be signed: its `typ`, and its claims without `iss`."""

    TYPE: ClassVar[str]
    #: Most characters of its token.
    LIMIT: ClassVar[int]
    #: Whether its token carries the signer's key.
    WITH_KEY: ClassVar[bool]

    def claims(self) -> dict[str, Any]:
        """As they are written."""

    @classmethod
    def read(cls, claims: Claims) -> Self:
        """Of what was written. Raises NotSigned."""


S = TypeVar("S", bound=Statement)


def device_audience(number: int) -> str:
    """The `aud` of statements about one device."""
    return "device:" + device_id.to_text(number).replace("-", "")


def group_audience(name: str) -> str:
    """The `aud` of statements about a group of devices."""
    return _GROUP + name


def sign(identity: Identity, statement: Statement) -> str:
    """The token of a statement."""
    return jws.sign(identity, statement.TYPE, statement.claims(), with_key=statement.WITH_KEY)


def read(kind: type[S], token: str, key: bytes) -> S:
    """The statement of a token that `key` (32 bytes) signed. Raises NotSigned."""
    claims = Claims(jws.claims(token, kind.TYPE, key, kind.LIMIT))
    statement = kind.read(claims)
    claims.end()
    return statement


class Claims:
    """The claims of a statement, taken one by one. Every method raises NotSigned for what has another form."""

    def __init__(self, claims: dict[str, Any]) -> None:
        self._left = dict(claims)

    def end(self) -> None:
        """There is nothing that nobody has taken."""
        if self._left:
            raise NotSigned(f"nobody knows the claim {sorted(self._left)[0]!r}")

    def integer(self, name: str, *, most: int = _LARGEST) -> int:
        """A number from 0 to `most`."""
        return _integer(self._take(name), most)

    def optional_integer(self, name: str, *, least: int = 0) -> int | None:
        """A number from `least` on; None where there is none."""
        if name not in self._left:
            return None
        value = self.integer(name)
        if value < least:
            raise NotSigned(f"{name} is too small")
        return value

    def text(self, name: str, shape: re.Pattern[str]) -> str:
        """A text of this shape."""
        return _shaped(self._take(name), shape)

    def optional_text(self, name: str, shape: re.Pattern[str]) -> str:
        """A text of this shape; "" where there is none."""
        return self.text(name, shape) if name in self._left else ""

    def shown(self, name: str) -> str:
        """A text that a person is shown, whatever it holds; "" where there is none."""
        value = self._left.pop(name, "")
        if not isinstance(value, str) or len(value) > MAX_SHOWN_NAME:
            raise NotSigned(f"{name} is no name")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            raise NotSigned(f"{name} is neither true nor false")
        return value

    def audience(self) -> str:
        """`aud`, of a device or of a group."""
        return _audience(self._take("aud"))

    def holder(self) -> bytes:
        """The public key of `cnf` (RFC 7800)."""
        confirmation = self._take("cnf")
        if not isinstance(confirmation, dict) or set(confirmation) != {"jwk"}:
            raise NotSigned("cnf holds no key")
        return jws.public_of(confirmation["jwk"])

    def picture_key(self) -> bytes:
        """`key` of a picture key, 32 bytes."""
        text = self.text("key", _KEY_NAME)
        key = jws.decode(text)
        if jws.encode(key) != text:
            raise NotSigned("key is no public key")
        return key

    def consent(self) -> Consent:
        """`consent`; NEVER where there is none."""
        try:
            return Consent(self._left.pop("consent", Consent.NEVER.value))
        except (ValueError, TypeError):
            raise NotSigned("consent is always, first or never") from None

    def permissions(self) -> Permission:
        """`p`; bits that this version does not know are left out."""
        return Permission(self.integer("p", most=(1 << 32) - 1) & sum(Permission))

    def texts(self, name: str, shape: re.Pattern[str]) -> tuple[str, ...]:
        """A list of texts of this shape; none where there is no list."""
        value = self._left.pop(name, [])
        if not isinstance(value, list):
            raise NotSigned(f"{name} is no list")
        return tuple(_shaped(item, shape) for item in value)

    def groups(self) -> tuple[str, ...] | None:
        """`groups`, by name; None where they are not spoken of."""
        if "groups" not in self._left:
            return None
        value = self._take("groups")
        if not isinstance(value, list):
            raise NotSigned("groups is no list")
        return tuple(_audience(_GROUP + _name(item))[len(_GROUP) :] for item in value)

    def hours(self) -> Hours | None:
        """`win` at the place `tz`; None where there is none."""
        if "win" not in self._left and "tz" not in self._left:
            return None
        rows, zone = self._take("win"), self._take("tz")
        if not isinstance(rows, list) or len(rows) > MAX_HOURS or not isinstance(zone, str):
            raise NotSigned("win is no list of hours")
        try:
            return Hours(zone, tuple(_row(row) for row in rows))
        except ValueError:
            raise NotSigned("win holds no hours of a week") from None

    def ends(self, names: tuple[str, ...]) -> dict[str, int]:
        """`ends` of a revocation list: when each of these grants ends, where that is known."""
        value = self._left.pop("ends", [0] * len(names))
        if not isinstance(value, list) or len(value) != len(names):
            raise NotSigned("ends does not go with jti")
        ends = [_integer(end, _LARGEST) for end in value]
        return {name: end for name, end in zip(names, ends, strict=True) if end}

    def epochs(self) -> dict[str, int]:
        """`gep` of a revocation list."""
        value = self._left.pop("gep", {})
        if not isinstance(value, dict):
            raise NotSigned("gep is no object")
        return {_audience(name): _integer(epoch, _LARGEST) for name, epoch in value.items()}

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise NotSigned(f"{name} is missing")
        return self._left.pop(name)


def _integer(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise NotSigned("that is no number in its range")
    return value


def _shaped(value: Any, shape: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise NotSigned("that is no text of its form")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise NotSigned("a group has a name")
    return value


def _audience(value: Any) -> str:
    if isinstance(value, str):
        name = value.removeprefix(_GROUP)
        if _DEVICE.fullmatch(value) or (name != value and 0 < len(name) <= MAX_SHOWN_NAME and name.isprintable()):
            return value
    raise NotSigned("aud names neither a device nor a group")


def _row(value: Any) -> tuple[int, int, int]:
    if not isinstance(value, list) or len(value) != 3:
        raise NotSigned("a row of hours has three numbers")
    day, first, end = (_integer(item, _LARGEST) for item in value)
    return day, first, end


def _present(claims: dict[str, Any], absent: Mapping[str, Any]) -> dict[str, Any]:
    """The claims without those that say nothing."""
    return {name: value for name, value in claims.items() if name not in absent or absent[name] != value}


def _hours(hours: Hours | None) -> dict[str, Any]:
    return {"win": [list(row) for row in hours.rows], "tz": hours.zone} if hours is not None else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGrant:
    """Who holds the key `holder` (32 bytes) may this at a device or at the devices of a group.

    Times are Unix seconds. `parent`: the digest of the grant that it stands on, "" for the owner's own; `longest`:
    seconds of a session; `uses`: sessions in all; `role` and `name` are for show, and may be hostile.
    """

    TYPE: ClassVar[str] = "avl-grant+jwt"
    LIMIT: ClassVar[int] = MAX_CHAIN
    WITH_KEY: ClassVar[bool] = False

    audience: str
    permissions: Permission
    not_before: int
    expires: int
    id: str
    holder: bytes
    parent: str = ""
    epoch: int = 0
    hours: Hours | None = None
    longest: int | None = None
    uses: int | None = None
    consent: Consent = Consent.NEVER
    role: str = ""
    name: str = ""
    share: bool = False

    def claims(self) -> dict[str, Any]:
        """As they are written."""
        said = {
            "aud": self.audience,
            "p": int(self.permissions),
            "nbf": self.not_before,
            "exp": self.expires,
            "jti": self.id,
            "cnf": {"jwk": jws.jwk_of(self.holder)},
            "prt": self.parent,
            "gep": self.epoch,
            **_hours(self.hours),
            "max_s": self.longest,
            "n": self.uses,
            "consent": self.consent.value,
            "role": self.role,
            "sub": self.name,
            "share": self.share,
        }
        absent: dict[str, Any] = dict.fromkeys(("prt", "role", "sub"), "") | {
            "gep": 0,
            "consent": "never",
            "share": False,
        }
        absent |= {"max_s": None, "n": None}
        return _present(said, absent)

    @classmethod
    def read(cls, claims: Claims) -> AccessGrant:
        """Of what was written. Raises NotSigned."""
        return cls(
            audience=claims.audience(),
            permissions=claims.permissions(),
            not_before=claims.integer("nbf"),
            expires=claims.integer("exp"),
            id=claims.text("jti", _GRANT_NAME),
            holder=claims.holder(),
            parent=claims.optional_text("prt", _KEY_NAME),
            epoch=claims.optional_integer("gep") or 0,
            hours=claims.hours(),
            longest=claims.optional_integer("max_s", least=1),
            uses=claims.optional_integer("n", least=1),
            consent=claims.consent(),
            role=claims.shown("role"),
            name=claims.shown("sub"),
            share=claims.flag("share"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLink:
    """ "This device is mine": a person says so of the identity `holder` (32 bytes) of a viewer. It gives nothing.

    `browser`: that viewer is a page in a browser.
    """

    TYPE: ClassVar[str] = "avl-key+jwt"
    LIMIT: ClassVar[int] = MAX_CHAIN
    WITH_KEY: ClassVar[bool] = False

    holder: bytes
    not_before: int
    expires: int
    browser: bool = False
    name: str = ""

    def claims(self) -> dict[str, Any]:
        """As they are written."""
        said = {
            "cnf": {"jwk": jws.jwk_of(self.holder)},
            "nbf": self.not_before,
            "exp": self.expires,
            "browser": self.browser,
            "sub": self.name,
        }
        return _present(said, {"browser": False, "sub": ""})

    @classmethod
    def read(cls, claims: Claims) -> KeyLink:
        """Of what was written. Raises NotSigned, also for one that is valid for too long."""
        link = cls(
            holder=claims.holder(),
            not_before=claims.integer("nbf"),
            expires=claims.integer("exp"),
            browser=claims.flag("browser"),
            name=claims.shown("sub"),
        )
        if link.expires - link.not_before > MAX_KEY_LINK:
            raise NotSigned("a key link is valid for 90 days at most")
        return link


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureKey:
    """ "What is sealed to this is for me": a person says so of the X25519 key `key` (32 bytes) of a browser, which
    opens last pictures (11.9). Times are Unix seconds."""

    TYPE: ClassVar[str] = "avl-picture-key+jwt"
    LIMIT: ClassVar[int] = MAX_CHAIN
    WITH_KEY: ClassVar[bool] = False

    key: bytes
    issued: int
    expires: int

    def claims(self) -> dict[str, Any]:
        """As they are written."""
        return {"key": jws.encode(self.key), "iat": self.issued, "exp": self.expires}

    @classmethod
    def read(cls, claims: Claims) -> PictureKey:
        """Of what was written. Raises NotSigned, also for one that is valid for too long."""
        found = cls(key=claims.picture_key(), issued=claims.integer("iat"), expires=claims.integer("exp"))
        if found.expires - found.issued > MAX_KEY_LINK:
            raise NotSigned("a picture key is valid for 90 days at most")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """ "This device is mine": what a host pins its owner by. `issued` in Unix seconds."""

    TYPE: ClassVar[str] = "avl-enrolment+jwt"
    LIMIT: ClassVar[int] = MAX_STATEMENT
    WITH_KEY: ClassVar[bool] = True

    audience: str
    issued: int
    groups: tuple[str, ...] = ()
    name: str = ""

    def claims(self) -> dict[str, Any]:
        """As they are written."""
        said = {"aud": self.audience, "iat": self.issued, "groups": list(self.groups), "name": self.name}
        return _present(said, {"groups": [], "name": ""})

    @classmethod
    def read(cls, claims: Claims) -> Enrolment:
        """Of what was written. Raises NotSigned."""
        return cls(
            audience=claims.audience(),
            issued=claims.integer("iat"),
            groups=claims.groups() or (),
            name=claims.shown("name"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an owner's device, or each device of a group, leaves of every grant. The one with the higher `sequence`
    counts.

    `groups`: those of the device from now on, None: as they were; `longest`: seconds of a session; `browser`: whether
    a page may be a viewer; `staleness`: seconds for which a revocation list is good.
    """

    TYPE: ClassVar[str] = "avl-policy+jwt"
    LIMIT: ClassVar[int] = MAX_STATEMENT
    WITH_KEY: ClassVar[bool] = False

    audience: str
    sequence: int
    permissions: Permission = OWNER
    groups: tuple[str, ...] | None = None
    consent: Consent = Consent.NEVER
    longest: int | None = None
    browser: bool = True
    staleness: int | None = None

    def claims(self) -> dict[str, Any]:
        """As they are written."""
        said = {
            "aud": self.audience,
            "seq": self.sequence,
            "p": int(self.permissions),
            "groups": None if self.groups is None else list(self.groups),
            "consent": self.consent.value,
            "max_s": self.longest,
            "browser": self.browser,
            "max_stale": self.staleness,
        }
        return _present(said, {"groups": None, "consent": "never", "max_s": None, "browser": True, "max_stale": None})

    @classmethod
    def read(cls, claims: Claims) -> Policy:
        """Of what was written. Raises NotSigned."""
        return cls(
            audience=claims.audience(),
            sequence=claims.integer("seq"),
            permissions=claims.permissions(),
            groups=claims.groups(),
            consent=claims.consent(),
            longest=claims.optional_integer("max_s", least=1),
            browser=claims.flag("browser", True),
            staleness=claims.optional_integer("max_stale", least=1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """What an owner has taken back: grants by name, keys by thumbprint, and by audience all grants of an epoch below
    the one that is named. The list with the higher `sequence` counts; `issued` in Unix seconds. `ends`: when each of
    the grants has ended by itself, in Unix seconds, where who signed the list knew it."""

    TYPE: ClassVar[str] = "avl-revocation+jwt"
    LIMIT: ClassVar[int] = MAX_STATEMENT
    #: A host knows the keys of those who hand on from this alone.
    WITH_KEY: ClassVar[bool] = True

    sequence: int
    issued: int
    epochs: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    grants: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    ends: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def claims(self) -> dict[str, Any]:
        """As they are written."""
        said = {
            "seq": self.sequence,
            "iat": self.issued,
            "gep": dict(sorted(self.epochs.items())),
            "jti": sorted(self.grants),
            "ends": [self.ends.get(name, 0) for name in sorted(self.grants)] if self.ends else [],
            "keys": sorted(self.keys),
        }
        return _present(said, {"gep": {}, "jti": [], "ends": [], "keys": []})

    @classmethod
    def read(cls, claims: Claims) -> RevocationList:
        """Of what was written. Raises NotSigned."""
        names = claims.texts("jti", _GRANT_NAME)
        return cls(
            sequence=claims.integer("seq"),
            issued=claims.integer("iat"),
            epochs=MappingProxyType(claims.epochs()),
            grants=frozenset(names),
            keys=frozenset(claims.texts("keys", _KEY_NAME)),
            ends=MappingProxyType(claims.ends(names)),
        )

    def next(
        self,
        issued: int,
        *,
        grants: Iterable[str] = (),
        keys: Iterable[str] = (),
        epochs: Mapping[str, int] | None = None,
        ends: Mapping[str, int] | None = None,
    ) -> RevocationList:
        """The list that follows: with all of this one, and what is taken back now. A grant of this one that has ended
        meanwhile is left out: no host that has the new list takes it (R-RIGHT-10). `ends`: what is known of
        those taken back now."""
        known = {**self.ends, **(ends or {})}
        left = {name for name in self.grants if not 0 < known.get(name, 0) <= issued} | set(grants)
        return RevocationList(
            sequence=self.sequence + 1,
            issued=issued,
            epochs=MappingProxyType({**self.epochs, **(epochs or {})}),
            grants=frozenset(left),
            keys=self.keys | frozenset(keys),
            ends=MappingProxyType({name: end for name, end in known.items() if name in left}),
        )


def revocations_of(token: str) -> tuple[bytes, RevocationList]:
    """The key (32 bytes) that a list of revocations carries, and the list, which that key signed. Raises NotSigned."""
    key = jws.header(token, RevocationList.LIMIT).key
    if key is None:
        raise NotSigned("the list carries no key")
    return key, read(RevocationList, token, key)


def enrolment_of(token: str) -> tuple[bytes, Enrolment]:
    """The owner's key (32 bytes) that an enrolment carries, and the enrolment, which that key signed. Raises
    NotSigned."""
    key = jws.header(token, Enrolment.LIMIT).key
    if key is None:
        raise NotSigned("the enrolment carries no key")
    return key, read(Enrolment, token, key)
