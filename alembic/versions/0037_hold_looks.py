"""When an episode's hold acted first: what is told later of where vials lay is judged as of then."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0037_hold_looks"
down_revision = "0036_ticket_address"
branch_labels = None
depends_on = None

# Of the holds there are, the first row of each episode says when.
_KNOWN = """
    INSERT INTO hold_look (episode_id, looked_at, started_at, ended_at)
    SELECT e.id, min(h.placed_at), e.started_at, e.ended_at
    FROM hold h JOIN episode e ON e.id = h.episode_id
    GROUP BY e.id
"""


def upgrade() -> None:
    op.create_table(
        "hold_look",
        sa.Column("episode_id", sa.UUID(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_hold_look_episode_id_episode")),
        sa.PrimaryKeyConstraint("episode_id", name=op.f("pk_hold_look")),
    )
    op.execute(_KNOWN)


def downgrade() -> None:
    op.drop_table("hold_look")
