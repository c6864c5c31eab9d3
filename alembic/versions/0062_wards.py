"""Whose guardian's record was merged is told, and answered for, by the record it became."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0062_wards"
down_revision = "0061_silence_by_place"
branch_labels = None
depends_on = None

_STEP = """
UPDATE person AS ward SET guardian_id = NULLIF(gone.merged_into_id, ward.id) FROM person AS gone
WHERE gone.id = ward.guardian_id AND gone.merged_into_id IS NOT NULL
"""


def upgrade() -> None:
    """The index is of the few who have a guardian; a merge of a merge takes a step more."""
    op.create_index(
        "ix_person_guardian_id", "person", ["guardian_id"], postgresql_where=sa.text("guardian_id IS NOT NULL")
    )
    while op.get_bind().execute(sa.text(_STEP)).rowcount:
        pass


def downgrade() -> None:
    """Guardians stay who they are."""
    op.drop_index("ix_person_guardian_id", table_name="person")
