"""Templates of sessions: what a facility holds again and again."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0070_session_templates"
down_revision = "0069_vials_of_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has made one yet."""
    op.create_table(
        "session_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("doses", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("buckets", postgresql.JSONB(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="ck_session_template_weekday_range"),
        sa.CheckConstraint("capacity BETWEEN 1 AND 100000", name="ck_session_template_capacity_range"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_session_template_facility_id_facility"),
        sa.ForeignKeyConstraint(
            ["presentation_id"], ["presentation.id"], name="fk_session_template_presentation_id_presentation"
        ),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name="fk_session_template_place_id_equipment"),
        sa.PrimaryKeyConstraint("id", name="pk_session_template"),
        sa.UniqueConstraint("facility_id", "name", name="uq_session_template_facility_id_name"),
    )


def downgrade() -> None:
    """Sessions planned from them stay."""
    op.drop_table("session_template")
