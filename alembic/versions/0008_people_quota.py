"""people and quota: persons, sessions, buckets, bookings, claims, displacements"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0008_people_quota"
down_revision = "0007_passport"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and write down the intervals in force."""
    _person()
    _vaccination_session()
    _session_bucket()
    _booking()
    _dose_claim()
    _dose_interval()
    _displacement()
    _intervals()


def downgrade() -> None:
    """Drop them, newest first."""
    for table in (
        "displacement",
        "dose_interval",
        "dose_claim",
        "booking",
        "session_bucket",
        "vaccination_session",
        "person",
    ):
        op.drop_table(table)


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nik_hash", sa.LargeBinary(), nullable=False),
        sa.Column("nik_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("residence", sa.Text(), nullable=True),
        sa.Column("groups", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_person_name_length")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_person_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("nik_hash", name=op.f("uq_person_nik_hash")),
    )
    op.create_index(op.f("ix_person_unit_id"), "person", ["unit_id"], unique=False)


def _vaccination_session() -> None:
    op.create_table(
        "vaccination_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("vaccine_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("doses", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("live", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("capacity BETWEEN 1 AND 100000", name=op.f("ck_vaccination_session_capacity_range")),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_vaccination_session_window")),
        sa.CheckConstraint("live BETWEEN 0 AND taken", name=op.f("ck_vaccination_session_live_are_seated")),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity", name=op.f("ck_vaccination_session_capacity_kept")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_vaccination_session_facility_id")),
        sa.ForeignKeyConstraint(
            ["presentation_id"], ["presentation.id"], name=op.f("fk_vaccination_session_presentation_id")
        ),
        sa.ForeignKeyConstraint(["vaccine_id"], ["vaccine.id"], name=op.f("fk_vaccination_session_vaccine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vaccination_session")),
    )
    op.create_index("ix_vaccination_session_day", "vaccination_session", ["day"], unique=False)
    op.create_index(
        "ix_vaccination_session_pool", "vaccination_session", ["facility_id", "presentation_id", "day"], unique=False
    )
    op.create_index("ix_vaccination_session_vaccine_id_day", "vaccination_session", ["vaccine_id", "day"], unique=False)


def _session_bucket() -> None:
    op.create_table(
        "session_bucket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("taken BETWEEN 0 AND places", name=op.f("ck_session_bucket_places_kept")),
        sa.ForeignKeyConstraint(["session_id"], ["vaccination_session.id"], name=op.f("fk_session_bucket_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_bucket")),
        sa.UniqueConstraint("session_id", "kind", name=op.f("uq_session_bucket_session_id_kind")),
    )


def _booking() -> None:
    op.create_table(
        "booking",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("bucket_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("vaccine_id", sa.Uuid(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("screening", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("vaccinated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_vial_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(state = 'vaccinated') = (vaccinated_at IS NOT NULL)", name=op.f("ck_booking_vaccinated_when")
        ),
        sa.CheckConstraint("dose BETWEEN 1 AND 9", name=op.f("ck_booking_dose_range")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_booking_batch_id")),
        sa.ForeignKeyConstraint(["bucket_id"], ["session_bucket.id"], name=op.f("fk_booking_bucket_id")),
        sa.ForeignKeyConstraint(["open_vial_id"], ["open_vial.id"], name=op.f("fk_booking_open_vial_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_booking_person_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["booking.id"], name=op.f("fk_booking_replaces_id")),
        sa.ForeignKeyConstraint(["session_id"], ["vaccination_session.id"], name=op.f("fk_booking_session_id")),
        sa.ForeignKeyConstraint(["vaccine_id"], ["vaccine.id"], name=op.f("fk_booking_vaccine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
    )
    op.create_index(
        "ix_booking_expires_at", "booking", ["expires_at"], unique=False, postgresql_where=sa.text("state = 'reserved'")
    )
    op.create_index("ix_booking_person_id_vaccine_id", "booking", ["person_id", "vaccine_id"], unique=False)
    op.create_index("ix_booking_session_id_state", "booking", ["session_id", "state"], unique=False)
    op.create_index(
        "uq_booking_live",
        "booking",
        ["person_id", "vaccine_id", "dose"],
        unique=True,
        postgresql_where=sa.text("state IN ('arrived', 'confirmed', 'fit', 'reserved')"),
    )


def _dose_claim() -> None:
    op.create_table(
        "dose_claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("vaccine_id", sa.Uuid(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("due_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("given_booking_id", sa.Uuid(), nullable=False),
        sa.Column("used_by_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("from_day <= due_day AND due_day <= last_day", name=op.f("ck_dose_claim_window")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_dose_claim_facility_id")),
        sa.ForeignKeyConstraint(["given_booking_id"], ["booking.id"], name=op.f("fk_dose_claim_given_booking_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dose_claim_person_id")),
        sa.ForeignKeyConstraint(["presentation_id"], ["presentation.id"], name=op.f("fk_dose_claim_presentation_id")),
        sa.ForeignKeyConstraint(["used_by_id"], ["booking.id"], name=op.f("fk_dose_claim_used_by_id")),
        sa.ForeignKeyConstraint(["vaccine_id"], ["vaccine.id"], name=op.f("fk_dose_claim_vaccine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose_claim")),
    )
    op.create_index(
        "ix_dose_claim_pool", "dose_claim", ["facility_id", "presentation_id", "state", "due_day"], unique=False
    )
    op.create_index(op.f("ix_dose_claim_used_by_id"), "dose_claim", ["used_by_id"], unique=False)
    op.create_index(
        "uq_dose_claim_open",
        "dose_claim",
        ["person_id", "vaccine_id", "dose"],
        unique=True,
        postgresql_where=sa.text("state IN ('funded', 'unfunded')"),
    )


def _dose_interval() -> None:
    op.create_table(
        "dose_interval",
        sa.Column("vaccine_code", sa.Text(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("min_days", sa.Integer(), nullable=False),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("max_days", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "0 < min_days AND min_days <= due_days AND due_days <= max_days", name=op.f("ck_dose_interval_order")
        ),
        sa.PrimaryKeyConstraint("vaccine_code", "dose", "from_day", name=op.f("pk_dose_interval")),
    )


def _displacement() -> None:
    op.create_table(
        "displacement",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("displaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_displacement_booking_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["booking.id"], name=op.f("fk_displacement_offer_id")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_displacement")),
    )
    op.create_index("ix_displacement_offer_id", "displacement", ["offer_id"], unique=False)
    op.create_index(
        "ix_displacement_pending",
        "displacement",
        ["displaced_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )


# From when on the rules were in force; what came before them was not recorded here.
_SINCE = date(2021, 1, 13)
_COVID = "KMK HK.01.07/MENKES/4638/2021"
_EPI = "Permenkes 12/2017"
# (vaccine, dose, earliest, due, latest day after the dose before, source). The latest day only says how long
# a place is kept; a late dose is still given.
_INTERVALS = (
    ("coronavac", 2, 28, 28, 180, _COVID),
    ("astrazeneca", 2, 56, 84, 180, _COVID),
    ("pentabio", 2, 28, 28, 180, _EPI),
    ("pentabio", 3, 28, 28, 180, _EPI),
    ("mr", 2, 270, 270, 730, _EPI),
)


def _intervals() -> None:
    table = sa.table(
        "dose_interval",
        sa.column("vaccine_code", sa.Text()),
        sa.column("dose", sa.SmallInteger()),
        sa.column("from_day", sa.Date()),
        sa.column("min_days", sa.Integer()),
        sa.column("due_days", sa.Integer()),
        sa.column("max_days", sa.Integer()),
        sa.column("source", sa.Text()),
    )
    op.bulk_insert(
        table,
        [
            {
                "vaccine_code": vaccine,
                "dose": dose,
                "from_day": _SINCE,
                "min_days": least,
                "due_days": due,
                "max_days": most,
                "source": source,
            }
            for vaccine, dose, least, due, most, source in _INTERVALS
        ],
    )
