"""Wire shapes of this room."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.values import Day, Instant, Moment, Number, Whole
from tracker.edge.words import Seen
from tracker.people.schemas import PersonIn
from tracker.quota.rules.words import BookingState, BucketKind, ClaimState, Medium, SessionAct, SessionState

Ref = Annotated[str, StringConstraints(min_length=1, max_length=64)]
AwareInstant = Annotated[Instant, Field(description="RFC 3339 with offset.")]


Reason = Annotated[
    str, Seen, StringConstraints(strip_whitespace=True, min_length=3, max_length=500, pattern=r"^[^\x00]+$")
]


class BucketIn(BaseModel):
    """Places kept for somebody."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="kelurahan, city, walk_in, second_dose, nakes or general."
    )
    share: Number = Field(gt=0, le=100_000, description="Part of the capacity up to 1, or whole persons from 2 on.")
    release_at: Instant | None = Field(None, description="From then on the rest is for anybody.")


class SessionIn(BaseModel):
    """A session to be planned."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: UUID
    facility: Ref
    date: Day
    opens: Moment = Field(alias="from", description="Local time or instant.")
    closes: Moment = Field(alias="to", description="Local time or instant.")
    presentation: Ref
    doses: list[Annotated[Whole, Field(ge=1, le=9)]] = Field(min_length=1, max_length=9)
    capacity: Whole = Field(ge=1, le=100_000)
    buckets: list[BucketIn] = Field(default_factory=list, max_length=20)
    place: Ref | None = Field(None, description="Equipment its vials come from, by id or code; else the stores.")
    areas: list[Annotated[str, Field(max_length=20, pattern=r"^[0-9.]+$")]] = Field(
        default_factory=list,
        max_length=100,
        description="Kelurahan whose people are its residents; else the facility's.",
    )


class SessionCopyIn(BaseModel):
    """Sessions to be planned again on the same weekdays, `weeks` weeks later."""

    model_config = ConfigDict(extra="forbid")

    sessions: list[UUID] = Field(min_length=1, max_length=100)
    weeks: Whole = Field(1, ge=1, le=52)


class SessionCopyOut(BaseModel):
    """A session and its copy; `fresh`: it was planned by this call."""

    model_config = ConfigDict(from_attributes=True)

    source_id: UUID
    session_id: UUID
    fresh: bool


class SessionCopiesOut(BaseModel):
    """What was planned, in the order asked for."""

    items: list[SessionCopyOut]


class SessionChangeIn(BaseModel):
    """What is to be otherwise; what is left out stays. Another day is another session."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    reason: Reason
    opens: Moment | None = Field(None, alias="from", description="Local time or instant.")
    closes: Moment | None = Field(None, alias="to", description="Local time or instant.")
    capacity: Whole | None = Field(None, ge=1, le=100_000)
    place: Ref | None = None
    buckets: list[BucketIn] | None = Field(
        None, max_length=20, description="All shares, as they are to be; what they leave is for anybody."
    )


class ReasonIn(BaseModel, extra="forbid"):
    """Why."""

    reason: Reason


class SessionChangeOut(BaseModel):
    """What somebody did to a session, and how it stood before."""

    id: UUID
    what: SessionAct
    reason: str | None
    before: dict[str, Any]
    recorded_by: str
    recorded_at: dt.datetime


class ArriveIn(BaseModel, extra="forbid"):
    """Where the person has come to; the session they booked when left out. `occurred_at`: when, for who tells it later."""

    session: UUID | None = None
    occurred_at: AwareInstant | None = None


class WalkInIn(BaseModel):
    """Somebody who came without a place. `id` is made by whoever acts first; a NIK that is known is that person."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: UUID
    person: PersonIn
    dose: Whole | None = Field(None, ge=1, le=9, description="The next one when left out.")
    override: Reason | None = Field(None, description="Why the schedule is set aside.")
    occurred_at: AwareInstant | None = None


class ChangeDayIn(BaseModel, extra="forbid"):
    """To which session of the same vaccine."""

    session: UUID


class LeftoverOut(BaseModel):
    """An opened vial with doses that are of no more use to the session."""

    open_vial: UUID
    lot: str
    doses: int
    opened_at: dt.datetime
    discard_by: dt.datetime


class LeftoversOut(BaseModel):
    """What is proposed as waste at the end of a session; `doses` in all."""

    items: list[LeftoverOut]
    doses: int


class UntoldOut(BaseModel):
    """Somebody to be called: the new hours of their session did not reach them. Name and phone only for who may call."""

    booking: UUID
    person: UUID
    name: str | None
    phone: str | None


class BucketOut(BaseModel):
    """A bucket as it stands."""

    kind: BucketKind
    places: int
    taken: int
    release_at: dt.datetime | None


class SessionOut(BaseModel):
    """A session as it stands."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    facility: str
    date: dt.date
    opens: dt.datetime = Field(alias="from")
    closes: dt.datetime = Field(alias="to")
    presentation: str
    doses: list[int]
    capacity: int
    taken: int
    live: int
    state: SessionState
    cancelled: str | None
    place: UUID | None
    areas: list[str]
    buckets: list[BucketOut]


