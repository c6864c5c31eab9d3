"""The vials that were opened for a session are found by it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0069_vials_of_sessions"
down_revision = "0068_joined_lots"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only some vials are opened for a session."""
    op.create_index(
        "ix_open_vial_session_id", "open_vial", ["session_id"], postgresql_where=sa.text("session_id IS NOT NULL")
    )


def downgrade() -> None:
    """Before, all vials of a facility were read."""
    op.drop_index("ix_open_vial_session_id", table_name="open_vial")
