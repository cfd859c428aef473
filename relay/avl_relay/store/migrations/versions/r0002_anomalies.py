"""Alarms, and the habits that they are measured by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "alarms",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=True),
        sa.Column("device", sa.String(length=28), nullable=False),
        sa.Column("session", sa.String(length=22), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("detector", sa.String(length=16), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("acted", sa.String(length=16), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(length=22), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_alarms_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index("ix_alarms_at_id", "alarms", ["at", "id"])
    op.create_index(op.f("ix_alarms_person"), "alarms", ["person"])
    op.create_table(
        "habits",
        sa.Column("subject", sa.String(length=256), nullable=False),
        sa.Column("person", sa.String(length=22), nullable=True),
        sa.Column("usual", sa.JSON(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_habits_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_habits")),
    )
    op.create_index(op.f("ix_habits_person"), "habits", ["person"])
    op.create_index(op.f("ix_habits_updated"), "habits", ["updated"])
