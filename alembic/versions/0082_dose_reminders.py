"""What is yet to be said of each claim to a next dose."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0082_dose_reminders"
down_revision = "0081_session_reminders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, with the claims that are open: they are read, and nobody is held up."""
    op.create_table(
        "claim_reminder",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("next_day", sa.Date(), nullable=False),
        sa.Column("due_day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["dose_claim.id"], name="fk_claim_reminder_claim_id_dose_claim"),
        sa.PrimaryKeyConstraint("claim_id", name="pk_claim_reminder"),
    )
    # A claim past its due day moves on with the days: when it was due first is known no more.
    op.execute(
        """
        INSERT INTO claim_reminder (claim_id, word, next_day, due_day)
        SELECT id, CASE WHEN due_day > current_date THEN 'dose_due' ELSE 'dose_awaited' END,
            CASE WHEN due_day > current_date THEN due_day - 3 ELSE due_day + 7 END, due_day
        FROM dose_claim WHERE state IN ('funded', 'unfunded')
        """
    )
    op.create_index("ix_claim_reminder_next_day", "claim_reminder", ["next_day", "claim_id"])


def downgrade() -> None:
    """People are told of no next dose."""
    op.drop_table("claim_reminder")
