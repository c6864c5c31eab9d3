"""Months of readings that were archived, and the schema in which they lie."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0049_archived_months"
down_revision = "0048_rounds_by_index"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A small table and an empty schema."""
    op.create_table(
        "archived_month",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("extract(day FROM month) = 1", name=op.f("ck_archived_month_first_day")),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_archived_month")),
    )
    op.execute("CREATE SCHEMA IF NOT EXISTS archive")


def downgrade() -> None:
    """Remove the table. The schema stays: what lies in it is the only copy there is."""
    op.drop_table("archived_month")
