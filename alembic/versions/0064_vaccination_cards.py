"""Vaccination cards: which were issued for a dose, and the public halves of the keys that signed them."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0064_vaccination_cards"
down_revision = "0063_adverse_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None was issued yet."""
    op.create_table(
        "vaccination_card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_vaccination_card_version"),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name="fk_vaccination_card_booking_id_booking"),
        sa.PrimaryKeyConstraint("id", name="pk_vaccination_card"),
        sa.UniqueConstraint("booking_id", "version", name="uq_vaccination_card_booking_id_version"),
    )
    op.create_table(
        "card_key",
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(public) = 32", name="ck_card_key_public_length"),
        sa.PrimaryKeyConstraint("public", name="pk_card_key"),
    )


def downgrade() -> None:
    """Cards that are out can no longer be looked up."""
    op.drop_table("card_key")
    op.drop_table("vaccination_card")
