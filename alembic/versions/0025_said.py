"""The words in which a stock event came, so that a repeat is known though its names mean other things now."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0025_said"
down_revision = "0024_catalogue_history"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A nullable column; events from before are known by their content alone."""
    op.add_column("stock_event", sa.Column("said", sa.Text(), nullable=True))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("stock_event", "said")
