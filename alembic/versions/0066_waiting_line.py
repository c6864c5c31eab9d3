"""How the line before booking stands: how many numbers were drawn, and how many of them let in."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0066_waiting_line"
down_revision = "0065_typed_codes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table of one row: no wait for anybody."""
    op.create_table(
        "waiting_line",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.Column("let_in", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_waiting_line_one_row")),
        sa.CheckConstraint("let_in BETWEEN 0 AND drawn", name=op.f("ck_waiting_line_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_line")),
    )
    op.execute("INSERT INTO waiting_line (id, drawn, let_in) VALUES (1, 0, 0)")


def downgrade() -> None:
    """Remove it."""
    op.drop_table("waiting_line")
