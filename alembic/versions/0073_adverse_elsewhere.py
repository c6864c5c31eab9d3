"""An adverse event knows the facility that told it, where that is another than the one that vaccinated."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0073_adverse_elsewhere"
down_revision = "0072_persons_by_phone"
branch_labels = None
depends_on = None

_KEY = "fk_adverse_event_told_at_id_facility"


def upgrade() -> None:
    """A column that may be empty, and a key that no row of earlier versions can break."""
    op.add_column("adverse_event", sa.Column("told_at_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(_KEY, "adverse_event", "facility", ["told_at_id"], ["id"], postgresql_not_valid=True)
    op.execute(f"ALTER TABLE adverse_event VALIDATE CONSTRAINT {_KEY}")


def downgrade() -> None:
    """Who told of it elsewhere sees it no more."""
    op.drop_constraint(_KEY, "adverse_event", type_="foreignkey")
    op.drop_column("adverse_event", "told_at_id")
