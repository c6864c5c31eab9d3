"""Whoever makes backups tells the house when the newest was complete, without a right to any table."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0046_backup_told"
down_revision = "0045_runs_of_retention"
branch_labels = None
depends_on = None

# It runs as the owner of the table, so it takes nothing but an instant, never one to come, and never goes back.
_FUNCTION = """
CREATE FUNCTION backup_made(at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO backup_told (complete_at, told_at) VALUES (least(at, now()), now())
    ON CONFLICT (newest) DO UPDATE
    SET complete_at = greatest(backup_told.complete_at, excluded.complete_at), told_at = excluded.told_at
$$
"""


def upgrade() -> None:
    """A table of one row, and the one door to it."""
    op.create_table(
        "backup_told",
        sa.Column("newest", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("complete_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("newest", name=op.f("ck_backup_told_one_row")),
        sa.PrimaryKeyConstraint("newest", name=op.f("pk_backup_told")),
    )
    op.execute(_FUNCTION)


def downgrade() -> None:
    """Remove both."""
    op.execute("DROP FUNCTION backup_made(timestamptz)")
    op.drop_table("backup_told")
