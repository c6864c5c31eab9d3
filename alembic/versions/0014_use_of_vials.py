"""What bears a promise: vials that may be used where they lie. Packed vials, equipment out of service, spent monitors."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0014_use_of_vials"
down_revision = "0013_lots_that_look_alike"
branch_labels = None
depends_on = None

_PACKED = """
    UPDATE stock_balance b SET packed = p.vials, packed_at = p.packed_at
    FROM (
        SELECT l.place_id, l.batch_id, sum(l.vials) AS vials, max(s.packed_at) AS packed_at
        FROM packed_line l JOIN shipment s ON s.id = l.shipment_id
        WHERE s.state = 'packed' GROUP BY 1, 2
    ) p
    WHERE (b.holder_id, b.batch_id, b.status) = (p.place_id, p.batch_id, 'usable')
"""

# Vials read as spent became unusable at once; what stayed took their stage from them, and nobody has read theirs.
_UNTAINT = """
    UPDATE stock_balance SET vvm_stage = NULL
    WHERE account = 'place' AND status IN ('usable', 'held') AND vvm_stage >= 3
"""

_BEARING = """
    WITH meant AS (
        SELECT a.facility_id, a.presentation_id, a.step, coalesce((
            SELECT sum(greatest(b.vials - b.packed, 0)) FROM stock_balance b
            JOIN batch t ON t.id = b.batch_id
            JOIN equipment e ON e.id = b.place_id
            WHERE b.facility_id = a.facility_id AND t.presentation_id = a.presentation_id AND t.expiry >= a.step
              AND b.status = 'usable' AND e.in_service AND coalesce(b.vvm_stage, 1) < 3
        ), 0) AS vials
        FROM availability a
    )
    UPDATE availability a SET vials = m.vials, short = greatest(0, a.needed - m.vials)
    FROM meant m
    WHERE (a.facility_id, a.presentation_id, a.step) = (m.facility_id, m.presentation_id, m.step)
      AND (a.vials, a.short) <> (m.vials, greatest(0, a.needed - m.vials))
"""

# What falls short by the new reading is told, so that the worker finds people another place.
_TELL = """
    INSERT INTO feed_pending (id, kind, subject, unit_id, data, occurred_at, recorded_at)
    SELECT gen_random_uuid(), 'stock.short', facility_id::text, facility_id,
           jsonb_build_object('facility_id', facility_id, 'presentation_id', presentation_id,
                              'days', '[]'::jsonb, 'short_vials', max(short)),
           now(), now()
    FROM availability WHERE short > 0 GROUP BY facility_id, presentation_id
"""

# Before: every usable vial in a place, whatever became of it.
_AS_BEFORE = """
    WITH meant AS (
        SELECT a.facility_id, a.presentation_id, a.step, coalesce((
            SELECT sum(b.vials) FROM stock_balance b JOIN batch t ON t.id = b.batch_id
            WHERE b.facility_id = a.facility_id AND t.presentation_id = a.presentation_id AND t.expiry >= a.step
              AND b.account = 'place' AND b.status = 'usable'
        ), 0) AS vials
        FROM availability a
    )
    UPDATE availability a SET vials = m.vials, short = greatest(0, a.needed - m.vials)
    FROM meant m
    WHERE (a.facility_id, a.presentation_id, a.step) = (m.facility_id, m.presentation_id, m.step)
      AND (a.vials, a.short) <> (m.vials, greatest(0, a.needed - m.vials))
"""


def upgrade() -> None:
    """Columns with a default cost no rewrite; pools whose vials mean something else now are reckoned anew."""
    op.add_column("equipment", sa.Column("service_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stock_balance", sa.Column("packed", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("stock_balance", sa.Column("packed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "ALTER TABLE stock_balance ADD CONSTRAINT ck_stock_balance_packed_at_a_place "
        "CHECK (packed >= 0 AND (packed = 0 OR account = 'place')) NOT VALID"
    )
    op.execute(_PACKED)
    op.execute(_UNTAINT)
    op.execute(_BEARING)
    op.execute(_TELL)
    op.execute("ALTER TABLE stock_balance VALIDATE CONSTRAINT ck_stock_balance_packed_at_a_place")


def downgrade() -> None:
    """Count every usable vial again."""
    op.execute(_AS_BEFORE)
    op.drop_constraint(op.f("ck_stock_balance_packed_at_a_place"), "stock_balance")
    op.drop_column("stock_balance", "packed_at")
    op.drop_column("stock_balance", "packed")
    op.drop_column("equipment", "service_changed_at")
