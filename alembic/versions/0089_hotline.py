"""Calls of the hotline; and persons found by their birth date."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0089_hotline"
down_revision = "0088_webhook_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, and an index."""
    op.create_table(
        "hotline_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("caller_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("caller_hash", sa.LargeBinary(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hotline_call"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_hotline_call_account_id_account"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_hotline_call_unit_id_unit"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_hotline_call_person_id_person"),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name="fk_hotline_call_booking_id_booking"),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ck_hotline_call_ended_with_outcome"),
        sa.CheckConstraint("ended_at >= begun_at AND touched_at >= begun_at", name="ck_hotline_call_in_order"),
        sa.CheckConstraint("ended_at IS NULL OR caller_sealed IS NULL", name="ck_hotline_call_number_no_longer"),
        sa.CheckConstraint("(sent_by IS NULL) = (sent_at IS NULL)", name="ck_hotline_call_sent_whole"),
        sa.CheckConstraint("sent_by IS NULL OR booking_id IS NOT NULL", name="ck_hotline_call_sent_a_ticket"),
        sa.CheckConstraint("length(note) <= 500", name="ck_hotline_call_note_length"),
    )
    still = sa.text("ended_at IS NULL")
    op.create_index("uq_hotline_call_open", "hotline_call", ["account_id"], unique=True, postgresql_where=still)
    op.create_index("ix_hotline_call_left", "hotline_call", ["touched_at"], postgresql_where=still)
    op.create_index("ix_hotline_call_account_id_begun_at_id", "hotline_call", ["account_id", "begun_at", "id"])
    op.create_index("ix_hotline_call_unit_id_begun_at_id", "hotline_call", ["unit_id", "begun_at", "id"])
    op.create_index("ix_hotline_call_begun_at_id", "hotline_call", ["begun_at", "id"])
    op.create_index("ix_hotline_call_caller_hash_ended_at", "hotline_call", ["caller_hash", "ended_at"])
    op.create_index("ix_person_birth_date", "person", ["birth_date"])


def downgrade() -> None:
    """As before."""
    op.drop_index("ix_person_birth_date", "person")
    op.drop_table("hotline_call")
