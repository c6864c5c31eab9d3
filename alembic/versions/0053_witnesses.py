"""A destruction names two witnesses; what was told before stays without."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0053_witnesses"
down_revision = "0052_standings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is asked of the destructions that stand written."""
    op.create_table(
        "event_witness",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=True),
        sa.CheckConstraint("seq BETWEEN 1 AND 2", name="ck_event_witness_two_of_them"),
        sa.ForeignKeyConstraint(["event_id"], ["stock_event.id"], name="fk_event_witness_event_id_stock_event"),
        sa.PrimaryKeyConstraint("event_id", "seq", name="pk_event_witness"),
    )
    op.execute(
        "CREATE TRIGGER event_witness_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON event_witness "
        "FOR EACH STATEMENT EXECUTE FUNCTION stock_immutable()"
    )


def downgrade() -> None:
    """The names are lost."""
    op.drop_table("event_witness")
