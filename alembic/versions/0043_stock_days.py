"""Sums of the ledger by place, product and day, so that no page adds up four weeks of it; discarded doses by place."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0043_stock_days"
down_revision = "0042_recall_withdrawn"
branch_labels = None
depends_on = None

# Events that one statement adds up: a few seconds' work, whatever the ledger's length.
CHUNK = 50_000


def upgrade() -> None:
    """A new table, filled in chunks; the ledger takes no event meanwhile, so none is left out or counted twice."""
    op.create_table(
        "stock_day",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_stock_day_facility_id_facility"),
        sa.ForeignKeyConstraint(
            ["presentation_id"], ["presentation.id"], name="fk_stock_day_presentation_id_presentation"
        ),
        sa.PrimaryKeyConstraint("facility_id", "presentation_id", "day", name="pk_stock_day"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_open_vial_discarded",
        "open_vial",
        ["facility_id", "last_taken_at"],
        postgresql_where=sa.text("discarded > 0"),
    )
    op.execute("LOCK TABLE stock_entry IN SHARE ROW EXCLUSIVE MODE")
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT coalesce(max(number), 0) FROM stock_event")) or 0
    for first in range(0, last + 1, CHUNK):
        connection.execute(sa.text(FILL), {"first": first, "behind": first + CHUNK})


# An event that takes another back, or tells it of another lot, counts as the one it stands beside.
FILL = """
    INSERT INTO stock_day AS d (facility_id, presentation_id, day, used, moves)
    SELECT e.facility_id, b.presentation_id, CAST(e.occurred_at AT TIME ZONE f.timezone AS date),
           coalesce(sum(-e.vials) FILTER (WHERE beside.kind IN ('opening', 'dispatch')), 0), count(*)
    FROM stock_event v
    JOIN stock_entry e ON e.event_id = v.id AND e.account = 'place'
    JOIN batch b ON b.id = e.batch_id
    JOIN facility f ON f.id = e.facility_id
    LEFT JOIN stock_event beside ON beside.number = e.ordinal
    WHERE v.number >= :first AND v.number < :behind
    GROUP BY 1, 2, 3
    ON CONFLICT (facility_id, presentation_id, day) DO UPDATE
    SET used = d.used + excluded.used, moves = d.moves + excluded.moves
"""


def downgrade() -> None:
    """The sums can be had from the ledger again."""
    op.drop_index("ix_open_vial_discarded", "open_vial")
    op.drop_table("stock_day")
