"""How a session went, in numbers: who was awaited, who came, what was given, and where its vials' doses went."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import OpenWaste

_B = BookingState
_CAME = (_B.ARRIVED, _B.FIT, _B.VACCINATED, _B.DEFERRED, _B.REFUSED)
_AWAITED = (_B.RESERVED, _B.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """Persons, and of opened vials doses. `target`: the places planned; `booked`: whoever had one when it was over."""

    target: int
    booked: int
    came: int
    given: dict[int, int]
    late: int
    awaited: int
    at_the_desk: int
    deferred: int
    refused: int
    no_show: int
    displaced: int
    vials: int
    doses_opened: int
    doses_given: int
    doses_left: int
    wasted: dict[OpenWaste, int]


def session_report(db: Session, session: VaccinationSession) -> SessionReport:
    """Its vials are those opened for it, and those from which its people had a dose."""
    rows = db.execute(
        select(Booking.state, Booking.dose, func.count(), func.count().filter(Booking.late))
        .where(Booking.session_id == session.id)
        .group_by(Booking.state, Booking.dose)
    ).all()

    def persons(*states: BookingState) -> int:
        return sum(int(count) for state, _, count, _ in rows if state in states)

    drawn_from = select(Booking.open_vial_id).where(
        Booking.session_id == session.id, Booking.state == BookingState.VACCINATED
    )
    opened_for = select(OpenVial.id).where(OpenVial.session_id == session.id)
    vials = db.execute(
        select(
            OpenVial.discard_reason,
            func.count(),
            func.sum(OpenVial.doses_per_vial),
            func.sum(OpenVial.given),
            func.sum(OpenVial.remaining),
            func.sum(OpenVial.discarded),
        )
        .where(OpenVial.facility_id == session.facility_id, OpenVial.id.in_(opened_for.union(drawn_from)))
        .group_by(OpenVial.discard_reason)
    ).all()
    given = {
        int(dose): sum(int(count) for state, of, count, _ in rows if state is _B.VACCINATED and of == dose)
        for dose in sorted({of for state, of, _, _ in rows if state is _B.VACCINATED})
    }
    came = persons(*_CAME)
    return SessionReport(
        target=session.capacity,
        booked=came + persons(*_AWAITED, _B.NO_SHOW),
        came=came,
        given=given,
        late=sum(int(late) for state, _, _, late in rows if state is _B.VACCINATED),
        awaited=persons(*_AWAITED),
        at_the_desk=persons(_B.ARRIVED, _B.FIT),
        deferred=persons(_B.DEFERRED),
        refused=persons(_B.REFUSED),
        no_show=persons(_B.NO_SHOW),
        displaced=persons(_B.DISPLACED),
        vials=sum(int(row[1]) for row in vials),
        doses_opened=sum(int(row[2]) for row in vials),
        doses_given=sum(int(row[3]) for row in vials),
        doses_left=sum(int(row[4]) for row in vials),
        wasted={row[0]: int(row[5]) for row in vials if row[0] is not None and row[5]},
    )
