"""Use cases of this room: to say that one is willing, to take it back, and to be told when places open.

Who says so on the web shows that the phone is theirs with the code, as who books does; until then nothing is kept but what was typed, sealed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.catalog.models import Vaccine
from tracker.catalog.queries import vaccine_by_ref
from tracker.delivery.rules.night import Night
from tracker.delivery.service import queue_message
from tracker.interest.errors import InterestNotFound
from tracker.interest.models import Interest
from tracker.interest.rules.telling import AHEAD_DAYS, COUNTS_FOR, more_to_tell
from tracker.kit.days import WESTERN, hours_there, latest_day
from tracker.kit.ids import uuid7
from tracker.network.models import Area, Facility, ServiceArea
from tracker.network.queries import local_today, not_past
from tracker.network.rules.residents import Nearness, nearness
from tracker.people.errors import BadResidence
from tracker.people.models import Person
from tracker.people.queries import person_now
from tracker.people.rules.contact import clean_name, clean_phone, clean_residence, takes_messages
from tracker.people.rules.nik import read_nik
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places, seeker_of
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.words import LIVE, BookingState, Medium, SessionState
from tracker.registration.errors import NoMessages
from tracker.registration.service.codes import new_code, send_code, told_again, told_right, use_code
from tracker.registration.service.proving import record_of, typed_of
from tracker.registration.service.tickets import TicketOffice

TEMPLATE = "places_open"
_CITY_DIGITS, _VILLAGE_DIGITS = 4, 10
_HAS_IT = LIVE | {BookingState.VACCINATED}
_MOST_SESSIONS = 100
_MOST_HOMES = 50
_MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Willing:
    """Who is willing to have which vaccine (its code), as they typed it. Nothing personal is shown by `repr`."""

    vaccine: str
    nik: str
    name: str
    phone: str
    residence: str
    language: str = "id"

    def __repr__(self) -> str:
        return f"Willing(vaccine={self.vaccine!r})"


def ask_to_be_told(db: Session, willing: Willing, *, office: TicketOffice, now: datetime) -> UUID:
    """Send a code to the phone that was typed; what the code is told with. Answers alike whomever number and phone belong to.

    Raises VaccineNotFound, BadNik, BadName, BadPhone, BadResidence, NoMessages, TooManyCodes.
    """
    vaccine_by_ref(db, willing.vaccine)
    read_nik(willing.nik, latest_day(now))
    phone = clean_phone(willing.phone)
    if not takes_messages(phone):
        raise NoMessages(field="phone")
    home = clean_residence(willing.residence)
    if home is None or len(_digits(home)) != _VILLAGE_DIGITS:
        raise BadResidence(field="residence")
    clean = replace(willing, name=clean_name(willing.name), phone=phone, residence=home)
    code = new_code(db, office, phone, now=now)
    code.typed = office.seal_typed(json.dumps(asdict(clean)).encode(), code.id)
    send_code(
        db,
        code,
        "phone_code",
        to=code.id,
        unit_id=_nation(db),
        timezone=WESTERN,
        medium=Medium.WEB,
        language=clean.language,
        now=now,
    )
    return code.id


def tell_code(
    db: Session, code_id: UUID, text: str, *, vault: NikVault, office: TicketOffice, now: datetime
) -> Interest | None:
    """The wish that a code confirms; None where it confirms none. Told again a moment later it opens the same.

    Counts every try, so the transaction must be kept whatever the answer.
    """
    code = told_right(db, code_id, text, office=office, now=now)
    typed = None if code is None else typed_of(code, office)
    if code is None or typed is None or "vaccine" not in typed:
        owner = told_again(db, code_id, text, office=office, now=now)
        return None if owner is None else _newest_of(db, owner)
    willing = Willing(**typed)
    person = record_of(
        db,
        nik=willing.nik,
        name=willing.name,
        phone=willing.phone,
        residence=willing.residence,
        unit_of=lambda: _nation(db),
        vault=vault,
        now=now,
    )
    use_code(code, person, now)
    return be_told(db, person, willing, now=now)


def be_told(db: Session, person_id: UUID, willing: Willing, *, now: datetime) -> Interest:
    """Somebody wants to be told. Who waits already keeps their place; who was told, or took it back, waits anew, behind all others."""
    vaccine = vaccine_by_ref(db, willing.vaccine)
    said = {
        "residence": willing.residence,
        "city": _digits(willing.residence)[:_CITY_DIGITS],
        "language": willing.language,
    }
    first = {"id": uuid7(), "person_id": person_id, "vaccine_id": vaccine.id, "medium": Medium.WEB, "at": now}
    db.execute(upsert(Interest).values(**first, **said).on_conflict_do_nothing())
    mine = select(Interest).where(Interest.person_id == person_id, Interest.vaccine_id == vaccine.id)
    kept = db.scalars(mine.with_for_update().execution_options(populate_existing=True)).one()
    if kept.told_at is not None or kept.withdrawn_at is not None:
        kept.at, kept.told_at, kept.session_id, kept.withdrawn_at = now, None, None, None
    kept.residence, kept.city, kept.language = said["residence"], said["city"], said["language"]
    db.flush()
    return kept


def take_back(db: Session, interest_id: UUID, *, now: datetime) -> Interest:
    """They want to be told no more; again changes nothing. Raises InterestNotFound."""
    kept = db.scalar(select(Interest).where(Interest.id == interest_id).with_for_update())
    if kept is None:
        raise InterestNotFound
    kept.withdrawn_at = kept.withdrawn_at or now
    db.flush()
    return kept


Position = tuple[date, datetime, UUID]
"""Of a session in the order in which a round looks at them: its day, when it opens, its id."""


@dataclass(frozen=True, slots=True)
class Told:
    """How many were told, and behind which session the round goes on; None: that was all."""

    people: int
    after: Position | None


def tell_of_places(
    db: Session, *, address: str, night: Night, now: datetime, after: Position | None = None, most: int = _MOST_SESSIONS
) -> Told:
    """Tell those who have waited longest of the places that are open where they live, each once; at the next `most` sessions.

    A session is one worker's at a time: another meanwhile passes it over, so that no more are told than there are places for.
    At a place where it is night nobody is told until morning.
    """
    told = 0
    found = db.execute(_sessions_with_waiting(now, after).limit(most)).all()
    for session, facility, vaccine in found:
        mine = func.hashtextextended(f"interest {session.id}", 0)
        if night.over_at(now, facility.timezone) is None and db.scalar(select(func.pg_try_advisory_xact_lock(mine))):
            told += _tell(db, session, facility, vaccine, address=address, now=now)
    if len(found) < most:
        return Told(told, None)
    last = found[-1][0]
    return Told(told, (last.day, last.opens_at, last.id))


def _tell(
    db: Session, session: VaccinationSession, facility: Facility, vaccine: Vaccine, *, address: str, now: datetime
) -> int:
    rooms = _rooms(db, session, vaccine, now)
    if not rooms:
        return 0
    lately = select(func.count()).select_from(Interest)
    before = db.scalar(lately.where(Interest.session_id == session.id, Interest.told_at > now - COUNTS_FOR)) or 0
    wanted = min(more_to_tell(max(rooms.values()), before), _MOST_AT_ONCE)
    done = 0
    for one in db.scalars(_next_in_order(session, rooms)).all() if wanted else ():
        if done == wanted:
            break
        person = person_now(db, one.person_id)
        if person is None or person.forgotten_at is not None or not _may_have(db, person, session, vaccine, now):
            continue
        one.told_at, one.session_id = now, session.id
        queue_message(
            db,
            medium=one.medium.value,
            recipient_ref=str(person.id),
            template=TEMPLATE,
            params={
                "vaccine": vaccine.name,
                "facility": facility.name,
                "day": session.day.isoformat(),
                "hours": hours_there(session.opens_at, session.closes_at, facility.timezone),
                "link": f"{address}/daftar/{session.id}",
                "until": session.closes_at.isoformat(),
            },
            unit_id=facility.id,
            now=now,
            language=one.language,
        )
        done += 1
    db.flush()
    return done


def _city_of(code: Any) -> ColumnElement[str]:
    """The first four digits of a code of either system."""
    return func.left(func.translate(code, ".", ""), _CITY_DIGITS)


def _sessions_with_waiting(now: datetime, after: Position | None) -> Select[VaccinationSession, Facility, Vaccine]:
    """A select of (session, facility, vaccine), in the order of time: those to come with places, which serve a city where somebody waits for the vaccine.

    Whom exactly a session serves is asked of each by itself; here sessions are left out which can be none of theirs.
    """
    planned_for = func.unnest(VaccinationSession.areas).column_valued("planned_for")
    listed = (
        select(ServiceArea.area_code)
        .outerjoin(Area, or_(Area.code_kemendagri == ServiceArea.area_code, Area.code_bps == ServiceArea.area_code))
        .where(
            ServiceArea.facility_id == Facility.id,
            or_(
                *(
                    _city_of(code) == Interest.city
                    for code in (ServiceArea.area_code, Area.code_kemendagri, Area.code_bps)
                )
            ),
        )
        .correlate(Facility, Interest)
    )
    waiting = exists().where(
        Interest.vaccine_id == VaccinationSession.vaccine_id,
        Interest.told_at.is_(None),
        Interest.withdrawn_at.is_(None),
        or_(
            _city_of(Facility.code_kemendagri) == Interest.city,
            _city_of(Facility.code_bps) == Interest.city,
            select(planned_for)
            .where(_city_of(planned_for) == Interest.city)
            .correlate(VaccinationSession, Interest)
            .exists(),
            listed.exists(),
        ),
    )
    query = (
        select(VaccinationSession, Facility, Vaccine)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Vaccine, Vaccine.id == VaccinationSession.vaccine_id)
        .where(
            VaccinationSession.state != SessionState.CLOSED,
            not_past(VaccinationSession.day, now),
            VaccinationSession.day <= local_today(now) + AHEAD_DAYS,
            VaccinationSession.closes_at > now,
            VaccinationSession.taken < VaccinationSession.capacity,
            waiting,
        )
        .order_by(VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id)
    )
    if after is None:
        return query
    return query.where(tuple_(VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id) > after)


def _rooms(db: Session, session: VaccinationSession, vaccine: Vaccine, now: datetime) -> dict[str, int]:
    """How many may book there, by where those live who wait for it: in the cities that it serves alone."""
    served = served_at(db, [session])[session.id]
    cities = {_digits(code)[:_CITY_DIGITS] for code in served}
    homes = db.scalars(
        select(Interest.residence)
        .where(
            Interest.vaccine_id == vaccine.id,
            Interest.city.in_(cities),
            Interest.told_at.is_(None),
            Interest.withdrawn_at.is_(None),
        )
        .group_by(Interest.residence)
        .order_by(func.min(Interest.at))
        .limit(_MOST_HOMES)
    )
    found = {}
    for home in homes:
        if not served or nearness(home, served) < Nearness.CITY:
            continue
        seeker = Seeker(medium=Medium.WEB, dose=1, residence=home)
        places = seek_places(
            db, seeker, PlacesAsked(where=(VaccinationSession.id == session.id,)), limit=1, now=now
        ).places
        if places:
            found[home] = places[0].room
    return found


def _next_in_order(session: VaccinationSession, rooms: dict[str, int]) -> Select[Interest]:
    """Those who wait for it, the longest first, who have no place and no dose of that vaccine."""
    has_it = exists().where(
        Booking.person_id == Interest.person_id, Booking.vaccine_id == Interest.vaccine_id, Booking.state.in_(_HAS_IT)
    )
    return (
        select(Interest)
        .where(
            Interest.vaccine_id == session.vaccine_id,
            Interest.city.in_({_digits(home)[:_CITY_DIGITS] for home in rooms}),
            Interest.residence.in_(rooms),
            Interest.told_at.is_(None),
            Interest.withdrawn_at.is_(None),
            ~has_it,
        )
        .order_by(Interest.at, Interest.id)
        .limit(2 * _MOST_AT_ONCE)
        .with_for_update(skip_locked=True, of=Interest)
    )


def _may_have(db: Session, person: Person, session: VaccinationSession, vaccine: Vaccine, now: datetime) -> bool:
    """Whether nothing that is known of them speaks against that place."""
    seeker = replace(seeker_of(db, person, Medium.WEB), dose=1)
    here = PlacesAsked(where=(VaccinationSession.id == session.id,), vaccine=vaccine.code)
    return bool(seek_places(db, seeker, here, limit=1, now=now).places)


def _newest_of(db: Session, person_id: UUID) -> Interest | None:
    mine = select(Interest).where(Interest.person_id == person_id).order_by(Interest.at.desc(), Interest.id).limit(1)
    return db.scalar(mine)


def _nation(db: Session) -> UUID:
    return db.scalars(select(Unit.id).where(Unit.parent_id.is_(None))).one()


def _digits(code: str) -> str:
    return "".join(sign for sign in code if sign.isdigit())
