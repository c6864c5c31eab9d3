"""Telling P-Care of 10,000 doses after an outage, beside a bare loop that posts as many signed requests to the same P-Care.

The other side is the simulators' P-Care in a process of its own. The bare loop signs, posts and opens the answers as ours does, with
as many connections at once, and keeps nothing. Ours claims, opens each NIK, sends, and writes down what became of it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime

import httpx2
import uvicorn
from pydantic import SecretStr
from sqlalchemy import Engine, func, insert, select

from benchmarks.bench_load import hot_session
from benchmarks.common import Row, migrated_engine, print_table, private_services
from benchmarks.product import add_product
from rantai.local.ports import free_port
from simulators.outside.pcare import FakePCare
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.pcare.client import Letter, PcareClient
from tracker.pcare.models import PcareRecord
from tracker.pcare.rules.words import State
from tracker.pcare.service.noting import look_for_doses
from tracker.pcare.service.sending import send_due
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.words import BookingState, Medium
from tracker.settings import PcareSettings

DOSES, PARALLEL = 10_000, 8
_KEYS = {"cons_id": "1234", "secret": "pwd", "user_key": "uk", "username": "u", "password": "p"}
_VAULT = NikVault.from_secret("a secret for benchmarks only, at least 32 characters")


def measure(*, quick: bool) -> list[Row]:
    """A tenth of the doses when quick."""
    doses = DOSES // 10 if quick else DOSES
    with private_services() as services, migrated_engine(services) as engine, _a_pcare() as url:
        _given(engine, doses)
        clock = utc_now
        settings = PcareSettings(url=url, cons_id="1234", username="u", parallel=PARALLEL, **_secrets())
        limits = httpx2.Limits(max_connections=PARALLEL, max_keepalive_connections=PARALLEL)
        with httpx2.Client(limits=limits) as http:
            client = PcareClient(settings, http, clock)
            bare = _bare(client, doses)
            began = time.perf_counter()
            while send_due(engine, client, _VAULT, clock=clock, parallel=PARALLEL):
                pass
            ours = time.perf_counter() - began
        with transaction(engine) as db:
            told = db.scalar(select(func.count()).where(PcareRecord.state == State.ACCEPTED))
        if told != doses:
            raise RuntimeError(f"{told} of {doses} doses were told")
    return [
        Row(
            name=f"P-Care, {doses} doses after an outage",
            ours=f"{doses / ours:.0f} doses/s",
            bare=f"{doses / bare:.0f} requests/s of a bare loop",
            figure=bare / ours,
            bound=0.5,
            unit="×",
        )
    ]


def _secrets() -> dict[str, SecretStr]:
    return {"secret": SecretStr("pwd"), "user_key": SecretStr("uk"), "password": SecretStr("p")}


def _serve(port: int) -> None:
    """The other side; its own process, for it must not wait for ours."""
    fake = FakePCare(**_KEYS, clock=lambda: datetime.now(UTC))  # type: ignore[arg-type]  # the clock is the only one that is no text
    uvicorn.run(fake.app(), host="127.0.0.1", port=port, log_config=None, access_log=False)


@contextmanager
def _a_pcare() -> Iterator[str]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        url = f"http://127.0.0.1:{port}/pcare-rest"
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                httpx2.get(url)
                break
            except httpx2.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.join(10)


def _given(engine: Engine, doses: int) -> None:
    """So many persons with a dose each, noted and waiting."""
    now = utc_now()
    with transaction(engine) as db:
        ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        batch = add_product(db, now=now)
        session = db.get_one(VaccinationSession, hot_session(db, batch, 100, now=now))
        bucket = db.scalars(select(Bucket.id).where(Bucket.session_id == session.id)).first()
        rows = []
        for number in range(doses):
            nik = f"3671{number // 9999 + 1:02d}010190{number % 9999 + 1:04d}"
            who = NewPerson(id=uuid7(), nik=nik, name="Warga Rekaan", unit_id=session.facility_id)
            person = register_person(db, SYSTEM, who, vault=_VAULT, now=now).person
            rows.append(
                {
                    "id": uuid7(),
                    "session_id": session.id,
                    "bucket_id": bucket,
                    "person_id": person.id,
                    "vaccine_id": session.vaccine_id,
                    "dose": 1,
                    "medium": Medium.APP,
                    "state": BookingState.VACCINATED,
                    "made_at": now,
                    "changed_at": now,
                    "vaccinated_at": now,
                    "batch_id": batch,
                }
            )
        db.execute(insert(Booking), rows)
    while True:
        with transaction(engine) as db:
            if not look_for_doses(db, now=now):
                return


def _bare(client: PcareClient, doses: int) -> float:
    """Seconds for as many doses told in a loop that keeps nothing."""

    def tell(number: int) -> None:
        client.add(
            Letter(
                reference=f"bare-{number}",
                nik=f"{3671010101900000 + number}",
                name="Warga Rekaan",
                born=date(1990, 1, 1),
                sex="P",
                facility="pkm",
                vaccine="vaksin",
                batch="L1",
                dose=1,
                day=date(2026, 1, 2),
                time="10:00",
            )
        )

    began = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as hands:
        list(hands.map(tell, range(doses)))
    return time.perf_counter() - began


if __name__ == "__main__":
    print_table(measure(quick=True))
