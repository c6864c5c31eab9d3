"""What was sent to webhooks, and webhooks that are switched off."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0088_webhook_deliveries"
down_revision = "0087_steps_of_facilities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, and a new column that may be empty."""
    op.add_column("webhook", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("error IS NULL OR answered_at IS NOT NULL", name="ck_webhook_delivery_error_has_time"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name="fk_webhook_delivery_webhook_id_webhook", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
    )
    op.create_index("ix_webhook_delivery_webhook_id_id", "webhook_delivery", ["webhook_id", "id"])


def downgrade() -> None:
    """Whatever was switched off hears again."""
    op.drop_table("webhook_delivery")
    op.drop_column("webhook", "stopped_at")
