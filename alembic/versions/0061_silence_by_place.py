"""A device that watches several places falls silent at each of them."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0061_silence_by_place"
down_revision = "0060_told_deliveries"
branch_labels = None
depends_on = None

_OPEN = "rule = 'SILENT' AND ended_at IS NULL"


def upgrade() -> None:
    """What held of a device holds of a device at a place, too."""
    op.create_index(
        "uq_alarm_device_id_place_silent",
        "alarm",
        ["device_id", "equipment_id", "shipment_id"],
        unique=True,
        postgresql_where=sa.text(_OPEN),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("uq_alarm_device_id_silent", table_name="alarm")


def downgrade() -> None:
    """Of a device's open alarms of silence the first stays open."""
    op.execute(
        f"UPDATE alarm SET ended_at = now() WHERE {_OPEN} AND EXISTS ("
        f"SELECT FROM alarm AS first WHERE first.device_id = alarm.device_id AND first.id < alarm.id"
        " AND first.rule = 'SILENT' AND first.ended_at IS NULL)"
    )
    op.create_index("uq_alarm_device_id_silent", "alarm", ["device_id"], unique=True, postgresql_where=sa.text(_OPEN))
    op.drop_index("uq_alarm_device_id_place_silent", table_name="alarm")
