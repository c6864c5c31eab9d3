"""What sessions and bookings say on the feed: ids only, nobody's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.feed.contract import Event, formerly
from tracker.quota.rules.words import BookingState


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaChanged(Event):
    """What may be promised of one presentation at one facility is another number now."""

    KIND: ClassVar[str] = "quota.changed"

    facility_id: UUID
    presentation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StillShort(Event):
    """More bookings must give way there than one step of the worker moved; the next step follows from this."""

    KIND: ClassVar[str] = "quota.still_short"

    facility_id: UUID
    presentation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfSession(Event):
    """Of one session; `capacity_left` counts persons."""

    session_id: Annotated[UUID, formerly("session")]
    facility_id: UUID
    presentation_id: UUID
    day: date
    capacity_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlanned(_OfSession):
    """A vaccination session was planned and can be booked."""

    KIND: ClassVar[str] = "quota.session_planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed(_OfSession):
    """A session is over: who had not come by its end is a no-show; closed before, they are looked another place for."""

    KIND: ClassVar[str] = "quota.session_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChanged(_OfSession):
    """Hours, capacity or place of a session are others now, or it was opened again; who was booked is told."""

    KIND: ClassVar[str] = "quota.session_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCancelled(_OfSession):
    """A session does not take place: everybody booked is looked another place for."""

    KIND: ClassVar[str] = "quota.session_cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingNews(Event):
    """One booking as it stands."""

    booking_id: Annotated[UUID, formerly("booking")]
    session_id: Annotated[UUID, formerly("session")]
    facility_id: UUID
    presentation_id: UUID
    dose: int
    state: BookingState


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingMade(BookingNews):
    """A place was taken, by a person or as an offer to one who had to give way."""

    KIND: ClassVar[str] = "quota.booked"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingMoved(BookingNews):
    """A booking was confirmed, cancelled, or went a step further at the desk."""

    KIND: ClassVar[str] = "quota.moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingDisplaced(BookingNews):
    """A booking gave way because vials no longer cover it; its person is looked another place for."""

    KIND: ClassVar[str] = "quota.displaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOffered(BookingNews):
    """A place was reserved for a person whose booking `instead_of_id` gave way; told under the new place."""

    KIND: ClassVar[str] = "quota.offered"
    TOLD_AT: ClassVar[str] = "the facility of the new place"

    instead_of_id: Annotated[UUID, formerly("instead_of")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseGiven(BookingNews):
    """A person was vaccinated from an opened vial."""

    KIND: ClassVar[str] = "quota.vaccinated"

    batch_id: Annotated[UUID, formerly("batch")]
    open_vial_id: Annotated[UUID, formerly("open_vial")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseTakenBack(BookingNews):
    """A dose told before was not given, or not so: its vial has it again. What stands instead is told after this."""

    KIND: ClassVar[str] = "quota.dose_taken_back"

    batch_id: UUID
    open_vial_id: UUID
