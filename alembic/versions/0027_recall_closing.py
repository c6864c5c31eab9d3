"""A recall says of which class it is, in which words it was started, and who closed it and why."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0027_recall_closing"
down_revision = "0026_ending_and_feed_by_unit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nullable columns of a small table."""
    op.add_column("recall", sa.Column("recall_class", sa.SmallInteger(), nullable=True))
    op.add_column("recall", sa.Column("said", sa.Text(), nullable=True))
    op.add_column("recall", sa.Column("closed_by", sa.Text(), nullable=True))
    op.add_column("recall", sa.Column("close_reason", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_recall_class"), "recall", "recall_class BETWEEN 1 AND 3")


def downgrade() -> None:
    """Remove them."""
    op.drop_constraint(op.f("ck_recall_class"), "recall")
    for column in ("close_reason", "closed_by", "said", "recall_class"):
        op.drop_column("recall", column)
