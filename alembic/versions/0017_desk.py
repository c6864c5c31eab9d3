"""desk: steps of bookings, doses told late, overrides, who booked, ages and intervals between vaccines"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0017_desk"
down_revision = "0016_persons"
branch_labels = None
depends_on = None

_SINCE = date(2021, 1, 13)
_COVID = "KMK HK.01.07/MENKES/4638/2021"
_CHILDREN = "KMK HK.01.07/MENKES/6688/2021"
_EPI = "Permenkes 12/2017"
# (vaccine, dose, in force from, earliest age in months, source)
_AGES = (
    ("astrazeneca", 1, _SINCE, 18 * 12, _COVID),
    ("coronavac", 1, _SINCE, 18 * 12, _COVID),
    ("coronavac", 1, date(2021, 12, 14), 6 * 12, _CHILDREN),
    ("pentabio", 1, _SINCE, 2, _EPI),
    ("mr", 1, _SINCE, 9, _EPI),
    ("bopv", 1, _SINCE, 1, _EPI),
)
# (vaccine, other, days, source)
_SPACINGS = (("astrazeneca", "coronavac", 28, _COVID), ("coronavac", "astrazeneca", 28, _COVID))
# The drops of the first year, which earlier revisions left out: (vaccine, dose, days, latest)
_OPV = (("bopv", 2, 28, 180), ("bopv", 3, 28, 180), ("bopv", 4, 28, 180))


def upgrade() -> None:
    """Add columns and tables, and write down the rules in force."""
    op.add_column("booking", sa.Column("late", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("booking", sa.Column("override", sa.Text(), nullable=True))
    op.add_column("booking", sa.Column("made_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_booking_made_by"), "booking", "account", ["made_by"], ["id"])
    op.create_table(
        "booking_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_booking_step_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_step")),
    )
    op.create_index("ix_booking_step_booking_id", "booking_step", ["booking_id"])
    op.create_table(
        "open_vial_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("open_vial_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("doses_per_vial", "given", "discarded", "remaining")
        ),
        sa.Column("discard_reason", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["open_vial_id"], ["open_vial.id"], name=op.f("fk_open_vial_change_open_vial_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_vial_change")),
    )
    op.create_index("ix_open_vial_change_open_vial_id", "open_vial_change", ["open_vial_id"])
    _schedule()


def _schedule() -> None:
    op.add_column("dose_interval", sa.Column("after_code", sa.Text(), nullable=True))
    op.execute("UPDATE dose_interval SET after_code = vaccine_code")
    op.alter_column("dose_interval", "after_code", nullable=False)
    op.drop_constraint(op.f("pk_dose_interval"), "dose_interval")
    op.create_primary_key(op.f("pk_dose_interval"), "dose_interval", ["vaccine_code", "dose", "after_code", "from_day"])
    age = op.create_table(
        "dose_age",
        sa.Column("vaccine_code", sa.Text(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("min_months", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("min_months >= 0", name=op.f("ck_dose_age_months")),
        sa.PrimaryKeyConstraint("vaccine_code", "dose", "from_day", name=op.f("pk_dose_age")),
    )
    spacing = op.create_table(
        "vaccine_spacing",
        sa.Column("vaccine_code", sa.Text(), nullable=False),
        sa.Column("other_code", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("min_days", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("min_days >= 0", name=op.f("ck_vaccine_spacing_days")),
        sa.PrimaryKeyConstraint("vaccine_code", "other_code", "from_day", name=op.f("pk_vaccine_spacing")),
    )
    op.bulk_insert(
        age,
        [
            {"vaccine_code": vaccine, "dose": dose, "from_day": since, "min_months": months, "source": source}
            for vaccine, dose, since, months, source in _AGES
        ],
    )
    op.bulk_insert(
        spacing,
        [
            {"vaccine_code": vaccine, "other_code": other, "from_day": _SINCE, "min_days": days, "source": source}
            for vaccine, other, days, source in _SPACINGS
        ],
    )
    interval = sa.table(
        "dose_interval",
        *(sa.column(name) for name in ("vaccine_code", "dose", "after_code", "source")),
        sa.column("from_day", sa.Date()),
        *(sa.column(name, sa.Integer()) for name in ("min_days", "due_days", "max_days")),
    )
    op.bulk_insert(
        interval,
        [
            {
                "vaccine_code": vaccine,
                "dose": dose,
                "after_code": vaccine,
                "from_day": _SINCE,
                "min_days": days,
                "due_days": days,
                "max_days": most,
                "source": _EPI,
            }
            for vaccine, dose, days, most in _OPV
        ],
    )


def downgrade() -> None:
    """Take them away; what another vaccine may follow has no place in the older table."""
    op.drop_table("open_vial_change")
    op.drop_table("vaccine_spacing")
    op.drop_table("dose_age")
    op.execute("DELETE FROM dose_interval WHERE after_code <> vaccine_code OR vaccine_code = 'bopv'")
    op.drop_constraint(op.f("pk_dose_interval"), "dose_interval")
    op.create_primary_key(op.f("pk_dose_interval"), "dose_interval", ["vaccine_code", "dose", "from_day"])
    op.drop_column("dose_interval", "after_code")
    op.drop_table("booking_step")
    op.drop_constraint(op.f("fk_booking_made_by"), "booking")
    op.drop_column("booking", "made_by")
    op.drop_column("booking", "override")
    op.drop_column("booking", "late")
