"""A recall that was started by mistake is withdrawn: who, when and why; its standing order ends."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0042_recall_withdrawn"
down_revision = "0041_secret_keys"
branch_labels = None
depends_on = None

_WHOLE = (
    "num_nonnulls(withdrawn_at, withdrawn_by, withdraw_reason) IN (0, 3) "
    "AND (withdrawn_at IS NULL OR closed_at IS NOT NULL)"
)


def upgrade() -> None:
    """Nullable columns of two small tables."""
    op.add_column("recall", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("recall", sa.Column("withdrawn_by", sa.Text(), nullable=True))
    op.add_column("recall", sa.Column("withdrawn_account_id", sa.Uuid(), nullable=True))
    op.add_column("recall", sa.Column("withdraw_reason", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_recall_withdrawn_account_id"), "recall", "account", ["withdrawn_account_id"], ["id"])
    op.create_check_constraint(op.f("ck_recall_withdrawn_whole"), "recall", _WHOLE)
    op.add_column("stock_stop", sa.Column("until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_stock_stop_ends_after_it_began"), "stock_stop", "until >= since")


def downgrade() -> None:
    """Remove them; what was withdrawn is recalled again from then on."""
    op.drop_constraint(op.f("ck_stock_stop_ends_after_it_began"), "stock_stop")
    op.drop_column("stock_stop", "until")
    op.drop_constraint(op.f("ck_recall_withdrawn_whole"), "recall")
    op.drop_constraint(op.f("fk_recall_withdrawn_account_id"), "recall")
    for column in ("withdraw_reason", "withdrawn_account_id", "withdrawn_by", "withdrawn_at"):
        op.drop_column("recall", column)
