"""A number in the queue is kept with its booking: reckoned from the steps, all behind moved up when somebody left."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0074_queue_numbers"
down_revision = "0073_adverse_elsewhere"
branch_labels = None
depends_on = None

# Whoever waits at this hour keeps the number that was called out.
_OF_TODAY = """
WITH came AS (
    SELECT b.id, b.session_id, min(s.recorded_at) AS at
    FROM booking b
    JOIN vaccination_session v ON v.id = b.session_id AND v.day >= CURRENT_DATE - 1
    JOIN booking_step s ON s.booking_id = b.id AND s.to_state = 'arrived'
    GROUP BY b.id
), numbered AS (
    UPDATE booking SET number = n.number
    FROM (SELECT id, row_number() OVER (PARTITION BY session_id ORDER BY at, id) AS number FROM came) n
    WHERE booking.id = n.id
    RETURNING booking.session_id
)
UPDATE vaccination_session v SET arrivals = n.arrivals
FROM (SELECT session_id, count(*) AS arrivals FROM numbered GROUP BY session_id) n
WHERE v.id = n.session_id
"""


def upgrade() -> None:
    """Sessions that are over call nobody."""
    op.add_column("booking", sa.Column("number", sa.Integer(), nullable=True))
    op.add_column("vaccination_session", sa.Column("arrivals", sa.Integer(), server_default="0", nullable=False))
    op.execute(_OF_TODAY)


def downgrade() -> None:
    """Numbers are reckoned from the steps again."""
    op.drop_column("vaccination_session", "arrivals")
    op.drop_column("booking", "number")
