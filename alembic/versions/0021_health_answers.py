"""registration: what people say of their health while booking is kept for the desk"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0021_health_answers"
down_revision = "0020_facts_and_acts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table; nothing that exists is touched."""
    op.create_table(
        "health_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_health_answer_person_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_health_answer_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_answer")),
    )
    op.create_index(op.f("ix_health_answer_person_id_at"), "health_answer", ["person_id", "at"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("health_answer")
