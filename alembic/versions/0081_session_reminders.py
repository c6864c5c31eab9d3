"""Sessions whose people were reminded of them."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0081_session_reminders"
down_revision = "0080_facilities_by_name"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table; the constraint looks at no row that is there."""
    op.create_table(
        "session_reminder",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["vaccination_session.id"], name="fk_session_reminder_session_id_vaccination_session"
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_session_reminder"),
    )


def downgrade() -> None:
    """People are reminded of nothing."""
    op.drop_table("session_reminder")
