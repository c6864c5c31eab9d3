"""Places a citizen may choose from: those they named, with room for them, of the dose they are due."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import ColumnElement, and_, cast, exists, func, or_, select, true
from sqlalchemy.orm import Session

from tracker.kit.days import hours_there
from tracker.network.models import Area, Facility, ServiceArea
from tracker.network.queries import home_point
from tracker.network.rules.distance import Point, distance_km
from tracker.people.queries import person_now
from tracker.quota.queries.open_places import PlacesAsked, seek_places, seeker_of
from tracker.quota.queries.quota import USUAL_DAYS
from tracker.quota.rules.words import Medium
from tracker.registration.rules.understanding import place_words
from tracker.registration.rules.wishes import (
    Option,
)

MOST_OPTIONS = 9  # as many as a phone's list shows beside the word for more
NEAR_KM = 25
# Of the first days; among them the nearest of each day come first.
MOST_SORTED = 100


def options_for(
    db: Session, person_id: UUID, place: str, medium: Medium, *, now: datetime, near: Point | None = None
) -> tuple[Option, ...]:
    """The nearest days at the places named, else the nearest places to a point, each with room for this person and the dose that is theirs."""
    person = person_now(db, person_id)
    if person is None:
        return ()
    home = near or home_point(db, person.residence)
    asked = PlacesAsked(where=(named(place) if near is None else within(near),), ahead=USUAL_DAYS)
    found = [
        Option(
            session=str(each.session.id),
            facility=each.facility.name,
            day=each.session.day.isoformat(),
            dose=each.dose,
            room=each.room,
            vaccine=each.vaccine.name,
            hours=hours_there(each.session.opens_at, each.session.closes_at, each.facility.timezone),
            distance_km=distance_km(each.point, home),
        )
        for each in seek_places(db, seeker_of(db, person, medium), asked, limit=MOST_SORTED, now=now).places
    ]
    far = 1e9
    found.sort(key=lambda o: (o.day, far if o.distance_km is None else o.distance_km, o.facility, o.vaccine, o.dose))
    if near is not None:
        found.sort(key=lambda o: far if o.distance_km is None else o.distance_km)
    return tuple(found[:MOST_OPTIONS])


def within(near: Point) -> ColumnElement[bool]:
    """True for facilities within `NEAR_KM` of a point."""
    point = cast(func.ST_SetSRID(func.ST_MakePoint(near[1], near[0]), 4326), Geography("POINT", srid=4326))
    return func.ST_DWithin(Facility.point, point, NEAR_KM * 1000)


def named(place: str) -> ColumnElement[bool]:
    """True for facilities of that name, and for those in, of or for an area of that name: each word is in it."""
    words = place_words(place)
    if not words:
        return Facility.id.is_(None)
    area = _all_in(Area.name, words)
    covered = select(Area.id).where(
        area,
        or_(
            Area.code_kemendagri == Facility.code_kemendagri,
            Area.code_bps == Facility.code_bps,
            func.ST_Covers(Area.polygon, Facility.point),
            # Of this facility: a select two levels deep is tied to the outermost table by word only.
            exists()
            .where(
                ServiceArea.facility_id == Facility.id, ServiceArea.area_code.in_([Area.code_kemendagri, Area.code_bps])
            )
            .correlate(Facility, Area),
        ),
    )
    return or_(_all_in(Facility.name, words), covered.exists())


def _all_in(column: object, words: list[str]) -> ColumnElement[bool]:
    found = [column.icontains(word, autoescape=True) for word in words]  # type: ignore[attr-defined]  # a text column
    return and_(true(), *found)
