"""A cancelled shipment says who gave it up, when and why."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0083_cancelled_by"
down_revision = "0082_dose_reminders"
branch_labels = None
depends_on = None

_CHECK = "ck_shipment_cancel_whole"


def upgrade() -> None:
    """New columns that may be empty; what was cancelled before keeps them so. A constraint that no row of earlier versions can break."""
    op.add_column("shipment", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shipment", sa.Column("cancelled_by", sa.Text(), nullable=True))
    op.add_column("shipment", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f(_CHECK),
        "shipment",
        "num_nonnulls(cancelled_at, cancelled_by) IN (0, 2) AND (cancel_reason IS NULL OR cancelled_at IS NOT NULL)",
        postgresql_not_valid=True,
    )
    op.execute(f"ALTER TABLE shipment VALIDATE CONSTRAINT {_CHECK}")


def downgrade() -> None:
    """As before."""
    op.drop_constraint(op.f(_CHECK), "shipment", type_="check")
    for column in ("cancel_reason", "cancelled_by", "cancelled_at"):
        op.drop_column("shipment", column)
