"""Codes that bring a lost ticket back: who asked, how often it was tried, until when it stands. No code lies here."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0032_ticket_codes"
down_revision = "0031_webhooks_of_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table: no wait for anybody."""
    op.create_table(
        "ticket_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("tries BETWEEN 0 AND 5", name=op.f("ck_ticket_code_tries")),
        sa.CheckConstraint("used_at IS NULL OR person_id IS NOT NULL", name=op.f("ck_ticket_code_used_by_somebody")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_ticket_code_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_code")),
    )
    op.create_index(op.f("ix_ticket_code_asked_made_at"), "ticket_code", ["asked", "made_at"])
    op.create_index(op.f("ix_ticket_code_made_at"), "ticket_code", ["made_at"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("ticket_code")
