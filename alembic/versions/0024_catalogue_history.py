"""What the catalogue said before, so that a lot's expiry and a product's codes can be put right and old labels stay known."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0024_catalogue_history"
down_revision = "0023_watch_correction"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table; nothing that exists is touched."""
    op.create_table(
        "catalog_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("presentation_id", sa.Uuid(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("source_date", sa.Date(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("num_nonnulls(batch_id, presentation_id) = 1", name=op.f("ck_catalog_change_of_one")),
        sa.CheckConstraint("cause IN ('mistake', 'official')", name=op.f("ck_catalog_change_cause")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_catalog_change_batch_id")),
        sa.ForeignKeyConstraint(
            ["presentation_id"], ["presentation.id"], name=op.f("fk_catalog_change_presentation_id")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_catalog_change_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_change")),
    )
    op.create_index(op.f("ix_catalog_change_batch_id"), "catalog_change", ["batch_id"])
    op.create_index(op.f("ix_catalog_change_presentation_id"), "catalog_change", ["presentation_id"])
    op.create_index(op.f("ix_catalog_change_before"), "catalog_change", ["before"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("catalog_change")
