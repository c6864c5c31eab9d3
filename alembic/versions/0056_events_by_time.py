"""Events of the ledger are found by the time at which they happened or were recorded."""

from __future__ import annotations

from alembic import op

revision = "0056_events_by_time"
down_revision = "0055_count_sheets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Both grow at their end as the ledger does."""
    op.create_index("ix_stock_event_occurred_at", "stock_event", ["occurred_at"])
    op.create_index("ix_stock_event_recorded_at", "stock_event", ["recorded_at", "number"])


def downgrade() -> None:
    """By number alone."""
    op.drop_index("ix_stock_event_recorded_at", "stock_event")
    op.drop_index("ix_stock_event_occurred_at", "stock_event")
