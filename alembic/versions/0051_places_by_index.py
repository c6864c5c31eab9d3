"""The next sessions to come, of all or of one vaccine, are read in their order, not put in order."""

from __future__ import annotations

from alembic import op

revision = "0051_places_by_index"
down_revision = "0050_one_look_at_entries"
branch_labels = None
depends_on = None

TABLE = "vaccination_session"
# name before, columns before, name now, columns now
INDEXES = (
    ("ix_vaccination_session_day", ["day"], "ix_vaccination_session_next", ["day", "opens_at", "id"]),
    (
        "ix_vaccination_session_vaccine_id_day",
        ["vaccine_id", "day"],
        "ix_vaccination_session_vaccine_next",
        ["vaccine_id", "day", "opens_at", "id"],
    ),
)


def upgrade() -> None:
    """Each index is followed by a longer one: a table that grows slowly, a second's work."""
    for before, _, name, columns in INDEXES:
        op.create_index(name, TABLE, columns)
        op.drop_index(before, TABLE)


def downgrade() -> None:
    """By day alone."""
    for before, columns, name, _ in INDEXES:
        op.create_index(before, TABLE, columns)
        op.drop_index(name, TABLE)
