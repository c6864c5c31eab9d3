"""Messages have an urgency: a code leaves before any number of reminders."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0084_message_urgency"
down_revision = "0083_cancelled_by"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column with a constant default rewrites no row; the index holds only what waits to be sent."""
    op.add_column("out_message", sa.Column("urgency", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))
    op.create_index(
        "ix_out_message_turn", "out_message", ["urgency", "next_at"], postgresql_where=sa.text("state = 'pending'")
    )


def downgrade() -> None:
    """As before."""
    op.drop_index("ix_out_message_turn", table_name="out_message")
    op.drop_column("out_message", "urgency")
