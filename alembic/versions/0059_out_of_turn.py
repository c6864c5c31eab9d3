"""A packed line says why it went before vials whose turn it was, and which they were."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0059_out_of_turn"
down_revision = "0058_packed_follows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what was packed before nobody was asked."""
    op.add_column("packed_line", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("packed_line", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("packed_line", sa.Column("instead_of_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_packed_line_instead_of_id"), "packed_line", "batch", ["instead_of_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_packed_line_out_of_turn_says_why"), "packed_line", "instead_of_id IS NULL OR reason IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_packed_line_other_says_what"), "packed_line", "reason IS DISTINCT FROM 'other' OR note IS NOT NULL"
    )


def downgrade() -> None:
    """Which lots were passed over, and why, is lost."""
    op.drop_constraint(op.f("ck_packed_line_other_says_what"), "packed_line")
    op.drop_constraint(op.f("ck_packed_line_out_of_turn_says_why"), "packed_line")
    op.drop_constraint(op.f("fk_packed_line_instead_of_id"), "packed_line", type_="foreignkey")
    op.drop_column("packed_line", "instead_of_id")
    op.drop_column("packed_line", "note")
    op.drop_column("packed_line", "reason")
