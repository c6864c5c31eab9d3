"""Phones that want no messages; of a message when it was read, and of an SMS in how many parts it left."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0085_silent_phones"
down_revision = "0084_message_urgency"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, and columns that may be empty."""
    op.create_table(
        "silent_phone",
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("phone", name="pk_silent_phone"),
    )
    op.add_column("out_message", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("out_message", sa.Column("segments", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    """As before."""
    op.drop_column("out_message", "segments")
    op.drop_column("out_message", "read_at")
    op.drop_table("silent_phone")
