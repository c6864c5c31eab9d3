"""What the worker's rounds and a search for the nearest place ask is found by index, whatever else there is."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0048_rounds_by_index"
down_revision = "0047_hold_known"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_vaccination_session_open", "vaccination_session", ["facility_id", "vaccine_id", "day"], "state <> 'closed'"),
    ("ix_displacement_unhelped", "displacement", ["tried_at"], "state IN ('pending', 'none_found')"),
    ("ix_open_vial_discard_by", "open_vial", ["discard_by"], "closed_at IS NULL"),
)


def upgrade() -> None:
    """Partial indexes of tables that grow slowly: a second's work."""
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    """Without them."""
    for name, table, _columns, _where in INDEXES:
        op.drop_index(name, table)
