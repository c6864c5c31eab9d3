"""Standing orders of recalls, recalls that nest, and when the latest dose left an opened vial."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0020_facts_and_acts"
down_revision = "0019_sums_and_silence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A small table, a column each; recalls so far reach where their starters' roles reach, else what they found."""
    op.create_table(
        "stock_stop",
        sa.Column("cause", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_stock_stop_batch_id_batch")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_stock_stop_unit_id_unit")),
        sa.PrimaryKeyConstraint("cause", "unit_id", name=op.f("pk_stock_stop")),
    )
    op.create_index("ix_stock_stop_batch_id", "stock_stop", ["batch_id"])
    # A starter without such a role today (it ended, or was another) leaves what the recall found as its reach: never
    # more. Only what the house itself started was the nation's.
    op.execute(
        """
        INSERT INTO stock_stop (cause, unit_id, batch_id, since, reason)
        SELECT r.id, reach.unit_id, r.batch_id, r.started_at, r.reason
        FROM recall r CROSS JOIN LATERAL (
            SELECT g.unit_id FROM role_grant g
            WHERE g.account_id = r.account_id AND g.role IN ('national', 'province')
            UNION
            SELECT n.id FROM unit n WHERE r.account_id IS NULL AND nlevel(n.path) = 1
            UNION
            SELECT h.facility_id FROM recall_holder h WHERE h.recall_id = r.id AND NOT EXISTS (
                SELECT FROM role_grant g WHERE g.account_id = r.account_id AND g.role IN ('national', 'province')
            ) AND r.account_id IS NOT NULL
        ) reach
        """
    )
    op.add_column("recall", sa.Column("taken_over_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_recall_taken_over_by_recall"), "recall", "recall", ["taken_over_by"], ["id"])
    # One open recall a batch was too few: a province's must not stand in the way of the nation's.
    op.drop_index("uq_recall_open_batch", table_name="recall")
    op.create_index("ix_recall_batch_id", "recall", ["batch_id"])
    op.add_column("open_vial", sa.Column("last_taken_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Back to one open recall a batch: the widest one stays open."""
    op.drop_column("open_vial", "last_taken_at")
    op.drop_index("ix_recall_batch_id", table_name="recall")
    op.execute(
        """
        UPDATE recall SET closed_at = started_at WHERE closed_at IS NULL AND id NOT IN (
            SELECT DISTINCT ON (r.batch_id) r.id FROM recall r JOIN stock_stop s ON s.cause = r.id
            JOIN unit u ON u.id = s.unit_id WHERE r.closed_at IS NULL ORDER BY r.batch_id, nlevel(u.path), r.id
        )
        """
    )
    op.create_index(
        "uq_recall_open_batch", "recall", ["batch_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.drop_constraint(op.f("fk_recall_taken_over_by_recall"), "recall", type_="foreignkey")
    op.drop_column("recall", "taken_over_by")
    op.drop_table("stock_stop")
