"""Everything in order; running it again changes nothing but what the passing days need."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from rantai.world.calendar import calendar_of
from rantai.world.history import LENGTH, seed_history
from rantai.world.manifest import Manifest
from rantai.world.past import measure_before, tell_past
from rantai.world.people import seed_people
from rantai.world.places import facility_rows, seed_places
from rantai.world.promises import seed_promises
from rantai.world.sensors import seed_sensors
from rantai.world.shipments import seed_shipments
from rantai.world.stocking import seed_stock
from rantai.world.vaccines import PRODUCTS, seed_vaccines
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now


def seed_world(
    engine: Engine,
    manifest_path: Path,
    *,
    secret_key: str | None = None,
    now: datetime | None = None,
    readings: timedelta = LENGTH,
    tell: Callable[[str], None] = lambda _line: None,
) -> list[tuple[str, str, str]]:
    """Make what is missing of the world and write the manifest for the simulators.

    `secret_key` is the installation's: without it nobody is registered and nothing promised, because identity
    numbers are kept under that key. `readings`: how far back sensors have measured. Idempotent, also where an earlier start
    was interrupted: what the database ended (a restart, a silence too long on a busy machine) is begun again.
    Answers (user name, password, who it is) of the accounts worth showing.
    """
    at = now or utc_now()
    return repeated(
        lambda: _seed_once(engine, manifest_path, secret_key=secret_key, at=at, readings=readings, tell=tell), tell
    )


_T = TypeVar("_T")


def repeated(
    work: Callable[[], _T], tell: Callable[[str], None], *, pauses_s: Sequence[float] = (2.0, 5.0, 15.0)
) -> _T:
    """Do it again, after each of these pauses, when the database has ended it or was away."""
    for pause_s in pauses_s:
        try:
            return work()
        except DBAPIError as error:
            if not (error.connection_invalidated or isinstance(error, OperationalError)):
                raise
            tell(
                f"The database ended the work ({str(error.orig).splitlines()[0]}); what is missing is made in {pause_s:.0f} s."
            )
            time.sleep(pause_s)
    return work()


def _seed_once(
    engine: Engine,
    manifest_path: Path,
    *,
    secret_key: str | None,
    at: datetime,
    readings: timedelta,
    tell: Callable[[str], None],
) -> list[tuple[str, str, str]]:
    manifest = Manifest(manifest_path)
    with transaction(engine) as db:
        calendar = calendar_of(db, at)
        began_at = calendar.began_at
        seed_places(db, now=began_at)
        batches = seed_vaccines(db, today=calendar.today, now=began_at)
    with transaction(engine) as db:
        shown = seed_people(db, manifest, now=began_at)
        seed_sensors(db, manifest, now=at)
    # Passwords are told once: the file must hold them before anything else can fail.
    _describe(manifest)
    manifest.write()
    began = time.monotonic()
    measure_before(engine, now=at)
    if stored := seed_history(engine, now=at, length=readings):
        tell(f"Months of readings: {stored:,} in {time.monotonic() - began:.0f} s")
    with transaction(engine) as db:
        seed_stock(db, batches, now=began_at)
    began = time.monotonic()
    if days := tell_past(engine, secret_key, now=at, tell=tell):
        tell(f"What people did in the {days} days before: in {time.monotonic() - began:.0f} s")
    with transaction(engine) as db:
        seed_shipments(db, now=at)
    if secret_key is not None:
        with transaction(engine) as db:
            seed_promises(db, secret_key, now=at)
    return shown


def _describe(manifest: Manifest) -> None:
    manifest.facilities = [
        {"code": row["code"], "name": row["name"], "kind": row["kind"], "residence": row["code_kemendagri"]}
        for row in facility_rows()
        if row["kind"] == "puskesmas"
    ]
    manifest.presentations = [
        {"code": product.code, "name": product.name, "doses_per_vial": product.doses} for product in PRODUCTS
    ]
