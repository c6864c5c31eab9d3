"""`/daftar`: a citizen finds a place with vaccine that is theirs to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from dashboard.citizens.homes import Home, homes_of
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Anyone
from dashboard.quota.queries import vaccines_with_sessions
from tracker.edge.deps import Db, Shared
from tracker.edge.hop import Router, enters_in_line
from tracker.kit.days import earliest_day, years_before
from tracker.network.rules.distance import Point, coarse, read_point, written_point
from tracker.quota.models import DoseInterval, VaccinationSession
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places
from tracker.quota.rules.words import Medium, SessionState
from tracker.registration.service.finding import named

router = Router(include_in_schema=False)

# Cards on a page: what one still reads through on a phone.
SHOWN = 10
MOST_DAYS = 60

# Where the phone is, told by `POST /daftar`: to a kilometre, for half an hour, and in no address (docs/adr/0038).
NEAR_COOKIE = "rantai_dekat"
NEAR_STANDS_S = 30 * 60

Words = Annotated[str, Query(max_length=100)]
Typed = Annotated[str, Form(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody chose, by the names in the address."""

    tempat: str = ""
    rumah: str = ""
    umur: int | None = None
    vaksin: str = ""
    hari: str = ""
    dosis: int = 1

    def address(self, page: str = "/daftar", **more: str) -> str:
        """The page of these choices."""
        kept = {
            name: str(value)
            for name, value in (
                ("tempat", self.tempat), ("rumah", self.rumah), ("umur", self.umur), ("vaksin", self.vaksin),
                ("hari", self.hari), ("dosis", self.dosis if self.dosis > 1 else ""),
            )
            if value not in ("", None)
        }  # fmt: skip
        return f"{page}?{urlencode({**kept, **more})}" if kept or more else page


def _asked(
    tempat: Words = "",
    rumah: Words = "",
    umur: Annotated[str, Query(pattern=r"^(|\d{1,3})$")] = "",
    vaksin: Annotated[str, Query(max_length=64)] = "",
    hari: Annotated[str, Query(max_length=10)] = "",
    dosis: Annotated[int, Query(ge=0, le=9)] = 1,
) -> Asked:
    return Asked(
        tempat=tempat.strip(), rumah=rumah.strip(), umur=int(umur) if umur else None, vaksin=vaksin, hari=hari,
        dosis=dosis or 1,
    )  # fmt: skip


AskedHere = Annotated[Asked, Depends(_asked)]


@router.get("/daftar")
@enters_in_line(lambda _: True)
def find_place(
    request: Request,
    viewer: Anyone,
    db: Db,
    asked: AskedHere,
    dari: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Places such a person can book, a few a page (`dari` goes on); the nearest first where the phone told where it is."""
    homes = homes_of(db, asked.rumah)
    home = homes[0] if len(homes) == 1 else None
    near = near_of(request)
    found = seek_places(
        db, seeker_like(asked, home, viewer.now), places_asked(asked, near), limit=SHOWN, now=viewer.now, cursor=dari
    )
    return page(
        viewer,
        "citizens/find.html",
        vaccines=vaccines_with_sessions(db, viewer.now),
        asked=asked,
        near=near is not None,
        home=home,
        homes=[(one, replace(asked, rumah=one.spelled).address()) for one in homes] if len(homes) > 1 else [],
        days=days_with_places(db, earliest_day(viewer.now)),
        doses=range(1, max(_most_dose(db), asked.dosis) + 1),
        places=found.places,
        next_page=asked.address(dari=found.cursor) if found.cursor else "",
        on_the_map=asked.address("/daftar/peta"),
        first_page=asked.address() if dari else "",
        booking=booking_of(asked, home),
        willing=Asked(rumah=asked.rumah, vaksin=asked.vaksin).address("/daftar/bersedia"),
        filtered=asked.address() != "/daftar",
    )


@router.post("/daftar")
def say_where(
    *,
    shared: Shared,
    tempat: Typed = "",
    rumah: Typed = "",
    umur: Typed = "",
    vaksin: Typed = "",
    hari: Typed = "",
    dosis: Annotated[int, Form(ge=0, le=9)] = 1,
    lat: Annotated[float | None, Form(ge=-90, le=90)] = None,
    lon: Annotated[float | None, Form(ge=-180, le=180)] = None,
) -> Response:
    """Keep where the phone is, for the list to begin there; without a point it is forgotten. Then the list of what was chosen."""
    age = int(umur) if umur.isdecimal() else None
    asked = Asked(tempat=tempat.strip(), rumah=rumah.strip(), umur=age, vaksin=vaksin, hari=hari, dosis=dosis)
    answer = RedirectResponse(asked.address(), status_code=303)
    told = "" if lat is None or lon is None else written_point(coarse((lat, lon)))
    answer.set_cookie(
        NEAR_COOKIE,
        told,
        max_age=NEAR_STANDS_S if told else 0,
        path="/daftar",
        httponly=True,
        samesite="lax",
        secure=shared.settings.api.secure_cookies,
    )
    return answer


def near_of(request: Request) -> Point | None:
    """Where the phone told that it is."""
    return read_point(request.cookies.get(NEAR_COOKIE, ""))


def seeker_like(asked: Asked, home: Home | None, now: datetime) -> Seeker:
    """Somebody of whom no more is known than what was chosen."""
    born = None if asked.umur is None else years_before(earliest_day(now), min(asked.umur, 130))
    return Seeker(medium=Medium.WEB, dose=asked.dosis, residence=None if home is None else home.code, born=born)


def places_asked(asked: Asked, near: Point | None) -> PlacesAsked:
    """The sessions of what was chosen."""
    where: list[ColumnElement[bool]] = []
    if asked.tempat:
        where.append(named(asked.tempat))
    if asked.hari:
        where.append(VaccinationSession.day == _day(asked.hari))
    return PlacesAsked(where=tuple(where), vaccine=asked.vaksin or None, near=near)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min  # no day of any session


def booking_of(asked: Asked, home: Home | None) -> str:
    """What a booking form is to know already."""
    return urlencode({"dosis": asked.dosis} | ({"rumah": home.spelled} if home is not None else {}))


def days_with_places(db: Session, today: date) -> list[date]:
    """Days with sessions to come that are not full: from one to the next by index, however many sessions each has."""
    a_day = select(func.min(VaccinationSession.day)).where(
        VaccinationSession.state != SessionState.CLOSED, VaccinationSession.taken < VaccinationSession.capacity
    )
    days = select(a_day.where(VaccinationSession.day >= today).scalar_subquery().label("day")).cte(
        "days", recursive=True
    )
    later = a_day.where(VaccinationSession.day > days.c.day).correlate(days).scalar_subquery()
    days = days.union_all(select(later).where(days.c.day.is_not(None)))
    return list(db.scalars(select(days.c.day).where(days.c.day.is_not(None)).limit(MOST_DAYS)))


def _most_dose(db: Session) -> int:
    """The highest dose of any vaccine that the schedule foresees."""
    return db.scalar(select(func.max(DoseInterval.dose))) or 1
