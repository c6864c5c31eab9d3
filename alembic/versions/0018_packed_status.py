"""What may not be used travels back up as a return: a packed line says in which status its vials are."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0018_packed_status"
down_revision = "0017_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A constant default touches no row."""
    op.add_column("packed_line", sa.Column("status", sa.Text(), nullable=False, server_default="usable"))


def downgrade() -> None:
    """Only usable vials were packed before."""
    op.drop_column("packed_line", "status")
