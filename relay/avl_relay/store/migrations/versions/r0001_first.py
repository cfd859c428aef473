"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "groups",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_groups_kind_name")),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("request_hash", sa.String(length=43), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "person", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "limits",
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_limits")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("login", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("login", name=op.f("uq_people_login")),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("aud", sa.String(length=256), nullable=False),
        sa.Column("iss", sa.String(length=43), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("kind", "aud", "iss", name=op.f("uq_statements_kind_aud_iss")),
    )
    op.create_index("ix_statements_iss_kind", "statements", ["iss", "kind"], unique=False)
    op.create_table(
        "challenges",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_challenges_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_challenges")),
    )
    op.create_index(op.f("ix_challenges_person"), "challenges", ["person"], unique=False)
    op.create_table(
        "device_authorizations",
        sa.Column("device_code_hash", sa.String(length=43), nullable=False),
        sa.Column("user_code", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=False),
        sa.Column("device", sa.String(length=28), nullable=True),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("system", sa.String(length=128), nullable=False),
        sa.Column("software", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("polled", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_device_authorizations_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_code_hash", name=op.f("pk_device_authorizations")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_authorizations_user_code")),
    )
    op.create_index(op.f("ix_device_authorizations_person"), "device_authorizations", ["person"], unique=False)
    op.create_table(
        "devices",
        sa.Column("number", sa.String(length=28), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("reported", sa.String(length=128), nullable=False),
        sa.Column("search", sa.String(length=512), nullable=False),
        sa.Column("owner", sa.String(length=22), nullable=False),
        sa.Column("owner_key", sa.JSON(), nullable=False),
        sa.Column("owner_thumbprint", sa.String(length=43), nullable=False),
        sa.Column("software", sa.String(length=128), nullable=False),
        sa.Column("system", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("enrolled", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner"], ["people.id"], name=op.f("fk_devices_owner"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_devices")),
    )
    op.create_index("ix_devices_name_number", "devices", ["name", "number"], unique=False)
    op.create_index(op.f("ix_devices_owner"), "devices", ["owner"], unique=False)
    op.create_index(op.f("ix_devices_owner_thumbprint"), "devices", ["owner_thumbprint"], unique=False)
    op.create_table(
        "factors",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=1536), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_factors_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factors")),
        sa.UniqueConstraint("key", name=op.f("uq_factors_key")),
    )
    op.create_index(op.f("ix_factors_person"), "factors", ["person"], unique=False)
    op.create_table(
        "grants",
        sa.Column("jti", sa.String(length=22), nullable=False),
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("parent", sa.String(length=43), nullable=False),
        sa.Column("owner", sa.String(length=43), nullable=False),
        sa.Column("iss", sa.String(length=43), nullable=False),
        sa.Column("holder", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=True),
        sa.Column("aud", sa.String(length=256), nullable=False),
        sa.Column("permissions", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_grants_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_grants")),
        sa.UniqueConstraint("digest", name=op.f("uq_grants_digest")),
    )
    op.create_index(op.f("ix_grants_aud"), "grants", ["aud"], unique=False)
    op.create_index(op.f("ix_grants_holder"), "grants", ["holder"], unique=False)
    op.create_index(op.f("ix_grants_owner"), "grants", ["owner"], unique=False)
    op.create_index(op.f("ix_grants_person"), "grants", ["person"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_invitations_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_person"), "invitations", ["person"], unique=False)
    op.create_table(
        "key_copies",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_key_copies_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_copies")),
    )
    op.create_index(op.f("ix_key_copies_person"), "key_copies", ["person"], unique=False)
    op.create_table(
        "known_browsers",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_known_browsers_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", "person", name=op.f("pk_known_browsers")),
    )
    op.create_table(
        "members",
        sa.Column("group", sa.String(length=22), nullable=False),
        sa.Column("member", sa.String(length=28), nullable=False),
        sa.ForeignKeyConstraint(["group"], ["groups.id"], name=op.f("fk_members_group"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group", "member", name=op.f("pk_members")),
    )
    op.create_index("ix_members_member_group", "members", ["member", "group"], unique=False)
    op.create_table(
        "oidc_links",
        sa.Column("iss", sa.String(length=256), nullable=False),
        sa.Column("sub", sa.String(length=256), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_oidc_links_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("iss", "sub", name=op.f("pk_oidc_links")),
    )
    op.create_index(op.f("ix_oidc_links_person"), "oidc_links", ["person"], unique=False)
    op.create_table(
        "person_keys",
        sa.Column("thumbprint", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_person_keys_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("thumbprint", name=op.f("pk_person_keys")),
    )
    op.create_index(op.f("ix_person_keys_person"), "person_keys", ["person"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("family", sa.String(length=22), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=False),
        sa.Column("device", sa.String(length=28), nullable=True),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_refresh_tokens_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_person"), "refresh_tokens", ["person"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("device_hash", sa.String(length=43), nullable=True),
        sa.Column("proofs", sa.String(length=128), nullable=False),
        sa.Column("proved", sa.BigInteger(), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_sessions_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
        sa.UniqueConstraint("id", name=op.f("uq_sessions_id")),
    )
    op.create_index(op.f("ix_sessions_person"), "sessions", ["person"], unique=False)
    op.create_table(
        "labels",
        sa.Column("device", sa.String(length=28), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.number"], name=op.f("fk_labels_device"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device", "label", name=op.f("pk_labels")),
    )
    op.create_index("ix_labels_label_device", "labels", ["label", "device"], unique=False)
    op.create_table(
        "shares",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("device", sa.String(length=28), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("owner", sa.String(length=43), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("chain", sa.JSON(), nullable=False),
        sa.Column("jti", sa.String(length=22), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.number"], name=op.f("fk_shares_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_shares_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
    )
    op.create_index(op.f("ix_shares_device"), "shares", ["device"], unique=False)
    op.create_index(op.f("ix_shares_owner"), "shares", ["owner"], unique=False)
    op.create_index(op.f("ix_shares_person"), "shares", ["person"], unique=False)
    op.create_table(
        "passes",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("device", sa.String(length=28), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("share", sa.String(length=22), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.number"], name=op.f("fk_passes_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_passes_person"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["share"], ["shares.id"], name=op.f("fk_passes_share"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_passes")),
    )
    op.create_index(op.f("ix_passes_device"), "passes", ["device"], unique=False)
    op.create_index(op.f("ix_passes_person"), "passes", ["person"], unique=False)
    op.create_index(op.f("ix_passes_share"), "passes", ["share"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("hash", sa.String(length=43), nullable=False),
        sa.Column("session", sa.String(length=22), nullable=False),
        sa.Column("visit", sa.String(length=22), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["passes.hash"], name=op.f("fk_attachments_hash"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", "session", name=op.f("pk_attachments")),
    )
