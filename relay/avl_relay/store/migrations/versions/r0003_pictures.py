"""Picture keys, and last pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "picture_keys",
        sa.Column("key", sa.String(length=43), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=False),
        sa.Column("signer", sa.String(length=43), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_picture_keys_person"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["signer"], ["person_keys.thumbprint"], name=op.f("fk_picture_keys_signer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_picture_keys")),
    )
    op.create_index(op.f("ix_picture_keys_person"), "picture_keys", ["person"])
    op.create_index(op.f("ix_picture_keys_signer"), "picture_keys", ["signer"])
    op.create_table(
        "last_pictures",
        sa.Column("device", sa.String(length=28), nullable=False),
        sa.Column("key", sa.String(length=43), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.number"], name=op.f("fk_last_pictures_device"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["key"], ["picture_keys.key"], name=op.f("fk_last_pictures_key"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device", "key", name=op.f("pk_last_pictures")),
    )
    op.create_index(op.f("ix_last_pictures_key"), "last_pictures", ["key"])
