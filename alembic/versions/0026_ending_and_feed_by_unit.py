"""Tokens count from an instant on, so that those before can be ended; the feed is read by unit."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0026_ending_and_feed_by_unit"
down_revision = "0025_said"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A nullable column, and an index: a minute's wait for the numberer with ten million events, and for nobody else."""
    op.add_column("account", sa.Column("tokens_from", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_feed_event_unit_id_position", "feed_event", ["unit_id", "position"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_feed_event_unit_id_position", "feed_event")
    op.drop_column("account", "tokens_from")
