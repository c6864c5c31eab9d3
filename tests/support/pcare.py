"""A house with a P-Care beside it: doses given, the worker's steps one by one, and the fake over a real socket."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
from pydantic import SecretStr
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from simulators.outside.doses import DoseRegister
from simulators.outside.pcare import FakePCare
from tests.support.quota import VAULT, Desk
from tests.support.server import served
from tests.support.world import NOW, World
from tracker.database.engine import make_engine, transaction
from tracker.feed.numbering import number_pending
from tracker.kit.ids import uuid7
from tracker.pcare.client import PcareClient
from tracker.pcare.models import PcareRecord
from tracker.pcare.rules.words import State
from tracker.pcare.service.sending import send_due
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.reactions import BY_NAME, runners
from tracker.settings import PcareSettings

KEYS = {"cons_id": "1234", "secret": "pwd", "user_key": "uk", "username": "u", "password": "p"}


@dataclass(slots=True)
class Clock:
    """The house's time and P-Care's, moved by the test."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def a_pcare(clock: Clock) -> Iterator[tuple[FakePCare, str]]:
    """One that listens; yields it with its address."""
    fake = FakePCare(**KEYS, clock=clock)  # type: ignore[arg-type]  # the clock is the only one that is no text
    with served(fake.app()) as url:
        yield fake, f"{url}/pcare-rest"


def pcare_settings(url: str, **more: object) -> PcareSettings:
    secret = {
        name: SecretStr(value) if name in ("secret", "user_key", "password") else value for name, value in KEYS.items()
    }
    return PcareSettings(url=url, **{**secret, "parallel": 1, "answer_seconds": 1.0, **more})


@dataclass(slots=True)
class PcareHouse:
    """The worker's steps, by hand."""

    engine: Engine
    world: World
    fake: FakePCare
    client: PcareClient
    clock: Clock
    parallel: int = 1
    stocked: bool = field(default=False)

    @property
    def register(self) -> DoseRegister:
        return self.fake.doses

    def later(self, **more: float) -> None:
        self.clock.now += timedelta(**more)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        with transaction(self.engine) as db:
            yield Desk(db, self.world, self.clock.now)

    def given(self, person: UUID | None = None, **more: object) -> UUID:
        """A dose given now to somebody; answers the booking."""
        with self.desk() as desk:
            if not self.stocked:
                desk.stock("az-10/AZ001", 5)
                self.stocked = True
            someone = person or desk.person(**more)
            booking = desk.confirmed(desk.session(ahead=0), someone)
            for state in (BookingState.ARRIVED, BookingState.FIT):
                booking = desk.move(booking, state)
            return desk.vaccinate(booking).id

    def heard(self) -> None:
        """The feed is numbered and its reactions of this room run."""
        number_pending(self.engine)
        for runner in runners(self.engine, self.clock):
            if runner.reaction.name.startswith("pcare"):
                while runner.run_once():
                    pass

    def send(self) -> int:
        return send_due(self.engine, self.client, VAULT, clock=self.clock, parallel=self.parallel)

    def send_all(self) -> int:
        """Rounds until none brings anything further."""
        done = 0
        while more := self.send():
            done += more
        return done

    def records(self, booking: UUID) -> list[PcareRecord]:
        with transaction(self.engine) as db:
            found = db.scalars(
                select(PcareRecord).where(PcareRecord.booking_id == booking).order_by(PcareRecord.version)
            ).all()
            db.expunge_all()
            return list(found)

    def states(self, booking: UUID) -> list[State]:
        return [record.state for record in self.records(booking)]


def more_doses(db: Session, booking_id: UUID, how_many: int, desk: Desk) -> list[UUID]:
    """So many more persons with a dose like this one, as if the desk had been busy; nobody has told the feed."""
    one = db.get_one(Booking, booking_id)
    values = {column.key: getattr(one, column.key) for column in Booking.__table__.columns}
    rows = [{**values, "id": uuid7(), "person_id": desk.person(), "number": None} for _ in range(how_many)]
    db.execute(insert(Booking), rows)
    return [row["id"] for row in rows]


assert {"pcare_dose", "pcare_person"} <= BY_NAME.keys()


def main() -> None:
    """A worker that does nothing but tell P-Care, to be killed: database, address, and the instant its clock begins at."""
    database, url, begins = sys.argv[1:]
    ahead = datetime.fromisoformat(begins) - datetime.now(UTC)

    def clock() -> datetime:
        return datetime.now(UTC) + ahead

    engine = make_engine(database, name="rantai-test-pcare")
    with httpx2.Client(timeout=5.0) as http:
        client = PcareClient(pcare_settings(url, answer_seconds=5.0), http, clock)
        while True:
            if not send_due(engine, client, VAULT, clock=clock, parallel=4):
                time.sleep(0.05)


if __name__ == "__main__":
    main()
