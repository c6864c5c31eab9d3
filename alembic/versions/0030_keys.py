"""A key has a scope, says who made and revoked it, and what stands for it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0030_keys"
down_revision = "0029_feed_waiting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nullable columns of a small table; a key of before opens what its account may, as it did."""
    op.add_column("api_key", sa.Column("role", sa.Text(), nullable=True))
    for name, of in (
        ("unit_id", "unit"),
        ("made_by", "account"),
        ("revoked_by", "account"),
        ("replaced_by", "api_key"),
    ):
        op.add_column("api_key", sa.Column(name, sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_api_key_{name}"), "api_key", of, [name], ["id"])
    op.create_unique_constraint(op.f("uq_api_key_replaced_by"), "api_key", ["replaced_by"])
    op.create_check_constraint(op.f("ck_api_key_scope_is_whole"), "api_key", "(role IS NULL) = (unit_id IS NULL)")


def downgrade() -> None:
    """Remove them: keys with a scope end, for they would open more than they did."""
    op.execute("UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE role IS NOT NULL")
    op.drop_constraint(op.f("ck_api_key_scope_is_whole"), "api_key")
    for name in ("replaced_by", "revoked_by", "made_by", "unit_id", "role"):
        op.drop_column("api_key", name)
