"""What can be asked of this room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from tracker.people.service import NewPerson
from tracker.quota.rules.words import BookingState, Medium, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBucket:
    """`share`: a part of the capacity up to 1, or a whole number of persons from 2 on."""

    kind: str
    share: float
    release_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSession:
    """Staff at a facility (id or code) on a local day; `opens` and `closes` are local times or instants.

    `place`: the equipment the vials come from, by id or code; None for the facility's stores. `areas`: the kelurahan whose
    people are its residents (a session out in one of them); none for those the facility serves.
    """

    id: UUID
    facility: str | UUID
    day: date
    opens: time | datetime
    closes: time | datetime
    presentation: str | UUID
    doses: tuple[int, ...]
    capacity: int
    buckets: tuple[NewBucket, ...] = ()
    place: str | UUID | None = None
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBucket:
    """As `NewBucket`, released so many hours before a session begins."""

    kind: str
    share: float
    release_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveTemplate:
    """What a facility holds again and again, under a name of its own; `weekday` from 1 (Monday), None for any day."""

    id: UUID
    facility: str | UUID
    name: str
    opens: time
    closes: time
    presentation: str | UUID
    doses: tuple[int, ...]
    capacity: int
    weekday: int | None = None
    buckets: tuple[TemplateBucket, ...] = ()
    place: str | UUID | None = None
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySessions:
    """The same sessions `weeks` weeks later, on the same weekdays and at the same hours."""

    sessions: tuple[UUID, ...]
    weeks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSession:
    """What is to be otherwise in a session; what is None stays. Another day is another session."""

    session_id: UUID
    reason: str
    opens: time | datetime | None = None
    closes: time | datetime | None = None
    capacity: int | None = None
    place: str | UUID | None = None
    buckets: tuple[NewBucket, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArriveAt:
    """Somebody booked elsewhere, or for another day, has come to this session.

    `record`: they came while it was held, and it is written down after the doors are shut. `occurred_at`: when they came,
    for who tells it later.
    """

    booking_id: UUID
    session_id: UUID
    record: bool = False
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDay:
    """A booking is to be in another session of its vaccine."""

    booking_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A place for a person. The id is made by whoever acts first; the same again is the same booking.

    `override`: why the schedule is set aside, for who serves the person. `made_by`: for whom a place is sought again.
    """

    id: UUID
    person_id: UUID
    session_id: UUID
    dose: int
    medium: Medium
    override: str | None = None
    made_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStandby:
    """Somebody wants to be called when doses like the session's are left at its facility."""

    id: UUID
    session_id: UUID
    person_id: UUID
    dose: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCall:
    """What somebody said who was called."""

    session_id: UUID
    standby_id: UUID
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePersons:
    """`duplicate_id` is the same human being as `person_id`, whose record stays."""

    person_id: UUID
    duplicate_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBooking:
    """Bring a booking into another state. `until`: the first day on which who is deferred may have the dose."""

    booking_id: UUID
    state: BookingState
    note: str | None = None
    until: date | None = None

    @property
    def screening(self) -> dict[str, str | None]:
        """What screening said, as it is kept."""
        until = {} if self.until is None else {"until": self.until.isoformat()}
        return {"result": self.state.value, "note": self.note, **until}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vaccinate:
    """A dose given. From `open_vial_id` when told, else from the session's opened vials, else one is opened.

    `override`: why the schedule, the day of the session or the state of the booking is set aside. `extra`: a word on a
    dose beyond those a vial should hold (an eleventh of ten).
    """

    booking_id: UUID
    occurred_at: datetime | None = None
    open_vial_id: UUID | None = None
    override: str | None = None
    extra: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkIn:
    """Somebody came without a place: who, and of which dose (the next one when None).

    `id`: the place that is made for them, where they have none; `occurred_at`: when they came, now when None.
    """

    id: UUID
    session_id: UUID
    person: NewPerson
    dose: int | None = None
    override: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """A booking is in its state by mistake; `state` is what should have stood, `reason` why."""

    booking_id: UUID
    state: BookingState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectDose:
    """A dose was typed wrong: the right instant, the right vial, or both; what is None stays."""

    booking_id: UUID
    reason: str
    occurred_at: datetime | None = None
    open_vial_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddInterval:
    """Days from the dose before (of `after`; the same vaccine when None) to this one: least, usual, last kept."""

    vaccine: str
    dose: int
    from_day: date
    min_days: int
    due_days: int
    max_days: int
    source: str
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAge:
    """From which age on, in months, a dose and those after it are given; 0 ends an older rule."""

    vaccine: str
    dose: int
    from_day: date
    min_months: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSpacing:
    """Days between any dose of `other` and a dose of this vaccine; 0 ends an older rule."""

    vaccine: str
    other: str
    from_day: date
    min_days: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinLots:
    """`lot` is `into`, registered twice; each by id, `PRODUCT/LOT` or lot."""

    lot: str
    into: str
    reason: str
