"""A run of a retention rule is a row: how much went so far, where it stands, and when it was at its end."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0045_runs_of_retention"
down_revision = "0044_forgotten"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns of a small table; what was noted before were pieces that had ended."""
    op.add_column("forgotten", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("forgotten", sa.Column("reached", sa.Text(), nullable=True))
    op.execute("UPDATE forgotten SET ended_at = at")
    op.create_index("ix_forgotten_what_id", "forgotten", ["what", "id"])


def downgrade() -> None:
    """Remove them; the counts stay."""
    op.drop_index("ix_forgotten_what_id", table_name="forgotten")
    op.drop_column("forgotten", "reached")
    op.drop_column("forgotten", "ended_at")