class BookingIn(BaseModel):
    """A place for a person."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    person: UUID
    session: UUID
    dose: Whole = Field(1, ge=1, le=9)
    medium: Medium = Medium.WEB
    override: Reason | None = Field(None, description="Why the schedule is set aside; only by who serves the person.")


class BookingOut(BaseModel):
    """A booking as it stands."""

    id: UUID
    session: UUID
    person: UUID
    dose: int
    medium: Medium
    state: BookingState
    bucket: BucketKind
    made_at: dt.datetime
    expires_at: dt.datetime | None
    vaccinated_at: dt.datetime | None
    late: bool
    deferred_until: dt.date | None
    override: str | None
    batch: UUID | None
    open_vial: UUID | None
    replaces: UUID | None


class ScreenIn(BaseModel):
    """What screening said."""

    model_config = ConfigDict(extra="forbid")

    result: Literal["fit", "deferred", "refused"]
    note: Annotated[str, Seen, StringConstraints(max_length=500)] | None = None
    until: Day | None = Field(
        default=None, description="Of who is deferred: the first day on which they may have the dose."
    )
    occurred_at: AwareInstant | None = None


class VaccinateIn(BaseModel):
    """A dose given; all may be left out."""

    model_config = ConfigDict(extra="forbid")

    occurred_at: AwareInstant | None = None
    open_vial: UUID | None = Field(None, description="Its id, or that of the event that opened it.")
    override: Reason | None = Field(None, description="Why schedule, day or state of the booking are set aside.")
    extra: Reason | None = Field(None, description="A word on a dose beyond those a vial should hold.")


class TakeBackIn(BaseModel):
    """What a booking should have been, and why it is not."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["confirmed", "arrived", "deferred", "refused", "no_show", "cancelled"]
    reason: Reason


class CorrectDoseIn(BaseModel):
    """What was typed wrong of a dose; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    occurred_at: AwareInstant | None = None
    open_vial: UUID | None = None


class BookingStepOut(BaseModel):
    """A step at the desk; `before` is what it replaced: a screening, a dose."""

    id: UUID
    from_state: BookingState
    to_state: BookingState
    recorded_at: dt.datetime
    recorded_by: str
    reason: str | None
    before: dict[str, Any] | None


class QuotaItemOut(BaseModel):
    """One session, dose and bucket. `pool_*` in vials; `available` in persons. Sessions of one pool share vials."""

    model_config = ConfigDict(from_attributes=True)

    facility: str
    facility_id: UUID
    session: UUID
    date: dt.date
    product: str
    dose: int
    bucket: BucketKind
    capacity_left: int
    bucket_left: int
    pool: str
    pool_vials: int
    pool_needed: int
    pool_short: int
    pool_available: int
    available: int
    as_of: dt.datetime


class ClaimOut(BaseModel):
    """A claim for a further dose."""

    id: UUID
    person: UUID
    dose: int
    facility: str
    presentation: str
    from_day: dt.date
    due_day: dt.date
    last_day: dt.date
    state: str


class MergeIn(BaseModel):
    """The record that is the same human being's, and how one knows."""

    model_config = ConfigDict(extra="forbid")

    duplicate: UUID
    reason: Annotated[str, Seen, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class AppointmentOut(BaseModel):
    """A booking as whoever treats the person reads it: a dose given where `vaccinated_at` is known."""

    model_config = ConfigDict(from_attributes=True)

    booking_id: UUID
    vaccine: str
    dose: int
    state: BookingState
    facility: str
    facility_name: str
    day: dt.date
    vaccinated_at: dt.datetime | None
    lot: str | None


class DueOut(BaseModel):
    """A further dose that is due."""

    model_config = ConfigDict(from_attributes=True)

    vaccine: str
    dose: int
    facility: str
    from_day: dt.date
    due_day: dt.date
    last_day: dt.date
    state: ClaimState


class HistoryOut(BaseModel):
    """What a person was given, wherever, and what is due."""

    person: UUID
    appointments: list[AppointmentOut]
    due: list[DueOut]


class DisplacedOut(BaseModel):
    """A booking that had to give way, and what was offered."""

    booking: UUID
    session: UUID
    displaced_at: dt.datetime
    state: str
    offer: UUID | None


class OpenPlaceOut(BaseModel):
    """A session in which somebody like the one asked for can book; `room`: how many of them, one after another."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    session: UUID
    facility: str
    facility_name: str
    date: dt.date
    opens: dt.datetime = Field(alias="from")
    closes: dt.datetime = Field(alias="to")
    vaccine: str
    dose: int
    room: int
    distance_km: float | None


class PartIn(BaseModel):
    """The spelling that is a lot of its own after all, and why."""

    model_config = ConfigDict(extra="forbid")

    lot: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    reason: Annotated[str, Seen, StringConstraints(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class JoinIn(BaseModel):
    """The lot that stays, by id, `PRODUCT/LOT` or lot, and why the two are one."""

    model_config = ConfigDict(extra="forbid")

    into: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
    reason: Annotated[str, Seen, StringConstraints(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
