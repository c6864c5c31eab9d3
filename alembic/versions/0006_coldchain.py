"""coldchain: limits with their seed, alarms, episodes and versions, evaluation state, hourly thermal aggregates"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0006_coldchain"
down_revision = "0005_telemetry"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "coldchain_limit",
    "alarm",
    "alarm_step",
    "episode",
    "episode_version",
    "channel_evaluation",
    "channel_checkpoint",
    "channel_hour",
)

# rule, quantity, operator, value, mode, duration_s, place_kind, severity (WHO PQS E006; TR07 for shipping).
LIMITS = (
    (1, "HEAT", "temperature", ">", 8.0, "continuous", 36_000, "fridge", "alarm"),
    (2, "FRZE", "temperature", "<=", -0.5, "continuous", 3_600, "fridge", "alarm"),
    (3, "HEAT", "temperature", ">", -15.0, "continuous", 3_600, "freezer", "alarm"),
    (4, "DOOR", "door_open", ">", 300.0, "continuous", 0, None, "alarm"),
    (5, "POWR", "power", "<=", 0.0, "continuous", 86_400, None, "alarm"),
    (6, "HEAT", "temperature", ">=", 45.0, "continuous", 3_600, "transport1", "alarm"),
    (7, "HEAT30", "temperature", ">=", 30.0, "forever", 36_000, "transport1", "alarm"),
    (8, "FRZE", "temperature", "<=", -0.5, "continuous", 3_600, "transport1", "alarm"),
    (9, "HEAT", "temperature", ">=", 45.0, "continuous", 3_600, "transport2", "alarm"),
    (10, "HEAT30", "temperature", ">=", 30.0, "forever", 36_000, "transport2", "alarm"),
    (11, "HEAT10", "temperature", ">=", 10.0, "forever", 72_000, "transport2", "alarm"),
    (12, "COLD", "temperature", "<=", 0.0, "continuous", 0, "fridge", "advisory"),
    (13, "WARM", "temperature", ">", 8.0, "continuous", 1_800, "fridge", "advisory"),
)


def upgrade() -> None:
    """Make the tables and seed the limits."""
    _coldchain_limit()
    _alarm()
    _alarm_step()
    _episode()
    _episode_version()
    _channel_evaluation()
    _channel_checkpoint()
    _channel_hour()
    _seed()


def downgrade() -> None:
    """Drop them, newest first."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _seed() -> None:
    limit = sa.table(
        "coldchain_limit",
        *(
            sa.column(name)
            for name in ("id", "rule", "quantity", "operator", "value", "mode", "duration_s", "place_kind", "severity")
        ),
        sa.column("from_at", INSTANT),
    )
    names = [column.name for column in limit.columns if column.name != "from_at"]
    op.bulk_insert(
        limit,
        [dict(zip(names, row, strict=True)) | {"from_at": datetime(1970, 1, 1, tzinfo=UTC)} for row in LIMITS],
    )


def _coldchain_limit() -> None:
    op.create_table(
        "coldchain_limit",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=100), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=True),
        sa.Column("place_kind", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT, nullable=True),
        sa.CheckConstraint("(mode = 'window') = (window_s IS NOT NULL)", name=op.f("ck_coldchain_limit_window")),
        sa.CheckConstraint("duration_s >= 0", name=op.f("ck_coldchain_limit_duration")),
        sa.CheckConstraint("to_at > from_at", name=op.f("ck_coldchain_limit_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coldchain_limit")),
    )


def _alarm() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("alarmed_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("level", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("escalate_at", INSTANT, nullable=True),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_name", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_name IS NULL)", name=op.f("ck_alarm_acknowledged")
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_alarm_channel_id")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_alarm_device_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_alarm_equipment_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["alarm.id"], name=op.f("fk_alarm_merged_into")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_alarm_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index("ix_alarm_equipment_id_rule", "alarm", ["equipment_id", "rule"], unique=False)
    op.create_index(
        "ix_alarm_escalate_at",
        "alarm",
        ["escalate_at"],
        unique=False,
        postgresql_where=sa.text("escalate_at IS NOT NULL"),
    )
    op.create_index("ix_alarm_raised_at_id", "alarm", ["raised_at", "id"], unique=False)
    op.create_index("ix_alarm_shipment_id_rule", "alarm", ["shipment_id", "rule"], unique=False)
    op.create_index(op.f("ix_alarm_unit_id"), "alarm", ["unit_id"], unique=False)
    op.create_index(
        "uq_alarm_device_id_silent",
        "alarm",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text("rule = 'SILENT' AND ended_at IS NULL"),
    )


