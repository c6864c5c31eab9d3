"""Late receipts, trucks that turn round, and clocks that were slow."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0015_ways_back_of_shipments"
down_revision = "0014_use_of_vials"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns with a constant default are added without touching a row; the rule on them is validated afterwards."""
    op.add_column("shipment_receipt", sa.Column("returned", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("shipment_receipt", sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("receipt_line", sa.Column("recovered", sa.BigInteger(), nullable=False, server_default="0"))
    rule = "recovered BETWEEN 0 AND accepted + rejected"
    name = op.f("ck_receipt_line_recovered_arrived")
    op.execute(f"ALTER TABLE receipt_line ADD CONSTRAINT {name} CHECK ({rule}) NOT VALID")
    op.execute(f"ALTER TABLE receipt_line VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Forget what they said."""
    op.drop_constraint(op.f("ck_receipt_line_recovered_arrived"), "receipt_line", type_="check")
    op.drop_column("receipt_line", "recovered")
    op.drop_column("shipment_receipt", "said_at")
    op.drop_column("shipment_receipt", "returned")
