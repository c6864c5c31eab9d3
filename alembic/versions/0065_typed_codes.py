"""What somebody typed who wants to book, sealed beside the code that shows that the phone is theirs."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0065_typed_codes"
down_revision = "0064_vaccination_cards"
branch_labels = None
depends_on = None

_CHECK = "ck_ticket_code_typed_no_longer"


def upgrade() -> None:
    """A nullable column, and a constraint that no row of earlier versions can break."""
    op.add_column("ticket_code", sa.Column("typed", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f(_CHECK), "ticket_code", "used_at IS NULL OR typed IS NULL", postgresql_not_valid=True
    )
    op.execute(f"ALTER TABLE ticket_code VALIDATE CONSTRAINT {_CHECK}")


def downgrade() -> None:
    """Who asked meanwhile asks again."""
    op.drop_constraint(op.f(_CHECK), "ticket_code", type_="check")
    op.drop_column("ticket_code", "typed")
