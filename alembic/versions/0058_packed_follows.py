"""What was packed and then stopped by a program that left the mark with the status: the mark follows to where the vials lie."""

from __future__ import annotations

from alembic import op

revision = "0058_packed_follows"
down_revision = "0057_handsets"
branch_labels = None
depends_on = None

# More is set aside in a row than lies there, and beside it the same batch lies stopped with fewer set aside than lie:
# the mark goes there, as far as there is room. Where a count had taken the vials away, stopped ones are marked in their
# stead; they are free again when the shipment leaves or is cancelled. No pool changes: of neither row anything is promised.
_FOLLOW = """
    CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
    WITH lacking AS (
        SELECT holder_id, batch_id, status, packed - vials AS marks, packed_at,
               sum(packed - vials) OVER within_place - (packed - vials) AS before
        FROM stock_balance WHERE account = 'place' AND packed > vials
        WINDOW within_place AS (PARTITION BY holder_id, batch_id ORDER BY status)
    ), room AS (
        SELECT holder_id, batch_id, status, vials - packed AS free,
               sum(vials - packed) OVER within_place - (vials - packed) AS before
        FROM stock_balance JOIN (SELECT DISTINCT holder_id, batch_id FROM lacking) AS there USING (holder_id, batch_id)
        WHERE account = 'place' AND status <> 'usable' AND vials > packed
        WINDOW within_place AS (PARTITION BY holder_id, batch_id ORDER BY status)
    )
    SELECT holder_id, batch_id, l.status AS out_of, r.status AS came_in, l.packed_at,
           least(l.before + l.marks, r.before + r.free) - greatest(l.before, r.before) AS marks
    FROM lacking l JOIN room r USING (holder_id, batch_id)
    WHERE least(l.before + l.marks, r.before + r.free) > greatest(l.before, r.before)
"""
_TAKE = """
    UPDATE stock_balance b SET packed = b.packed - m.marks
    FROM (SELECT holder_id, batch_id, out_of, sum(marks) AS marks FROM moved GROUP BY 1, 2, 3) AS m
    WHERE b.holder_id = m.holder_id AND b.batch_id = m.batch_id AND b.status = m.out_of
"""
_GIVE = """
    UPDATE stock_balance b SET packed = b.packed + m.marks, packed_at = greatest(b.packed_at, m.packed_at)
    FROM (
        SELECT holder_id, batch_id, came_in, sum(marks) AS marks, max(packed_at) AS packed_at FROM moved GROUP BY 1, 2, 3
    ) AS m
    WHERE b.holder_id = m.holder_id AND b.batch_id = m.batch_id AND b.status = m.came_in
"""


def upgrade() -> None:
    """As many are set aside as before."""
    for statement in (_FOLLOW, _TAKE, _GIVE):
        op.execute(statement)


def downgrade() -> None:
    """The mark may lie where the vials do."""
