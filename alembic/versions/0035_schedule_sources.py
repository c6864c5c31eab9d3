"""The schedule's sources looked up: youths between July and December 2021, AstraZeneca after eight weeks, and a borrowed figure.

Read as newspapers and the ministry quoted them, not in the papers themselves (domain.md §7).
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from alembic import op

revision = "0035_schedule_sources"
down_revision = "0034_pools_by_place"
branch_labels = None
depends_on = None

_FIRST = date(2021, 1, 13)
_YOUTHS, _YOUTHS_SOURCE = date(2021, 7, 1), "SE HK.02.02/I/1727/2021"
_EIGHT_WEEKS, _EIGHT_WEEKS_SOURCE = date(2022, 1, 27), "SE SR.02.06/II/408/2022"
# The 28 days between two makers stood under a paper that names none.
_BORROWED = "KMK HK.01.07/MENKES/4638/2021"
_CAUTION = "Kehati-hatian: tidak ditemukan aturan yang menyebut jarak antarvaksin"


def upgrade() -> None:
    """Add the two dated rows, where nobody has written their own for that day, and call the caution what it is."""
    op.execute(
        sa.text(
            "INSERT INTO dose_age (vaccine_code, dose, from_day, min_months, source) "
            "VALUES ('coronavac', 1, :day, 144, :source) ON CONFLICT DO NOTHING"
        ).bindparams(day=_YOUTHS, source=_YOUTHS_SOURCE)
    )
    op.execute(
        sa.text(
            "INSERT INTO dose_interval (vaccine_code, dose, after_code, from_day, min_days, due_days, max_days, source) "
            "VALUES ('astrazeneca', 2, 'astrazeneca', :day, 56, 56, 180, :source) ON CONFLICT DO NOTHING"
        ).bindparams(day=_EIGHT_WEEKS, source=_EIGHT_WEEKS_SOURCE)
    )
    _call(_BORROWED, _CAUTION)


def downgrade() -> None:
    """Take them back."""
    _call(_CAUTION, _BORROWED)
    op.execute(
        sa.text(
            "DELETE FROM dose_interval WHERE (vaccine_code, dose, after_code, from_day, source) "
            "= ('astrazeneca', 2, 'astrazeneca', :day, :source)"
        ).bindparams(day=_EIGHT_WEEKS, source=_EIGHT_WEEKS_SOURCE)
    )
    op.execute(
        sa.text(
            "DELETE FROM dose_age WHERE (vaccine_code, dose, from_day, source) = ('coronavac', 1, :day, :source)"
        ).bindparams(day=_YOUTHS, source=_YOUTHS_SOURCE)
    )


def _call(before: str, after: str) -> None:
    """Only the two rows a new house starts with."""
    op.execute(
        sa.text(
            "UPDATE vaccine_spacing SET source = :after WHERE source = :before AND from_day = :day AND min_days = 28 "
            "AND (vaccine_code, other_code) IN (('astrazeneca', 'coronavac'), ('coronavac', 'astrazeneca'))"
        ).bindparams(before=before, after=after, day=_FIRST)
    )