def _alarm_step() -> None:
    op.create_table(
        "alarm_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_step_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_step")),
    )
    op.create_index(op.f("ix_alarm_step_alarm_id_id"), "alarm_step", ["alarm_id", "id"], unique=False)


def _episode() -> None:
    op.create_table(
        "episode",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("limit_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("alarmed_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("peak", sa.Double(), nullable=False),
        sa.Column("exposed_s", sa.Double(), nullable=False),
        sa.Column("known_s", sa.Double(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.Column("split_from", sa.Uuid(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("void_at", INSTANT, nullable=True),
        sa.Column("first_known_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_episode_alarm_id")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_episode_channel_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_episode_equipment_id")),
        sa.ForeignKeyConstraint(["limit_id"], ["coldchain_limit.id"], name=op.f("fk_episode_limit_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_episode_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode")),
    )
    op.create_index(op.f("ix_episode_alarm_id"), "episode", ["alarm_id"], unique=False)
    op.create_index(
        "ix_episode_channel_id_settled_at",
        "episode",
        ["channel_id", sa.literal_column("coalesce(settled_at, 'infinity'::timestamptz)")],
        unique=False,
        postgresql_where=sa.text("void_at IS NULL AND merged_into IS NULL"),
    )
    op.create_index("ix_episode_channel_id_started_at", "episode", ["channel_id", "started_at"], unique=False)
    op.create_index("ix_episode_equipment_id_started_at", "episode", ["equipment_id", "started_at"], unique=False)
    op.create_index(op.f("ix_episode_shipment_id"), "episode", ["shipment_id"], unique=False)


def _episode_version() -> None:
    op.create_table(
        "episode_version",
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("known_from", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("alarmed_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("peak", sa.Double(), nullable=False),
        sa.Column("exposed_s", sa.Double(), nullable=False),
        sa.Column("known_s", sa.Double(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_episode_version_episode_id")),
        sa.PrimaryKeyConstraint("episode_id", "known_from", name=op.f("pk_episode_version")),
    )


def _channel_evaluation() -> None:
    op.create_table(
        "channel_evaluation",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("newest_at", INSTANT, nullable=True),
        sa.Column("silent_after", INSTANT, nullable=True),
        sa.Column("silent", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("evaluated_at", INSTANT, nullable=True),
        sa.Column("head_at", INSTANT, nullable=True),
        sa.Column("head_before", INSTANT, nullable=True),
        sa.Column("head_carries", postgresql.JSONB(), nullable=True),
        sa.Column("head_partial", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_channel_evaluation_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_evaluation")),
    )
    op.create_index(
        "ix_channel_evaluation_silent_after",
        "channel_evaluation",
        ["silent_after"],
        unique=False,
        postgresql_where=sa.text("NOT silent"),
    )


def _channel_checkpoint() -> None:
    op.create_table(
        "channel_checkpoint",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("before", INSTANT, nullable=True),
        sa.Column("carries", postgresql.JSONB(), nullable=False),
        sa.Column("partial", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_channel_checkpoint_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "at", name=op.f("pk_channel_checkpoint")),
    )


def _channel_hour() -> None:
    op.create_table(
        "channel_hour",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("known_s", sa.Double(), nullable=False),
        sa.Column("integral_c_s", sa.Double(), nullable=False),
        sa.Column("arrhenius_s", sa.Double(), nullable=False),
        sa.Column("vvm2_used", sa.Double(), nullable=False),
        sa.Column("vvm7_used", sa.Double(), nullable=False),
        sa.Column("vvm14_used", sa.Double(), nullable=False),
        sa.Column("vvm30_used", sa.Double(), nullable=False),
        sa.Column("s_below_m90", sa.Double(), nullable=False),
        sa.Column("s_m90_to_m60", sa.Double(), nullable=False),
        sa.Column("s_m60_to_m25", sa.Double(), nullable=False),
        sa.Column("s_m25_to_m15", sa.Double(), nullable=False),
        sa.Column("s_m15_to_m05", sa.Double(), nullable=False),
        sa.Column("s_m05_to_0", sa.Double(), nullable=False),
        sa.Column("s_0_to_2", sa.Double(), nullable=False),
        sa.Column("s_2_to_8", sa.Double(), nullable=False),
        sa.Column("s_8_to_10", sa.Double(), nullable=False),
        sa.Column("s_10_to_25", sa.Double(), nullable=False),
        sa.Column("s_25_to_30", sa.Double(), nullable=False),
        sa.Column("s_30_to_45", sa.Double(), nullable=False),
        sa.Column("s_from_45", sa.Double(), nullable=False),
        sa.Column("min_c", sa.Double(), nullable=False),
        sa.Column("max_c", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "hour", name=op.f("pk_channel_hour")),
    )
