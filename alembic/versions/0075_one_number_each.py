"""No two in a queue have one number. Apart from the column: reading the table must not wait while the index is made."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0075_one_number_each"
down_revision = "0074_queue_numbers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nearly empty: who came before has none."""
    op.create_index(
        "uq_booking_number",
        "booking",
        ["session_id", "number"],
        unique=True,
        postgresql_where=sa.text("number IS NOT NULL"),
    )


def downgrade() -> None:
    """The session's lock alone keeps them apart."""
    op.drop_index("uq_booking_number", table_name="booking")
