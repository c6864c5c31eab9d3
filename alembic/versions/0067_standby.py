"""The standby list: who asked to be called when doses are left, the draw of a session, and what each said."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0067_standby"
down_revision = "0066_waiting_line"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has asked yet."""
    op.create_table(
        "standby",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("vaccine_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("dose BETWEEN 1 AND 9", name="ck_standby_dose_range"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_standby_facility_id_facility"),
        sa.ForeignKeyConstraint(["vaccine_id"], ["vaccine.id"], name="fk_standby_vaccine_id_vaccine"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_standby_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_standby"),
    )
    op.create_index(
        "uq_standby_open",
        "standby",
        ["facility_id", "vaccine_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_standby_person_id", "standby", ["person_id"])
    op.create_table(
        "standby_draw",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["vaccination_session.id"], name="fk_standby_draw_session_id_vaccination_session"
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_standby_draw"),
    )
    op.create_table(
        "standby_call",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("standby_id", sa.Uuid(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["standby_draw.session_id"], name="fk_standby_call_session_id_standby_draw"
        ),
        sa.ForeignKeyConstraint(["standby_id"], ["standby.id"], name="fk_standby_call_standby_id_standby"),
        sa.PrimaryKeyConstraint("session_id", "standby_id", name="pk_standby_call"),
    )


def downgrade() -> None:
    """Nobody is called any more."""
    for table in ("standby_call", "standby_draw", "standby"):
        op.drop_table(table)
