"""`/daftar`: a citizen finds a place with vaccine that is theirs to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Response
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from dashboard.citizens.homes import Home, homes_of
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Anyone
from dashboard.quota.queries import vaccines_with_sessions
from tracker.edge.deps import Db
from tracker.edge.hop import Router, enters_in_line
from tracker.kit.days import earliest_day, years_before
from tracker.quota.models import DoseInterval, VaccinationSession
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places
from tracker.quota.rules.words import Medium, SessionState
from tracker.registration.service.finding import named

router = Router(include_in_schema=False)

# Cards on a page: what one still reads through on a phone.
SHOWN = 10
MOST_DAYS = 60

Words = Annotated[str, Query(max_length=100)]
Latitude = Annotated[float | None, Query(ge=-90, le=90)]
Longitude = Annotated[float | None, Query(ge=-180, le=180)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody chose, by the names in the address."""

    tempat: str = ""
    rumah: str = ""
    umur: int | None = None
    vaksin: str = ""
    hari: str = ""
    dosis: int = 1
    lat: float | None = None
    lon: float | None = None

    def address(self, **more: str) -> str:
        """The page of these choices."""
        kept = {
            name: str(value)
            for name, value in (
                ("tempat", self.tempat), ("rumah", self.rumah), ("umur", self.umur), ("vaksin", self.vaksin),
                ("hari", self.hari), ("dosis", self.dosis if self.dosis > 1 else ""), ("lat", self.lat), ("lon", self.lon),
            )
            if value not in ("", None)
        }  # fmt: skip
        return f"/daftar?{urlencode({**kept, **more})}" if kept or more else "/daftar"

    @property
    def near(self) -> tuple[float, float] | None:
        """Where the phone is."""
        return None if self.lat is None or self.lon is None else (self.lat, self.lon)


@router.get("/daftar")
@enters_in_line(lambda _: True)
def find_place(
    *,
    viewer: Anyone,
    db: Db,
    tempat: Words = "",
    rumah: Words = "",
    umur: Annotated[str, Query(pattern=r"^(|\d{1,3})$")] = "",
    vaksin: Annotated[str, Query(max_length=64)] = "",
    hari: Annotated[str, Query(max_length=10)] = "",
    dosis: Annotated[int, Query(ge=0, le=9)] = 1,
    lat: Latitude = None,
    lon: Longitude = None,
    dari: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Places such a person can book, a few a page (`dari` goes on); the nearest first where the phone told where it is."""
    asked = Asked(
        tempat=tempat.strip(), rumah=rumah.strip(), umur=int(umur) if umur else None, vaksin=vaksin, hari=hari,
        dosis=dosis or 1, lat=lat, lon=lon,
    )  # fmt: skip
    homes = homes_of(db, asked.rumah)
    home = homes[0] if len(homes) == 1 else None
    seeker = Seeker(
        medium=Medium.WEB,
        dose=asked.dosis,
        residence=None if home is None else home.code,
        born=None if asked.umur is None else years_before(earliest_day(viewer.now), min(asked.umur, 130)),
    )
    where = PlacesAsked(where=tuple(_where(asked)), vaccine=asked.vaksin or None, near=asked.near)
    found = seek_places(db, seeker, where, limit=SHOWN, now=viewer.now, cursor=dari)
    return page(
        viewer,
        "citizens/find.html",
        vaccines=vaccines_with_sessions(db, viewer.now),
        asked=asked,
        home=home,
        homes=[(one, replace(asked, rumah=one.spelled).address()) for one in homes] if len(homes) > 1 else [],
        days=days_with_places(db, earliest_day(viewer.now)),
        doses=range(1, max(_most_dose(db), asked.dosis) + 1),
        places=found.places,
        next_page=asked.address(dari=found.cursor) if found.cursor else "",
        first_page=asked.address() if dari else "",
        booking=_booking(asked, home),
        filtered=asked.address() != "/daftar",
    )


def _where(asked: Asked) -> list[ColumnElement[bool]]:
    where = []
    if asked.tempat:
        where.append(named(asked.tempat))
    if asked.hari:
        where.append(VaccinationSession.day == _day(asked.hari))
    return where


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min  # no day of any session


def _booking(asked: Asked, home: Home | None) -> str:
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
