"""telemetry: devices, channels, assignments, readings by month, marks, dead letters"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0005_telemetry"
down_revision = "0004_shipments"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _devices()
    _channels()
    _readings()
    _bookkeeping()


def downgrade() -> None:
    """Drop them, newest first; partitions go with their parent."""
    for table in (
        "dead_letter",
        "reading_mark",
        "clock_fault",
        "sensor_fault",
        "reading",
        "assignment",
        "channel_interval",
        "channel",
        "device",
    ):
        op.drop_table(table)


def _devices() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("make", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("serial", sa.Text()),
        sa.Column("gateway_id", sa.Uuid()),
        sa.Column("password_hash", sa.Text()),
        sa.Column("status", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("status_at", INSTANT),
        sa.Column("last_seen_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,64}$'", name=op.f("ck_device_code_plain")),
        sa.CheckConstraint("gateway_id IS NULL OR serial IS NOT NULL", name=op.f("ck_device_gateway_serial")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_device_unit_id")),
        sa.ForeignKeyConstraint(["gateway_id"], ["device.id"], name=op.f("fk_device_gateway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("code", name=op.f("uq_device_code")),
    )
    op.create_index("uq_device_gateway_id_serial", "device", ["gateway_id", "serial"], unique=True)
    op.create_index(op.f("ix_device_unit_id"), "device", ["unit_id"])


def _channels() -> None:
    op.create_table(
        "channel",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_channel_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("device_id", "name", "quantity", name=op.f("uq_channel_device_id_name_quantity")),
    )
    op.create_table(
        "channel_interval",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.CheckConstraint("interval_s BETWEEN 1 AND 86400", name=op.f("ck_channel_interval_interval_s_range")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_channel_interval_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "from_at", name=op.f("pk_channel_interval")),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("equipment_id", sa.Uuid()),
        sa.Column("shipment_id", sa.Uuid()),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT),
        sa.CheckConstraint("num_nonnulls(equipment_id, shipment_id) = 1", name=op.f("ck_assignment_one_target")),
        sa.CheckConstraint("to_at > from_at", name=op.f("ck_assignment_order")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_assignment_channel_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_assignment_equipment_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_assignment_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_equipment_id"), "assignment", ["equipment_id"])
    op.create_index(op.f("ix_assignment_shipment_id"), "assignment", ["shipment_id"])
    op.execute(
        "ALTER TABLE assignment ADD CONSTRAINT ex_assignment_channel_id_period "
        "EXCLUDE USING gist (channel_id WITH =, tstzrange(from_at, to_at) WITH &&)"
    )


def _readings() -> None:
    op.create_table(
        "reading",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", INSTANT, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("time_source", sa.SmallInteger(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("message_id", sa.Text()),
        sa.PrimaryKeyConstraint("channel_id", "measured_at", "value", name=op.f("pk_reading")),
        postgresql_partition_by="RANGE (measured_at)",
    )
    op.create_table(
        "sensor_fault",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_sensor_fault_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "measured_at", "reason", name=op.f("pk_sensor_fault")),
    )
    op.create_table(
        "clock_fault",
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "claimed_at", "value", name=op.f("pk_clock_fault")),
    )


def _bookkeeping() -> None:
    op.create_table(
        "reading_mark",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("earliest_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_mark")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Uuid()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_received_at", INSTANT, nullable=False),
        sa.Column("last_received_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_dead_letter_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("digest", name=op.f("uq_dead_letter_digest")),
    )
    op.create_index(op.f("ix_dead_letter_last_received_at"), "dead_letter", ["last_received_at"])
    op.create_index(op.f("ix_dead_letter_device_id"), "dead_letter", ["device_id"])
