"""The days of the world's past, told from the city's clock, and what people do in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.names import CITY_STORE, STORY, event_id
from tracker.access.models import LoginAccount
from tracker.access.principal import Principal
from tracker.access.queries import principal_of
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Facility
from tracker.stock.models import StockEvent

DAYS = 16
"""So many days before the world was made the stock came, and people began to work with it."""

FIRST_EVENT = event_id("opening balance of biofarma")
_OPENS = time(7, 0)
_ZONE = ZoneInfo(WESTERN)
_SUNDAY = 6


# Who works where an account is played; elsewhere the city's logistician writes it down.
VACCINATORS = {STORY: "vaksinator", "pkm-ketapang": "vaksinator-ketapang", "pkm-gondrong": "vaksinator-gondrong"}
MANAGERS = {STORY: "cipondoh", "pkm-ketapang": "ketapang", "pkm-gondrong": "gondrong", CITY_STORE: "gudang"}
_OVERSEER = "kota"


def local(accounts: Mapping[str, str], facility: str) -> str:
    """The user name of who does that there."""
    return accounts.get(facility, _OVERSEER)


class Staff:
    """Who acts and where: accounts of the world by user name and facilities by code, looked up once."""

    def __init__(self, db: Session) -> None:
        self._ids = {row.username: row.id for row in db.execute(select(LoginAccount.username, LoginAccount.id))}
        self._known: dict[str, Principal] = {}
        self.facilities = {row.code: row.id for row in db.execute(select(Facility.code, Facility.id))}

    def __call__(self, db: Session, username: str) -> Principal:
        """The principal of an account that exists and is active."""
        if username not in self._known:
            found = principal_of(db, self._ids[username])
            if found is None:
                raise LookupError(f"{username} may not act")
            self._known[username] = found
        return self._known[username]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did at that instant; `do` is given the session, the staff, and that instant as the present."""

    at: datetime
    do: Callable[[Session, Staff, datetime], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The past as seen from `today`, the day on which the world was first made."""

    today: date

    @property
    def began_at(self) -> datetime:
        """When the stock came."""
        return self.at(DAYS, _OPENS)

    def day(self, back: int) -> date:
        """The day so many days back."""
        return self.today - timedelta(days=back)

    def at(self, back: int, clock: time) -> datetime:
        """The instant at which the city's clocks showed `clock` so many days back."""
        return datetime.combine(self.day(back), clock, tzinfo=_ZONE)

    def is_working_day(self, back: int) -> bool:
        """Whether puskesmas vaccinate on that day."""
        return self.day(back).weekday() != _SUNDAY


def calendar_of(db: Session, now: datetime) -> Calendar:
    """The calendar of the world that is there; where there is none yet, of the one that is made now."""
    began = db.scalar(select(StockEvent.occurred_at).where(StockEvent.id == FIRST_EVENT))
    if began is None:
        return Calendar(today=local_day(now, WESTERN))
    return Calendar(today=local_day(began, WESTERN) + timedelta(days=DAYS))
