"""A chat knows the phone its replies go to; a message knows by which gateway it left and whether it got there."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0071_mouths"
down_revision = "0070_session_templates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """All new columns may be empty or have a default that costs no rewriting."""
    op.add_column("conversation", sa.Column("phone_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("conversation", sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversation", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "conversation_turn",
        sa.Column("choices", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")),
    )
    op.add_column("conversation_turn", sa.Column("booking_id", sa.Uuid(), nullable=True))
    op.add_column("conversation_turn", sa.Column("over", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("out_message", sa.Column("left_by", sa.Text(), nullable=True))
    op.add_column("out_message", sa.Column("gateway_ref", sa.Text(), nullable=True))
    op.add_column("out_message", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_out_message_gateway_ref",
        "out_message",
        ["gateway_ref"],
        postgresql_where=sa.text("gateway_ref IS NOT NULL"),
    )


def downgrade() -> None:
    """Chats begin anew; what gateways said is forgotten."""
    op.drop_index("ix_out_message_gateway_ref", table_name="out_message")
    for column in ("delivered_at", "gateway_ref", "left_by"):
        op.drop_column("out_message", column)
    for column in ("over", "booking_id", "choices"):
        op.drop_column("conversation_turn", column)
    for column in ("asked_at", "heard_at", "phone_sealed"):
        op.drop_column("conversation", column)
