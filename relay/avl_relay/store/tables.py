"""Tables: everything that a relay keeps of people, devices and permissions.

Times are UTC in whole seconds since 1970, ids 16 random bytes as base64url, devices the 28 characters of their ID
without dashes. Of a secret only its SHA-256 is kept (columns `*_hash`), of a password its argon2id. What is written
here of keys and grants gives the relay no power: a host believes signatures alone (spec 11-identity-and-grants).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

#: Lengths of what is kept, in characters.
ID, DEVICE, THUMBPRINT, HASH, NAME, LONG = 22, 28, 43, 43, 128, 256

#: Constraints have names, so that later migrations can change them on every database.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(ID), primary_key=True)


def _person(*, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    return Column(
        "person",
        String(ID),
        ForeignKey("people.id", ondelete="CASCADE"),
        nullable=nullable,
        primary_key=primary_key,
        index=not primary_key,
    )


def _device(*, nullable: bool = False) -> Column[str]:
    return Column(
        "device", String(DEVICE), ForeignKey("devices.number", ondelete="CASCADE"), nullable=nullable, index=True
    )


def _when(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


# ------------------------------------------------------------------------------------------------------------- people

#: `role`: owner, admin or member of the relay. `state`: invited, active or disabled. `login` is kept in lower case.
people = Table(
    "people",
    METADATA,
    _id(),
    Column("login", String(NAME), nullable=False, unique=True),
    Column("name", String(NAME), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(LONG)),
    Column("state", String(16), nullable=False),
    _when("created"),
)

#: Invitations: who has the secret sets a password.
invitations = Table(
    "invitations",
    METADATA,
    Column("hash", String(HASH), primary_key=True),
    _person(),
    _when("created"),
    _when("expires"),
)

#: `kind`: totp, passkey or recovery (one row a code). `data` is the kind's own; `key` finds a passkey by its id.
factors = Table(
    "factors",
    METADATA,
    _id(),
    _person(),
    Column("kind", String(16), nullable=False),
    Column("name", String(NAME), nullable=False),
    Column("key", String(LONG * 6), unique=True),
    Column("data", JSON, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    _when("used", nullable=True),
    _when("created"),
)

#: A browser's sign-in. `stage`: what is still wanted of it (people/stages.py). `proofs`: what was shown, with spaces
#: between; `proved`: when any of it was, `mfa_at`: when a second factor was.
sessions = Table(
    "sessions",
    METADATA,
    Column("hash", String(HASH), primary_key=True),
    _person(),
    Column("id", String(ID), nullable=False, unique=True),
    Column("stage", String(16), nullable=False),
    Column("agent", String(NAME), nullable=False),
    Column("device_hash", String(HASH)),
    Column("proofs", String(NAME), nullable=False),
    _when("proved"),
    _when("mfa_at", nullable=True),
    _when("created"),
    _when("seen"),
)

#: Browsers from which a person has signed in wholly before.
known_browsers = Table(
    "known_browsers",
    METADATA,
    Column("hash", String(HASH), primary_key=True),
    _person(primary_key=True),
    _when("created"),
    _when("seen"),
)

#: What is asked once: a passkey's challenge, the state of a sign-in elsewhere.
challenges = Table(
    "challenges",
    METADATA,
    Column("hash", String(HASH), primary_key=True),
    _person(nullable=True),
    Column("kind", String(16), nullable=False),
    Column("data", JSON, nullable=False),
    _when("expires"),
)

#: A program's right to ask for access tokens. Those that follow each other are one family: one that is used twice
#: ends them all. `jkt`: thumbprint of the key it is bound to; `begun`: when the family was.
refresh_tokens = Table(
    "refresh_tokens",
    METADATA,
    Column("hash", String(HASH), primary_key=True),
    Column("family", String(ID), nullable=False, index=True),
    _person(),
    Column("jkt", String(THUMBPRINT), nullable=False),
    Column("device", String(DEVICE)),
    Column("name", String(NAME), nullable=False),
    _when("mfa_at", nullable=True),
    _when("begun"),
    _when("created"),
    _when("expires"),
    _when("used", nullable=True),
    _when("revoked", nullable=True),
)

#: RFC 8628. `kind`: host or program. `state`: pending, approved, denied or taken. `token`: the signed enrolment.
device_authorizations = Table(
    "device_authorizations",
    METADATA,
    Column("device_code_hash", String(HASH), primary_key=True),
    Column("user_code", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("jkt", String(THUMBPRINT), nullable=False),
    Column("device", String(DEVICE)),
    Column("name", String(NAME), nullable=False),
    Column("system", String(NAME), nullable=False),
    Column("software", String(NAME), nullable=False),
    Column("state", String(16), nullable=False),
    _person(nullable=True),
    Column("token", String),
    Column("interval", Integer, nullable=False),
    _when("mfa_at", nullable=True),
    _when("polled", nullable=True),
    _when("created"),
    _when("expires"),
)

oidc_links = Table(
    "oidc_links",
    METADATA,
    Column("iss", String(LONG), primary_key=True),
    Column("sub", String(LONG), primary_key=True),
    _person(),
    _when("created"),
)

#: How often something has failed, and until when it waits. `key`: what is limited, an account for example.
limits = Table(
    "limits",
    METADATA,
    Column("key", String(LONG), primary_key=True),
    Column("failures", Integer, nullable=False),
    _when("until"),
    _when("updated"),
)

#: Public halves of the keys that people sign with.
person_keys = Table(
    "person_keys",
    METADATA,
    Column("thumbprint", String(THUMBPRINT), primary_key=True),
    _person(),
    Column("jwk", JSON, nullable=False),
    _when("created"),
)

#: A person's key, wrapped by what the relay does not have. `kind`: passkey or recovery.
key_copies = Table(
    "key_copies",
    METADATA,
    _id(),
    _person(),
    Column("kind", String(16), nullable=False),
    Column("name", String(NAME), nullable=False),
    Column("data", JSON, nullable=False),
    _when("created"),
)

#: Keys and secrets of this relay itself, by name: what signs access tokens, what wraps second factors.
secrets = Table(
    "secrets",
    METADATA,
    Column("name", String(NAME), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    _when("created"),
)

# ------------------------------------------------------------------------------------------------------------ devices

#: `name` is how its people call it, `reported` how it calls itself. `owner_key`: JWK that it has pinned. `state`:
#: active or revoked. `search`: what a query looks through, in lower case.
devices = Table(
    "devices",
    METADATA,
    Column("number", String(DEVICE), primary_key=True),
    Column("name", String(NAME), nullable=False),
    Column("reported", String(NAME), nullable=False),
    Column("search", String(LONG * 2), nullable=False),
    Column("owner", String(ID), ForeignKey("people.id", ondelete="RESTRICT"), nullable=False, index=True),
    Column("owner_key", JSON, nullable=False),
    Column("owner_thumbprint", String(THUMBPRINT), nullable=False, index=True),
    Column("software", String(NAME), nullable=False),
    Column("system", String(NAME), nullable=False),
    Column("state", String(16), nullable=False),
    _when("enrolled"),
    _when("seen", nullable=True),
    Index("ix_devices_name_number", "name", "number"),
)

labels = Table(
    "labels",
    METADATA,
    Column("device", String(DEVICE), ForeignKey("devices.number", ondelete="CASCADE"), primary_key=True),
    Column("label", String(NAME), primary_key=True),
    Index("ix_labels_label_device", "label", "device"),
)

#: `kind`: people or devices.
groups = Table(
    "groups",
    METADATA,
    _id(),
    Column("kind", String(16), nullable=False),
    Column("name", String(NAME), nullable=False),
    _when("created"),
    UniqueConstraint("kind", "name"),
)

#: `member`: a person's id or a device's number, as the group's kind says.
members = Table(
    "members",
    METADATA,
    Column("group", String(ID), ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("member", String(DEVICE), primary_key=True),
    Index("ix_members_member_group", "member", "group"),
)

#: Passes for attaching to a device: of a person, good once, or of a share link. `uses`: sessions left; None: any.
passes = Table(
    "passes",
    METADATA,
    Column("hash", String(HASH), primary_key=True),
    _device(),
    _person(),
    Column("share", String(ID), ForeignKey("shares.id", ondelete="CASCADE"), index=True),
    Column("uses", Integer),
    _when("created"),
    _when("expires"),
)

#: Sessions that a pass has let in, and of which visit each is, both by name: a visit may come back with its pass.
attachments = Table(
    "attachments",
    METADATA,
    Column("hash", String(HASH), ForeignKey("passes.hash", ondelete="CASCADE"), primary_key=True),
    Column("session", String(ID), primary_key=True),
    Column("visit", String(ID), nullable=False),
    _when("created"),
)

# -------------------------------------------------------------------------------------------------------- permissions

#: What owners have signed for hosts: the newest of each kind, audience and signer. `kind`: policy, revocation or
#: enrolment.
statements = Table(
    "statements",
    METADATA,
    _id(),
    Column("kind", String(16), nullable=False),
    Column("aud", String(LONG), nullable=False),
    Column("iss", String(THUMBPRINT), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("token", String, nullable=False),
    _when("created"),
    UniqueConstraint("kind", "aud", "iss"),
    Index("ix_statements_iss_kind", "iss", "kind"),
)

#: `owner`: thumbprint of who signed the first grant of its chain; `holder`: that of the key it is for, and `person`
#: whose key that is, where known. `digest` is that of the token, `parent` that of the one it stands on, "" for none.
grants = Table(
    "grants",
    METADATA,
    Column("jti", String(ID), primary_key=True),
    Column("digest", String(HASH), nullable=False, unique=True),
    Column("parent", String(HASH), nullable=False),
    Column("owner", String(THUMBPRINT), nullable=False, index=True),
    Column("iss", String(THUMBPRINT), nullable=False),
    Column("holder", String(THUMBPRINT), nullable=False, index=True),
    _person(nullable=True),
    Column("aud", String(LONG), nullable=False, index=True),
    Column("permissions", BigInteger, nullable=False),
    Column("role", String(NAME), nullable=False),
    Column("name", String(NAME), nullable=False),
    Column("token", String, nullable=False),
    _when("expires"),
    _when("revoked", nullable=True),
    _when("created"),
)

#: Share links: the id and the pass come from a secret that the relay never sees.
shares = Table(
    "shares",
    METADATA,
    _id(),
    _device(),
    _person(),
    Column("owner", String(THUMBPRINT), nullable=False, index=True),
    Column("name", String(NAME), nullable=False),
    Column("chain", JSON, nullable=False),
    Column("jti", String(ID), nullable=False),
    _when("expires"),
    _when("created"),
)

# ------------------------------------------------------------------------------------------------------ last pictures

#: What browsers of people open pictures with, by public half: X25519, base64url. `signer`: thumbprint of the key that
#: has signed `token`, which says so.
picture_keys = Table(
    "picture_keys",
    METADATA,
    Column("key", String(THUMBPRINT), primary_key=True),
    _person(),
    Column(
        "signer",
        String(THUMBPRINT),
        ForeignKey("person_keys.thumbprint", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("token", String, nullable=False),
    _when("expires"),
    _when("created"),
)

#: The newest picture of a device for each key, which it is sealed to. `taken`: by the host's clock.
last_pictures = Table(
    "last_pictures",
    METADATA,
    Column("device", String(DEVICE), ForeignKey("devices.number", ondelete="CASCADE"), primary_key=True),
    Column("key", String(THUMBPRINT), ForeignKey("picture_keys.key", ondelete="CASCADE"), primary_key=True, index=True),
    _when("taken"),
    Column("sealed", LargeBinary, nullable=False),
    _when("created"),
)

# ---------------------------------------------------------------------------------------------------------- anomalies

#: What was unusual. `kind`: the feature that says most; `reasons`: in words; `acted`: what was done about it; `by`: who
#: has seen it.
alarms = Table(
    "alarms",
    METADATA,
    _id(),
    _when("at"),
    Column("kind", String(32), nullable=False),
    _person(nullable=True),
    Column("device", String(DEVICE), nullable=False),
    Column("session", String(ID), nullable=False),
    Column("score", Integer, nullable=False),
    Column("detector", String(16), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("acted", String(16), nullable=False),
    _when("acknowledged", nullable=True),
    Column("by", String(ID), ForeignKey("people.id", ondelete="SET NULL")),
    Index("ix_alarms_at_id", "at", "id"),
)

#: What is usual for a person, a device, a network or a share link, as anomalies/habits.py writes it.
habits = Table(
    "habits",
    METADATA,
    Column("subject", String(LONG), primary_key=True),
    _person(nullable=True),
    Column("usual", JSON, nullable=False),
    Column("updated", BigInteger, nullable=False, index=True),
)

#: What a creation was answered with, so that the same one asked again is not done again.
idempotency = Table(
    "idempotency",
    METADATA,
    Column("key", String(LONG), primary_key=True),
    Column("person", String(ID), primary_key=True),
    Column("request_hash", String(HASH), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSON),
    _when("created"),
)
