"""The people whose place was taken back: where they were booked, what they were offered, and whether they know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, cast, exists, func, select
from sqlalchemy.orm import Session, aliased

from dashboard.frame.listing import Listed, listed
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Vaccine
from tracker.delivery.models import MessageState, OutMessage
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.rules.words import OfferState

# Whose matter is still open: the tile counts these.
WAITING = (OfferState.PENDING, OfferState.OFFERED, OfferState.NONE_FOUND)

# A message sent about this displacement; the outbox knows the person, not the booking.
_TOLD = exists(
    select(OutMessage.id).where(
        OutMessage.recipient_ref == cast(Booking.person_id, String),
        OutMessage.template.in_(("quota_offer", "quota_displaced_no_place")),
        # What was said last: who was told "no place" and not of the place that was found is not told.
        OutMessage.created_at
        >= case((Displacement.state.in_(WAITING), Displacement.changed_at), else_=Displacement.displaced_at),
        OutMessage.state == MessageState.SENT,
    )
)

SHOWS: Mapping[str, ColumnElement[bool] | None] = {
    "waiting": Displacement.state.in_(WAITING),
    # An offer that ran out without its person having heard of it is the worst of all.
    "untold": Displacement.state.in_((*WAITING, OfferState.LAPSED)) & ~_TOLD,
    "offered": Displacement.state == OfferState.OFFERED,
    "accepted": Displacement.state.in_((OfferState.ACCEPTED, OfferState.REBOOKED)),
    "lapsed": Displacement.state.in_((OfferState.LAPSED, OfferState.DECLINED)),
    "all": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacedRow:
    """One person. `name` and `phone` are None where the viewer's role may not know them; `new_*` where none is offered."""

    booking_id: UUID
    displaced_at: datetime
    state: str
    name: str | None
    phone: str | None
    vaccine: str
    dose: int
    facility: str
    facility_code: str
    zone: str
    day: date
    new_facility: str | None
    new_day: date | None
    answer_by: datetime | None
    told: bool

    @property
    def waiting(self) -> bool:
        """Whether the person has neither another place nor given it up."""
        return self.state in {state.value for state in WAITING}


def displaced_people(
    db: Session, principal: Principal, *, show: str, after: str = "", most: int
) -> Listed[DisplacedRow]:
    """Displaced bookings of the caller's subtree, newest first, from where the page before ended; raises BadCursor.

    A phone number is given only of who waits and was not told, to whom may read persons and book there: somebody has to call.
    """
    offer, place, there, guardian = aliased(Booking), aliased(VaccinationSession), aliased(Facility), aliased(Person)
    query = (
        select(
            Displacement,
            Booking.dose,
            Person.name,
            func.coalesce(Person.phone, guardian.phone).label("phone"),
            Unit.path,
            Facility.name.label("facility"),
            Facility.code,
            Facility.timezone,
            VaccinationSession.day,
            Vaccine.name.label("vaccine"),
            there.name.label("new_facility"),
            place.day.label("new_day"),
            offer.expires_at,
            _TOLD.label("told"),
        )
        .join(Booking, Booking.id == Displacement.booking_id)
        .join(Person, Person.id == Booking.person_id)
        .outerjoin(guardian, guardian.id == Person.guardian_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Vaccine, Vaccine.id == VaccinationSession.vaccine_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .outerjoin(offer, offer.id == Displacement.offer_id)
        .outerjoin(place, place.id == offer.session_id)
        .outerjoin(there, there.id == place.facility_id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_READ))
    )
    chosen = SHOWS[show]
    if chosen is not None:
        query = query.where(chosen)
    found = listed(
        db,
        [query],
        keys=[Displacement.displaced_at, Displacement.booking_id],
        key_of=lambda row: [row.Displacement.displaced_at.isoformat(), row.Displacement.booking_id],
        most=most,
        after=after,
        descending=True,
    )
    rows = [
        DisplacedRow(
            booking_id=row.Displacement.booking_id,
            displaced_at=row.Displacement.displaced_at,
            state=row.Displacement.state.value,
            name=row.name if principal.may(Permission.PERSON_READ, row.path) else None,
            phone=row.phone if _may_call(principal, row.path) and not row.told else None,
            vaccine=row.vaccine,
            dose=row.dose,
            facility=row.facility,
            facility_code=row.code,
            zone=row.timezone,
            day=row.day,
            new_facility=row.new_facility,
            new_day=row.new_day,
            answer_by=row.expires_at,
            told=row.told,
        )
        for row in found.rows
    ]
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


def _may_call(principal: Principal, path: str) -> bool:
    return principal.may(Permission.PERSON_READ, path) and principal.may(Permission.BOOKING_WRITE, path)


def count_displaced(db: Session, principal: Principal) -> dict[str, int]:
    """How many there are, by the choices of `SHOWS`."""
    row = db.execute(
        select(
            *(
                func.count().label(name) if chosen is None else func.count().filter(chosen).label(name)
                for name, chosen in SHOWS.items()
            )
        )
        .select_from(Displacement)
        .join(Booking, Booking.id == Displacement.booking_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_READ))
    ).one()
    return {name: int(getattr(row, name)) for name in SHOWS}
