"""What devices say of themselves: daily figures of loggers without readings, and their own alarms."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0031_told_by_devices"
down_revision = "0030_keys"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables; nothing that exists is touched."""
    op.create_table(
        "day_figures",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT, nullable=False),
        sa.Column("min_c", sa.Double(), nullable=False),
        sa.Column("max_c", sa.Double(), nullable=False),
        sa.Column("minutes_unknown", sa.Integer(), nullable=False),
        sa.Column("below_c", sa.Double(), nullable=True),
        sa.Column("below_minutes", sa.Integer(), nullable=True),
        sa.Column("minutes_below", sa.Integer(), nullable=True),
        sa.Column("below_alarm_at", INSTANT, nullable=True),
        sa.Column("above_c", sa.Double(), nullable=True),
        sa.Column("above_minutes", sa.Integer(), nullable=True),
        sa.Column("minutes_above", sa.Integer(), nullable=True),
        sa.Column("above_alarm_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint("to_at > from_at", name=op.f("ck_day_figures_order")),
        sa.CheckConstraint("max_c >= min_c", name=op.f("ck_day_figures_extremes")),
        sa.CheckConstraint(
            "least(minutes_below, minutes_above, minutes_unknown) >= 0", name=op.f("ck_day_figures_minutes")
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_day_figures_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f("pk_day_figures")),
    )
    op.create_table(
        "told_alarm",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint("code ~ '^[!-~]{1,16}$'", name=op.f("ck_told_alarm_code_plain")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_told_alarm_device_id")),
        sa.PrimaryKeyConstraint("device_id", "code", "claimed_at", name=op.f("pk_told_alarm")),
    )
    op.create_index("ix_told_alarm_device_id_at", "told_alarm", ["device_id", "at"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("told_alarm")
    op.drop_table("day_figures")
