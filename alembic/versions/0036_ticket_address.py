"""How often a ticket's address was changed, for those that were."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0036_ticket_address"
down_revision = "0035_schedule_sources"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table: no wait for anybody."""
    op.create_table(
        "ticket_address",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("turn >= 1", name=op.f("ck_ticket_address_turn")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_ticket_address_booking_id_booking")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_ticket_address")),
    )


def downgrade() -> None:
    """Remove it: addresses are again what they were at first."""
    op.drop_table("ticket_address")
