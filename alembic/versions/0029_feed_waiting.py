"""Events whose facility's rows are locked wait by themselves, so that those of other facilities go on."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0029_feed_waiting"
down_revision = "0028_service_areas"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, empty."""
    op.create_table(
        "feed_waiting",
        sa.Column("reaction", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reaction", "position", name="pk_feed_waiting"),
    )
    op.create_index("ix_feed_waiting_unit", "feed_waiting", ["reaction", "unit_id", "position"])


def downgrade() -> None:
    """What waits is set aside, so that nothing is lost: the reactions have gone on."""
    op.execute(
        """
        INSERT INTO feed_set_aside (id, reaction, event_id, position, kind, error, detail, tries, first_tried_at, last_tried_at)
        SELECT gen_random_uuid(), w.reaction, e.id, w.position, w.kind, w.error, w.detail, w.tries, w.since, w.since
        FROM feed_waiting w JOIN feed_event e ON e.position = w.position
        ON CONFLICT DO NOTHING
        """
    )
    op.drop_table("feed_waiting")
