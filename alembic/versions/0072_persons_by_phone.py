"""Who writes from a phone is found by it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0072_persons_by_phone"
down_revision = "0071_mouths"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Many have no phone."""
    op.create_index("ix_person_phone", "person", ["phone"], postgresql_where=sa.text("phone IS NOT NULL"))


def downgrade() -> None:
    """Before, a phone was only compared with that of a person known already."""
    op.drop_index("ix_person_phone", table_name="person")
