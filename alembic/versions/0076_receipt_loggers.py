"""A receipt names the temperature loggers that were found in its boxes; a box is found by the logger on its note."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0076_receipt_loggers"
down_revision = "0075_one_number_each"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of its own: most receipts name none. Most boxes have none, either."""
    op.create_table(
        "receipt_logger",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("noted_of_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["receipt_id"], ["shipment_receipt.id"], name=op.f("fk_receipt_logger_receipt_id")),
        sa.ForeignKeyConstraint(["noted_of_id"], ["shipment.id"], name=op.f("fk_receipt_logger_noted_of_id")),
        sa.PrimaryKeyConstraint("receipt_id", "number", name=op.f("pk_receipt_logger")),
    )
    op.create_index(
        "ix_shipment_box_logger", "shipment_box", ["logger"], postgresql_where=sa.text("logger IS NOT NULL")
    )


def downgrade() -> None:
    """Which loggers were found in the boxes is lost."""
    op.drop_index("ix_shipment_box_logger", table_name="shipment_box")
    op.drop_table("receipt_logger")
