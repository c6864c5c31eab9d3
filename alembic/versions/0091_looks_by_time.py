"""Whether a hold looked since a late fact happened is asked of each late fact."""

from __future__ import annotations

from alembic import op

revision = "0091_looks_by_time"
down_revision = "0090_what_holds_keep"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row an alarm: some thousand a year in a nation, a fraction of a second."""
    op.create_index(op.f("ix_hold_look_looked_at"), "hold_look", ["looked_at"])


def downgrade() -> None:
    """As before."""
    op.drop_index(op.f("ix_hold_look_looked_at"), table_name="hold_look")
