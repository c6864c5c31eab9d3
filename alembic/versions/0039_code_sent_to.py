"""Which phone a ticket's code went to, as a keyed hash: one that is not on file any more opens nothing."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0039_code_sent_to"
down_revision = "0038_lot_corrections"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A nullable column; codes that are under way, a quarter of an hour's at most, must be asked for again."""
    op.add_column("ticket_code", sa.Column("sent_to", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("ticket_code", "sent_to")
