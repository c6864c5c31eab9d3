"""sessions: where their vials come from, why they were cancelled, how they stood before; offers tried in turn"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0022_sessions"
down_revision = "0021_health_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add nullable columns, which lock nothing for long, and one table."""
    op.add_column("vaccination_session", sa.Column("cancelled", sa.Text(), nullable=True))
    op.add_column("vaccination_session", sa.Column("place_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_vaccination_session_place_id"), "vaccination_session", "equipment", ["place_id"], ["id"]
    )
    op.add_column("displacement", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "session_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["vaccination_session.id"], name=op.f("fk_session_change_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_change")),
    )
    op.create_index("ix_session_change_session_id", "session_change", ["session_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("session_change")
    op.drop_column("displacement", "tried_at")
    op.drop_constraint(op.f("fk_vaccination_session_place_id"), "vaccination_session")
    op.drop_column("vaccination_session", "place_id")
    op.drop_column("vaccination_session", "cancelled")
