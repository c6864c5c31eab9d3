"""Lists go through facilities by name, however many there are."""

from __future__ import annotations

from alembic import op

revision = "0080_facilities_by_name"
down_revision = "0079_push_browsers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Some ten thousand rows in a nation: a fraction of a second."""
    op.create_index(op.f("ix_facility_name_code"), "facility", ["name", "code"])


def downgrade() -> None:
    """As before."""
    op.drop_index(op.f("ix_facility_name_code"), table_name="facility")
