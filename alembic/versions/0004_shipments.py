"""Shipments: orders, boxes, packed lines, receipts."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004_shipments"
down_revision = "0003_stock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.execute("CREATE SEQUENCE shipment_sscc_seq")
    _shipment()
    _shipment_line()
    _shipment_box()
    _packed_line()
    _shipment_receipt()
    _receipt_line()


def downgrade() -> None:
    """Remove them, users first."""
    for table in ("receipt_line", "shipment_receipt", "packed_line", "shipment_box", "shipment_line", "shipment"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE shipment_sscc_seq")


def _shipment() -> None:
    op.create_table(
        "shipment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("from_facility_id", sa.Uuid(), nullable=False),
        sa.Column("to_facility_id", sa.Uuid(), nullable=False),
        sa.Column("sideways", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("packed_content", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("from_facility_id <> to_facility_id", name=op.f("ck_shipment_two_facilities")),
        sa.ForeignKeyConstraint(["from_facility_id"], ["facility.id"], name=op.f("fk_shipment_from_facility_id")),
        sa.ForeignKeyConstraint(["to_facility_id"], ["facility.id"], name=op.f("fk_shipment_to_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
        sa.UniqueConstraint("code", name=op.f("uq_shipment_code")),
    )
    op.create_index(
        "ix_shipment_from_facility_id_created_at", "shipment", ["from_facility_id", "created_at"], unique=False
    )
    op.create_index("ix_shipment_state_expected_at", "shipment", ["state", "expected_at"], unique=False)
    op.create_index("ix_shipment_to_facility_id_created_at", "shipment", ["to_facility_id", "created_at"], unique=False)


def _shipment_line() -> None:
    op.create_table(
        "shipment_line",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("vials >= 1 AND approved >= 0", name=op.f("ck_shipment_line_vials")),
        sa.ForeignKeyConstraint(
            ["presentation_id"], ["presentation.id"], name=op.f("fk_shipment_line_presentation_id")
        ),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_line_shipment_id")),
        sa.PrimaryKeyConstraint("shipment_id", "seq", name=op.f("pk_shipment_line")),
    )


def _shipment_box() -> None:
    op.create_table(
        "shipment_box",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("logger", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_box_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_box")),
        sa.UniqueConstraint("sscc", name=op.f("uq_shipment_box_sscc")),
    )
    op.create_index(op.f("ix_shipment_box_shipment_id"), "shipment_box", ["shipment_id"], unique=False)


def _packed_line() -> None:
    op.create_table(
        "packed_line",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("box_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("vials >= 1", name=op.f("ck_packed_line_vials")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_packed_line_batch_id")),
        sa.ForeignKeyConstraint(["box_id"], ["shipment_box.id"], name=op.f("fk_packed_line_box_id")),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name=op.f("fk_packed_line_place_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_packed_line_shipment_id")),
        sa.PrimaryKeyConstraint("shipment_id", "seq", name=op.f("pk_packed_line")),
    )
    op.create_index("ix_packed_line_place_id", "packed_line", ["place_id"], unique=False)


def _shipment_receipt() -> None:
    op.create_table(
        "shipment_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_receipt_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_receipt")),
    )
    op.create_index(op.f("ix_shipment_receipt_shipment_id"), "shipment_receipt", ["shipment_id"], unique=False)


def _receipt_line() -> None:
    op.create_table(
        "receipt_line",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("surplus", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("vvm_stage", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("accepted + rejected + missing + surplus >= 1", name=op.f("ck_receipt_line_says_something")),
        sa.CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND missing >= 0 AND surplus >= 0",
            name=op.f("ck_receipt_line_not_negative"),
        ),
        sa.CheckConstraint(
            "rejected + missing + surplus = 0 OR reason IS NOT NULL", name=op.f("ck_receipt_line_difference_has_reason")
        ),
        sa.CheckConstraint("vvm_stage BETWEEN 1 AND 4", name=op.f("ck_receipt_line_vvm_stage")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_receipt_line_batch_id")),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name=op.f("fk_receipt_line_place_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["shipment_receipt.id"], name=op.f("fk_receipt_line_receipt_id")),
        sa.PrimaryKeyConstraint("receipt_id", "seq", name=op.f("pk_receipt_line")),
    )
