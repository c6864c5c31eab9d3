"""What was deleted when its time was over, in counts; and since when a person is forgotten."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0044_forgotten"
down_revision = "0043_stock_days"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A small table and a nullable column."""
    op.create_table(
        "forgotten",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how_many", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgotten")),
    )
    op.add_column("person", sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Remove them; who was forgotten stays so."""
    op.drop_column("person", "forgotten_at")
    op.drop_table("forgotten")
