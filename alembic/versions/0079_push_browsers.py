"""Browsers in which people asked for notifications."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0079_push_browsers"
down_revision = "0078_pcare"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "push_browser",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("known_by", sa.LargeBinary(), nullable=False),
        sa.Column("proven_by", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_push_browser_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_push_browser"),
        sa.UniqueConstraint("person_id", "known_by", name="uq_push_browser_person_id_known_by"),
    )
    op.create_index("ix_push_browser_told_at", "push_browser", ["told_at"])


def downgrade() -> None:
    """They are told by phone again."""
    op.drop_table("push_browser")
