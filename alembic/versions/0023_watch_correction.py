"""Watches that were said of the wrong equipment, and what was said instead."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0023_watch_correction"
down_revision = "0022_sessions"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One small table; nothing that exists is touched."""
    op.create_table(
        "watch_correction",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("from_equipment_id", sa.Uuid(), nullable=True),
        sa.Column("to_equipment_id", sa.Uuid(), nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrected_at", INSTANT, nullable=False),
        sa.Column("corrected_by", sa.Uuid(), nullable=True),
        sa.Column("corrected_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("assignment_id", name=op.f("pk_watch_correction")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_watch_correction_channel_id")),
        sa.ForeignKeyConstraint(
            ["from_equipment_id"], ["equipment.id"], name=op.f("fk_watch_correction_from_equipment_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_equipment_id"], ["equipment.id"], name=op.f("fk_watch_correction_to_equipment_id")
        ),
    )
    op.create_index(op.f("ix_watch_correction_channel_id"), "watch_correction", ["channel_id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("watch_correction")
