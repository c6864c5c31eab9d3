"""What a hold knew when it was placed, and holds of a batch by when that was."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0047_hold_known"
down_revision = "0046_backup_told"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A nullable column (of older holds nobody knows it), and one index instead of another on a small table."""
    op.add_column("hold", sa.Column("known_to", sa.BigInteger(), nullable=True))
    op.create_index("ix_hold_batch_id_placed_at", "hold", ["batch_id", "placed_at"])
    op.drop_index("ix_hold_batch_id", table_name="hold")


def downgrade() -> None:
    """As it was."""
    op.create_index("ix_hold_batch_id", "hold", ["batch_id"])
    op.drop_index("ix_hold_batch_id_placed_at", table_name="hold")
    op.drop_column("hold", "known_to")
