"""Tables of this room. The counters' checks have the last word on capacity, whatever the program believes."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.quota.rules.reminding import DoseWord
from tracker.quota.rules.words import (
    LIVE,
    BookingState,
    BucketKind,
    ClaimState,
    Medium,
    OfferState,
    Said,
    SessionAct,
    SessionState,
)

_LIVE = ", ".join(f"'{state.value}'" for state in sorted(LIVE))


class VaccinationSession(Base):
    """Staff giving one presentation at one facility on one local day.

    `taken` are persons who use a place, `live` those of them who still need a dose, `vaccinated` those who had theirs.
    """

    __tablename__ = "vaccination_session"
    __table_args__ = (
        CheckConstraint("capacity BETWEEN 1 AND 100000", name="capacity_range"),
        CheckConstraint("taken BETWEEN 0 AND capacity", name="capacity_kept"),
        CheckConstraint("live BETWEEN 0 AND taken", name="live_are_seated"),
        CheckConstraint("vaccinated BETWEEN 0 AND taken - live", name="vaccinated_are_seated"),
        CheckConstraint("closes_at > opens_at", name="window"),
        Index("ix_vaccination_session_pool", "facility_id", "presentation_id", "day"),
        # The next ones to come, of all and of one vaccine, in the order in which they are shown.
        Index("ix_vaccination_session_next", "day", "opens_at", "id"),
        Index("ix_vaccination_session_vaccine_next", "vaccine_id", "day", "opens_at", "id"),
        # What a place has of a vaccine, asked of many places one after another.
        Index(
            "ix_vaccination_session_open",
            "facility_id",
            "vaccine_id",
            "day",
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("ix_vaccination_session_closes_at", "closes_at", postgresql_where=text("state <> 'closed'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"))
    vaccine_id: Mapped[UUID] = mapped_column(ForeignKey("vaccine.id"))
    day: Mapped[date]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    doses: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    capacity: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, server_default="0")
    live: Mapped[int] = mapped_column(Integer, server_default="0")
    vaccinated: Mapped[int] = mapped_column(Integer, server_default="0")
    # How many numbers the desk has given out; whoever leaves the session takes theirs along.
    arrivals: Mapped[int] = mapped_column(Integer, server_default="0")
    state: Mapped[SessionState] = mapped_column(StrEnumText(SessionState))
    cancelled: Mapped[str | None]  # why it did not take place
    # Where its vials come from: a carrier taken along; None where they come from the facility's stores.
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    # Whose people its places for residents are for, where that is not the facility's own.
    areas: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    closed_at: Mapped[datetime | None]
    content: Mapped[dict[str, Any]]  # what was asked, to tell a repeat from another session under the same id
    created_at: Mapped[datetime]


class SessionReminder(Base):
    """A session whose people were reminded of it, all at once and once."""

    __tablename__ = "session_reminder"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("vaccination_session.id"), primary_key=True)
    reminded_at: Mapped[datetime]


class SessionTemplate(Base):
    """What a facility holds again and again: a session without a date. `buckets`: share and hours of release by kind."""

    __tablename__ = "session_template"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_range"),
        CheckConstraint("capacity BETWEEN 1 AND 100000", name="capacity_range"),
        UniqueConstraint("facility_id", "name"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    name: Mapped[str]
    weekday: Mapped[int | None] = mapped_column(SmallInteger)
    opens: Mapped[time]
    closes: Mapped[time]
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"))
    doses: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    capacity: Mapped[int] = mapped_column(Integer)
    buckets: Mapped[dict[str, Any]]
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    areas: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]


class SessionChange(Base):
    """A session as it was planned until somebody changed, cancelled or closed it, or opened it again, and why."""

    __tablename__ = "session_change"
    __table_args__ = (Index("ix_session_change_session_id", "session_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("vaccination_session.id"))
    what: Mapped[SessionAct] = mapped_column(StrEnumText(SessionAct))
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any]]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class Bucket(Base):
    """Places of a session kept for somebody; from `release_at` on the rest is for anybody."""

    __tablename__ = "session_bucket"
    __table_args__ = (
        UniqueConstraint("session_id", "kind"),
        CheckConstraint("taken BETWEEN 0 AND places", name="places_kept"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("vaccination_session.id"))
    kind: Mapped[BucketKind] = mapped_column(StrEnumText(BucketKind))
    places: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, server_default="0")
    release_at: Mapped[datetime | None]


class Booking(Base):
    """A place for one person, one vaccine, one dose. One live booking each: the database sees to it."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("dose BETWEEN 1 AND 9", name="dose_range"),
        CheckConstraint("(state = 'vaccinated') = (vaccinated_at IS NOT NULL)", name="vaccinated_when"),
        Index(
            "uq_booking_live",
            "person_id",
            "vaccine_id",
            "dose",
            unique=True,
            postgresql_where=text(f"state IN ({_LIVE})"),
        ),
        Index("ix_booking_session_id_state", "session_id", "state"),
        Index("ix_booking_person_id_vaccine_id", "person_id", "vaccine_id"),
        Index("ix_booking_made_at_id", "made_at", "id"),
        Index("ix_booking_expires_at", "expires_at", postgresql_where=text("state = 'reserved'")),
        Index("uq_booking_number", "session_id", "number", unique=True, postgresql_where=text("number IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("vaccination_session.id"))
    bucket_id: Mapped[UUID] = mapped_column(ForeignKey("session_bucket.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    vaccine_id: Mapped[UUID] = mapped_column(ForeignKey("vaccine.id"))
    dose: Mapped[int] = mapped_column(SmallInteger)
    medium: Mapped[Medium] = mapped_column(StrEnumText(Medium))
    state: Mapped[BookingState] = mapped_column(StrEnumText(BookingState))
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    # The number in the queue of its session: given on arrival, and never changed while the booking stays there.
    number: Mapped[int | None] = mapped_column(Integer)
    screening: Mapped[dict[str, Any] | None]
    vaccinated_at: Mapped[datetime | None]
    # The dose was told after its day, or after its session was closed.
    late: Mapped[bool] = mapped_column(server_default="false")
    # Why the schedule was set aside for this person, by whoever served them.
    override: Mapped[str | None]
    # Who booked; other systems act for their own people only.
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    open_vial_id: Mapped[UUID | None] = mapped_column(ForeignKey("open_vial.id"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))

    @property
    def deferred_until(self) -> date | None:
        """The first day on which who was deferred may have the dose, where screening named one."""
        until = (self.screening or {}).get("until")
        return None if until is None or self.state is not BookingState.DEFERRED else date.fromisoformat(until)


class BookingStep(Base):
    """One step of a booking at the desk, as it was told: who was screened how, what was taken back and why.

    `before` holds what stood until then, where a step replaced it: a screening, a dose (instant, batch, vial).
    """

    __tablename__ = "booking_step"
    __table_args__ = (Index("ix_booking_step_booking_id", "booking_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    from_state: Mapped[BookingState] = mapped_column(StrEnumText(BookingState))
    to_state: Mapped[BookingState] = mapped_column(StrEnumText(BookingState))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]


class Claim(Base):
    """The right to the next dose, from the day the one before was given. Funded: vials are counted for it."""

    __tablename__ = "dose_claim"
    __table_args__ = (
        CheckConstraint("from_day <= due_day AND due_day <= last_day", name="window"),
        Index("ix_dose_claim_due_day_id", "due_day", "id"),
        Index("ix_dose_claim_pool", "facility_id", "presentation_id", "state", "due_day"),
        Index(
            "uq_dose_claim_open",
            "person_id",
            "vaccine_id",
            "dose",
            unique=True,
            postgresql_where=text("state IN ('funded', 'unfunded')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    vaccine_id: Mapped[UUID] = mapped_column(ForeignKey("vaccine.id"))
    dose: Mapped[int] = mapped_column(SmallInteger)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"))
    from_day: Mapped[date]
    due_day: Mapped[date]
    last_day: Mapped[date]
    state: Mapped[ClaimState] = mapped_column(StrEnumText(ClaimState))
    given_booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    used_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"), index=True)
    made_at: Mapped[datetime]


class ClaimReminder(Base):
    """What is to be said next of a claim, on or after which day of its place; gone once nothing is.

    `due_day`: when the dose was due first; the claim's own moves on with the days.
    """

    __tablename__ = "claim_reminder"
    __table_args__ = (Index("ix_claim_reminder_next_day", "next_day", "claim_id"),)

    claim_id: Mapped[UUID] = mapped_column(ForeignKey("dose_claim.id"), primary_key=True)
    word: Mapped[DoseWord] = mapped_column(StrEnumText(DoseWord))
    next_day: Mapped[date]
    due_day: Mapped[date]


class DoseInterval(Base):
    """When dose `dose` of a vaccine is due after the one before, in days; in force from `from_day` on.

    The one before was of `after_code`: the same vaccine, or another one that this may follow. Only the same one makes a claim.
    """

    __tablename__ = "dose_interval"
    __table_args__ = (CheckConstraint("0 < min_days AND min_days <= due_days AND due_days <= max_days", name="order"),)

    vaccine_code: Mapped[str] = mapped_column(primary_key=True)
    dose: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    after_code: Mapped[str] = mapped_column(primary_key=True)
    from_day: Mapped[date] = mapped_column(primary_key=True)
    min_days: Mapped[int] = mapped_column(Integer)
    due_days: Mapped[int] = mapped_column(Integer)
    max_days: Mapped[int] = mapped_column(Integer)
    source: Mapped[str]


class DoseAge(Base):
    """From which age on, in calendar months, a dose is given; in force from `from_day` on, also for later doses."""

    __tablename__ = "dose_age"
    __table_args__ = (CheckConstraint("min_months >= 0", name="months"),)

    vaccine_code: Mapped[str] = mapped_column(primary_key=True)
    dose: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    from_day: Mapped[date] = mapped_column(primary_key=True)
    min_months: Mapped[int] = mapped_column(Integer)
    source: Mapped[str]


class VaccineSpacing(Base):
    """Days that must pass between any dose of `other_code` and a dose of this vaccine; in force from `from_day` on."""

    __tablename__ = "vaccine_spacing"
    __table_args__ = (CheckConstraint("min_days >= 0", name="days"),)

    vaccine_code: Mapped[str] = mapped_column(primary_key=True)
    other_code: Mapped[str] = mapped_column(primary_key=True)
    from_day: Mapped[date] = mapped_column(primary_key=True)
    min_days: Mapped[int] = mapped_column(Integer)
    source: Mapped[str]


class Displacement(Base):
    """A booking that had to give way, and what its person was offered instead."""

    __tablename__ = "displacement"
    __table_args__ = (
        Index("ix_displacement_pending", "displaced_at", postgresql_where=text("state = 'pending'")),
        Index("ix_displacement_unhelped", "tried_at", postgresql_where=text("state IN ('pending', 'none_found')")),
        Index("ix_displacement_offer_id", "offer_id"),
    )

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    displaced_at: Mapped[datetime]
    state: Mapped[OfferState] = mapped_column(StrEnumText(OfferState))
    offer_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    changed_at: Mapped[datetime]
    # When a place was last looked for in vain: who has waited longest since is next.
    tried_at: Mapped[datetime | None]
    # The feed event that told of it: the cause of whatever is offered, now or later.
    event_id: Mapped[UUID | None]


class Standby(Base):
    """Somebody who wants to be called when doses of a vaccine are left at a facility, until they want it no more."""

    __tablename__ = "standby"
    __table_args__ = (
        CheckConstraint("dose BETWEEN 1 AND 9", name="dose_range"),
        Index(
            "uq_standby_open",
            "facility_id",
            "vaccine_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    vaccine_id: Mapped[UUID] = mapped_column(ForeignKey("vaccine.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    dose: Mapped[int] = mapped_column(SmallInteger)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    ended_at: Mapped[datetime | None]


class StandbyDraw(Base):
    """The seed by which a session's order of calling is reckoned; drawn once."""

    __tablename__ = "standby_draw"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("vaccination_session.id"), primary_key=True)
    seed: Mapped[str]
    drawn_at: Mapped[datetime]
    drawn_by: Mapped[str]


class StandbyCall(Base):
    """What somebody said who was called for a session, the latest word."""

    __tablename__ = "standby_call"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("standby_draw.session_id"), primary_key=True)
    standby_id: Mapped[UUID] = mapped_column(ForeignKey("standby.id"), primary_key=True)
    said: Mapped[Said] = mapped_column(StrEnumText(Said))
    called_at: Mapped[datetime]
    called_by: Mapped[str]
