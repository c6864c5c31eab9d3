"""What came without having been announced is kept as its receiver told it, until its sender confirms."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0060_told_deliveries"
down_revision = "0059_out_of_turn"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was told so yet."""
    op.create_table(
        "told_delivery",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disputed_by", sa.Text(), nullable=True),
        sa.Column("dispute_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(disputed_at, disputed_by, dispute_reason) IN (0, 3)", name="ck_told_delivery_dispute_whole"
        ),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name="fk_told_delivery_shipment_id"),
        sa.PrimaryKeyConstraint("shipment_id", name="pk_told_delivery"),
    )
    op.create_table(
        "told_line",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("vvm_stage", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("vials >= 1", name="ck_told_line_vials"),
        sa.CheckConstraint("vvm_stage BETWEEN 1 AND 4", name="ck_told_line_vvm_stage"),
        sa.ForeignKeyConstraint(["shipment_id"], ["told_delivery.shipment_id"], name="fk_told_line_shipment_id"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_told_line_batch_id"),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name="fk_told_line_place_id"),
        sa.PrimaryKeyConstraint("shipment_id", "seq", name="pk_told_line"),
    )


def downgrade() -> None:
    """What was confirmed stays, as if its sender had sent it; the rest stands in nobody's books and is given up."""
    op.execute("UPDATE shipment SET state = 'cancelled' WHERE state IN ('unconfirmed', 'disputed')")
    op.execute("UPDATE shipment SET kind = 'direct' WHERE kind = 'unannounced'")
    op.drop_table("told_line")
    op.drop_table("told_delivery")
