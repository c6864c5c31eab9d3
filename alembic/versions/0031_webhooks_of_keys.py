"""A webhook knows the key it was made with."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0031_webhooks_of_keys"
down_revision = "0030_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A nullable column of a small table; a webhook of before goes on as its account's."""
    op.add_column("webhook", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_webhook_key_id"), "webhook", "api_key", ["key_id"], ["id"])


def downgrade() -> None:
    """Remove it: webhooks of keys end, for they would hear more than they may."""
    op.execute("DELETE FROM webhook WHERE key_id IS NOT NULL")
    op.drop_column("webhook", "key_id")
