"""Who is willing and wants to be told of places."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0092_interest"
down_revision = "0091_looks_by_time"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "interest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("vaccine_id", sa.Uuid(), nullable=False),
        sa.Column("residence", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_interest"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_interest_person_id_person"),
        sa.ForeignKeyConstraint(["vaccine_id"], ["vaccine.id"], name="fk_interest_vaccine_id_vaccine"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["vaccination_session.id"], name="fk_interest_session_id_vaccination_session"
        ),
        sa.UniqueConstraint("person_id", "vaccine_id", name="uq_interest_person_id_vaccine_id"),
        sa.CheckConstraint("(told_at IS NULL) = (session_id IS NULL)", name="ck_interest_told_of_a_session"),
        sa.CheckConstraint("told_at >= at AND withdrawn_at >= at", name="ck_interest_in_order"),
        sa.CheckConstraint("city ~ '^[0-9]{4}$'", name="ck_interest_city_code"),
    )
    waits = sa.text("told_at IS NULL AND withdrawn_at IS NULL")
    op.create_index("ix_interest_waiting", "interest", ["vaccine_id", "city", "at", "id"], postgresql_where=waits)
    op.create_index("ix_interest_session_id_told_at", "interest", ["session_id", "told_at"])
    op.create_index("ix_interest_at", "interest", ["at"])


def downgrade() -> None:
    """As before."""
    op.drop_table("interest")
