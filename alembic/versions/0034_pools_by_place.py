"""What sessions take along is promised by itself: pools by place, and since when a session is closed."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0034_pools_by_place"
down_revision = "0033_told_by_devices"
branch_labels = None
depends_on = None

_KEYS = {"availability": "step", "stock_need": "day"}

_APART = """
    UPDATE equipment e SET apart = true
    WHERE EXISTS (SELECT FROM vaccination_session s WHERE s.place_id = e.id AND s.state <> 'closed')
"""
# When a session was closed says the last record of it; of those without any, its end.
_CLOSED = """
    UPDATE vaccination_session s SET closed_at = coalesce((
        SELECT max(c.recorded_at) FROM session_change c WHERE c.session_id = s.id AND c.what IN ('closed', 'cancelled')
    ), s.closes_at)
    WHERE s.state = 'closed'
"""
# A pool of its own for what lies in each such place, with a step for each day that the facility's pool has.
_PLACES = """
    INSERT INTO availability (pool_id, facility_id, presentation_id, step, vials, needed, short)
    SELECT e.id, a.facility_id, a.presentation_id, a.step, 0, 0, 0
    FROM availability a JOIN equipment e ON e.facility_id = a.facility_id AND e.apart
"""
_BEARING = """
    WITH meant AS (
        SELECT a.pool_id, a.presentation_id, a.step, coalesce((
            SELECT sum(greatest(b.vials - b.packed, 0)) FROM stock_balance b
            JOIN batch t ON t.id = b.batch_id
            JOIN equipment e ON e.id = b.place_id
            WHERE b.facility_id = a.facility_id AND t.presentation_id = a.presentation_id AND t.expiry >= a.step
              AND b.status = 'usable' AND e.in_service AND coalesce(b.vvm_stage, 1) < 3
              AND CASE WHEN e.apart THEN e.id ELSE b.facility_id END = a.pool_id
        ), 0) AS vials
        FROM availability a
        WHERE a.facility_id IN (SELECT facility_id FROM equipment WHERE apart)
    )
    UPDATE availability a SET vials = m.vials, short = greatest(0, a.needed - m.vials)
    FROM meant m
    WHERE (a.pool_id, a.presentation_id, a.step) = (m.pool_id, m.presentation_id, m.step)
"""
# Which bookings need vials of which pool the worker finds, and with it who must give way.
_TELL = """
    INSERT INTO feed_pending (id, kind, subject, unit_id, data, occurred_at, recorded_at)
    SELECT gen_random_uuid(), 'stock.short', facility_id::text, facility_id,
           jsonb_build_object('facility_id', facility_id, 'presentation_id', presentation_id,
                              'days', '[]'::jsonb, 'short_vials', max(short)),
           now(), now()
    FROM availability WHERE facility_id IN (SELECT facility_id FROM equipment WHERE apart)
    GROUP BY facility_id, presentation_id
"""
# Before: one pool for all that lies at a facility, with a step for each day that any of its pools has.
_STEPS_TOGETHER = """
    INSERT INTO availability (pool_id, facility_id, presentation_id, step, vials, needed, short)
    SELECT x.facility_id, x.facility_id, x.presentation_id, x.step, coalesce(p.vials, 0), n.needed,
           greatest(0, n.needed - coalesce(p.vials, 0))
    FROM (SELECT DISTINCT facility_id, presentation_id, step FROM availability WHERE pool_id <> facility_id) x
    LEFT JOIN LATERAL (
        SELECT a.vials FROM availability a
        WHERE a.pool_id = x.facility_id AND a.presentation_id = x.presentation_id AND a.step < x.step
        ORDER BY a.step DESC LIMIT 1
    ) p ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(s.vials), 0) AS needed FROM stock_need s
        WHERE s.pool_id = x.facility_id AND s.presentation_id = x.presentation_id AND s.day >= x.step
    ) n
    ON CONFLICT DO NOTHING
"""
_TOGETHER = """
    UPDATE availability a SET vials = a.vials + o.vials
    FROM (
        SELECT f.pool_id, f.presentation_id, f.step, sum(p.vials) AS vials
        FROM availability f
        CROSS JOIN LATERAL (
            SELECT DISTINCT ON (x.pool_id) x.vials FROM availability x
            WHERE x.facility_id = f.facility_id AND x.presentation_id = f.presentation_id
              AND x.pool_id <> x.facility_id AND x.step <= f.step
            ORDER BY x.pool_id, x.step DESC
        ) p
        WHERE f.pool_id = f.facility_id GROUP BY 1, 2, 3
    ) o
    WHERE (a.pool_id, a.presentation_id, a.step) = (o.pool_id, o.presentation_id, o.step)
"""
_NEEDS_TOGETHER = """
    INSERT INTO stock_need AS n (pool_id, facility_id, presentation_id, day, vials)
    SELECT facility_id, facility_id, presentation_id, day, sum(vials) FROM stock_need
    WHERE pool_id <> facility_id GROUP BY facility_id, presentation_id, day
    ON CONFLICT (pool_id, presentation_id, day) DO UPDATE SET vials = n.vials + excluded.vials
"""

_NEEDED = """
    WITH meant AS (
        SELECT a.pool_id, a.presentation_id, a.step, coalesce((
            SELECT sum(n.vials) FROM stock_need n
            WHERE n.pool_id = a.pool_id AND n.presentation_id = a.presentation_id AND n.day >= a.step
        ), 0) AS needed
        FROM availability a WHERE a.pool_id = a.facility_id
    )
    UPDATE availability a SET needed = m.needed, short = greatest(0, m.needed - a.vials)
    FROM meant m
    WHERE (a.pool_id, a.presentation_id, a.step) = (m.pool_id, m.presentation_id, m.step)
"""


def upgrade() -> None:
    """Every pool there was is that of a facility's stores; what lies in places taken along leaves it."""
    op.add_column("equipment", sa.Column("apart", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("vaccination_session", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    for table, day in _KEYS.items():
        op.add_column(table, sa.Column("pool_id", sa.Uuid(), nullable=True))
        op.execute(f"UPDATE {table} SET pool_id = facility_id")
        op.alter_column(table, "pool_id", nullable=False)
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, ["pool_id", "presentation_id", day])
    op.create_index("ix_availability_facility_id", "availability", ["facility_id"])
    op.execute(_CLOSED)
    op.execute(_APART)
    op.execute(_PLACES)
    op.execute(_BEARING)
    op.execute(_TELL)


def downgrade() -> None:
    """Count what lies in places taken along with the facility's stores again."""
    op.execute(_STEPS_TOGETHER)
    op.execute(_TOGETHER)
    op.execute(_NEEDS_TOGETHER)
    op.execute(_NEEDED)
    op.drop_index("ix_availability_facility_id", "availability")
    for table, day in _KEYS.items():
        op.execute(f"DELETE FROM {table} WHERE pool_id <> facility_id")
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, ["facility_id", "presentation_id", day])
        op.drop_column(table, "pool_id")
    op.drop_column("vaccination_session", "closed_at")
    op.drop_column("equipment", "apart")
