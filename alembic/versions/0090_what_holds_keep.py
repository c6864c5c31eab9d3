"""The ledger knows which held vials a hold keeps, whoever had held them before it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0090_what_holds_keep"
down_revision = "0089_hotline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each hold that nobody has decided keeps what is held where it is; on the road the ledger knows by itself."""
    op.create_table(
        "stock_keep",
        sa.Column("cause", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_stock_keep_batch_id_batch")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_stock_keep_facility_id_facility")),
        sa.PrimaryKeyConstraint("cause", name=op.f("pk_stock_keep")),
    )
    op.create_index("ix_stock_keep_facility_id_batch_id", "stock_keep", ["facility_id", "batch_id"])
    op.execute(
        """
        INSERT INTO stock_keep (cause, facility_id, batch_id, since)
        SELECT id, facility_id, batch_id, placed_at FROM hold WHERE state = 'held' AND account <> 'transit'
        """
    )


def downgrade() -> None:
    """As before."""
    op.drop_table("stock_keep")
