"""Holds and the dispositions of closed alarms."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0007_passport"
down_revision = "0006_coldchain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.Column("harm", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("vials", sa.Integer(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_name", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("shake_test", sa.Text(), nullable=True),
        sa.Column("override", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("vials >= 0", name=op.f("ck_hold_vials")),
        sa.CheckConstraint("(state = 'held') = (decided_at IS NULL)", name=op.f("ck_hold_decided")),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_hold_episode_id")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_hold_alarm_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_hold_facility_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_hold_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("episode_id", "holder_id", "batch_id", name=op.f("uq_hold_episode_id_holder_id_batch_id")),
    )
    op.create_index("ix_hold_placed_at_id", "hold", ["placed_at", "id"])
    op.create_index(
        "ix_hold_holder_id_batch_id", "hold", ["holder_id", "batch_id"], postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(op.f("ix_hold_batch_id"), "hold", ["batch_id"])
    op.create_index(op.f("ix_hold_alarm_id"), "hold", ["alarm_id"])
    op.create_index(op.f("ix_hold_facility_id"), "hold", ["facility_id"])
    op.create_table(
        "alarm_disposition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_disposition_alarm_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_alarm_disposition_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_disposition")),
        sa.UniqueConstraint("alarm_id", "batch_id", name=op.f("uq_alarm_disposition_alarm_id_batch_id")),
    )


def downgrade() -> None:
    """Remove both."""
    op.drop_table("alarm_disposition")
    op.drop_table("hold")
