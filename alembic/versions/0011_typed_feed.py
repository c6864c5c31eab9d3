"""What caused an event, messages that tell of themselves, and events that reactions could not handle."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0011_typed_feed"
down_revision = "0010_registration"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """New columns may be null and have no default, so no row is rewritten; the index begins empty."""
    op.add_column("feed_pending", sa.Column("caused_by", sa.Uuid(), nullable=True))
    op.add_column("feed_event", sa.Column("caused_by", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_feed_event_caused_by",
        "feed_event",
        ["caused_by"],
        postgresql_where=sa.text("caused_by IS NOT NULL"),
    )
    op.add_column("out_message", sa.Column("unit_id", sa.Uuid(), nullable=True))
    op.add_column("out_message", sa.Column("caused_by", sa.Uuid(), nullable=True))
    op.add_column("displacement", sa.Column("event_id", sa.Uuid(), nullable=True))
    op.create_table(
        "feed_set_aside",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reaction", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("first_tried_at", INSTANT, nullable=False),
        sa.Column("last_tried_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_set_aside")),
        sa.UniqueConstraint("reaction", "position", name=op.f("uq_feed_set_aside_reaction_position")),
    )
    op.create_index(
        "ix_feed_set_aside_waiting",
        "feed_set_aside",
        ["position"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("feed_set_aside")
    op.drop_column("displacement", "event_id")
    op.drop_column("out_message", "caused_by")
    op.drop_column("out_message", "unit_id")
    op.drop_index("ix_feed_event_caused_by", "feed_event")
    op.drop_column("feed_event", "caused_by")
    op.drop_column("feed_pending", "caused_by")
