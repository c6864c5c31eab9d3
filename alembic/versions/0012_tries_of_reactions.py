"""How often a reaction has tried the event at hand, so that a worker that dies at it is not started into it for ever."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0012_tries_of_reactions"
down_revision = "0011_typed_feed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One small table; nothing that exists is touched."""
    op.create_table(
        "feed_try",
        sa.Column("reaction", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reaction", name=op.f("pk_feed_try")),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("feed_try")
