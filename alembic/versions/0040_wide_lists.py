"""Indexes in the order of the nation's lists, and how many units lie below a path."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0040_wide_lists"
down_revision = "0039_code_sent_to"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_booking_made_at_id": ("booking", ["made_at", "id"], None),
    "ix_shipment_created_at_id": ("shipment", ["created_at", "id"], None),
    "ix_dose_claim_due_day_id": ("dose_claim", ["due_day", "id"], None),
    "ix_availability_short": ("availability", ["facility_id"], "short > 0"),
    "ix_vaccination_session_closes_at": ("vaccination_session", ["closes_at"], "state <> 'closed'"),
    "ix_open_vial_open": ("open_vial", ["id"], "closed_at IS NULL"),
}


def upgrade() -> None:
    """Small next to their tables. Paths are counted finely: a city is a five-hundredth of the nation."""
    for name, (table, columns, only) in INDEXES.items():
        op.create_index(name, table, columns, postgresql_where=None if only is None else sa.text(only))
    op.create_index(
        "ix_stock_entry_batch_id_facility_id",
        "stock_entry",
        ["batch_id", "facility_id"],
        postgresql_include=["account", "vials"],
    )
    op.execute("ALTER TABLE unit ALTER COLUMN path SET STATISTICS 1000")
    op.execute("ANALYZE unit")


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE unit ALTER COLUMN path SET STATISTICS -1")
    op.drop_index("ix_stock_entry_batch_id_facility_id", "stock_entry")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
