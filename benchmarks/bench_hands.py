"""The store's hands on a server: a receipt of two hundred lines, and the stock card of three years, in a house with a history.

Both over HTTP in one process (the framework, the rules and the database; no network), in a part of a nation, so that others' events
lie beside. Run alone: `python -m benchmarks hands`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from benchmarks.common import Row, migrated_engine, percentile, private_services
from benchmarks.nation.generate import make_nation
from benchmarks.nation.sizes import Nation
from benchmarks.product import PRODUCT, add_product
from dashboard.app import mount_pages
from tracker.access.keys import NewKey, make_key
from tracker.access.models import LoginAccount
from tracker.access.principal import SYSTEM
from tracker.access.service import open_login
from tracker.api.app import create_app
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import make_engine, transaction
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.settings import load_settings
from tracker.shipments.service.commands import Box, CreateShipment, Pack, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

SECRET = "a secret for benchmarks only, at least 32 characters"
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
STORE, CLINIC, HEAD = "kota-0000", "pkm-00018", "kepala"
LINES, RECEIPTS = 200, 20
DAYS, LOOKS = 3 * 365, 40


def measure(*, quick: bool) -> list[Row]:
    """A twentieth of a nation, or a hundredth with a tenth of the work."""
    less = 10 if quick else 1
    with private_services() as services, migrated_engine(services) as engine:
        make_nation(engine, Nation.shrunk(NOW, 100 if quick else 20), aloud=True)
        shipped = make_engine(services.database_url, name="rantai-bench")
        try:
            clients = _Clients(shipped, services.database_url)
            return [_receipts(shipped, clients, RECEIPTS // less), *_card(shipped, clients, DAYS // less)]
        finally:
            shipped.dispose()


class _Clients:
    """The head of the clinic, by key and by log-in."""

    def __init__(self, engine: Engine, url: str) -> None:
        services = Services(
            engine=engine,
            settings=load_settings(database_url=url, secret_key=SECRET),
            clock=lambda: NOW + timedelta(minutes=1),
        )
        app = create_app(services)
        mount_pages(app, services)
        with transaction(engine) as db:
            add_product(db, now=NOW, nie="DKL0000000000H1")
            key = make_key(db, SYSTEM, NewKey(account=HEAD, label="bench"), now=NOW).secret or ""
            account = db.scalars(select(LoginAccount).where(LoginAccount.username == HEAD)).one()
            cookie = open_login(db, account, now=NOW, hours=12).cookie
        self.api = TestClient(app, headers={"Authorization": f"Bearer {key}"})
        self.pages = TestClient(app, headers={"Cookie": f"{LOGIN_COOKIE}={cookie}", "Accept": "text/html"})


def _receipts(engine: Engine, clients: _Clients, receipts: int) -> Row:
    with transaction(engine) as db:
        lots = [_lot(db, number) for number in range(LINES)]
        facility, place = _place(db, STORE)
        lines = tuple(Line(batch_id=lot, place_id=place.id, vials=receipts) for lot in lots)
        supply = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=facility.id, occurred_at=NOW, lines=lines)
        post_event(db, SYSTEM, supply, now=NOW)
        there = _place(db, CLINIC)[1].code
    waits = []
    for _ in range(receipts):
        shipment = _sent(engine, lots, place.code)
        body = {
            "id": str(uuid7()),
            "occurred_at": NOW.isoformat(),
            "lines": [{"batch": str(lot), "place": there, "accepted": 1} for lot in lots],
            "final": True,
        }
        began = time.perf_counter()
        answer = clients.api.post(f"/api/v1/shipments/{shipment}/receipts", json=body)
        waits.append(time.perf_counter() - began)
        if answer.status_code != 201:
            raise RuntimeError(answer.text)
    return _row(f"a receipt of {LINES} lines, over HTTP", waits, bound=1.0)


def _lot(db: Session, number: int) -> UUID:
    expiry = (NOW + timedelta(days=200)).date()
    lot = NewBatch(presentation=PRODUCT, lot=f"H{number:03d}", expiry=expiry)
    return add_batch(db, SYSTEM, lot, now=NOW).id


def _place(db: Session, code: str) -> tuple[Facility, Equipment]:
    facility = db.scalars(select(Facility).where(Facility.code == code)).one()
    places = select(Equipment).where(Equipment.facility_id == facility.id).order_by(Equipment.code)
    return facility, db.scalars(places.limit(1)).one()


def _sent(engine: Engine, lots: Sequence[UUID], place: str) -> UUID:
    """A box with a vial of each lot, on its way from the store to the clinic."""
    order = CreateShipment(
        id=uuid7(), from_facility=STORE, to_facility=CLINIC, lines=(Wanted(product=PRODUCT, vials=len(lots)),)
    )
    box = Box(lines=tuple(Pack(vials=1, place=place, batch=str(lot)) for lot in lots))
    with transaction(engine) as db:
        shipment = create_shipment(db, SYSTEM, order, now=NOW).shipment
        pack_shipment(db, SYSTEM, shipment.id, (box,), now=NOW)
        dispatch_shipment(db, SYSTEM, shipment.id, occurred_at=NOW, now=NOW)
        return shipment.id


def _card(engine: Engine, clients: _Clients, days: int) -> list[Row]:
    movements = 0
    with transaction(engine) as db:
        facility, place = _place(db, CLINIC)
        lot = add_batch(
            db, SYSTEM, NewBatch(presentation=PRODUCT, lot="CARD", expiry=(NOW + timedelta(days=200)).date()), now=NOW
        ).id
    for day in range(days, 0, -1):
        with transaction(engine) as db:
            for hour, (kind, vials) in enumerate([(Kind.SUPPLY, 3), (Kind.WASTE, 1), (Kind.WASTE, 1), (Kind.WASTE, 1)]):
                reason = "broken" if kind is Kind.WASTE else None
                event = PostEvent(
                    id=uuid7(),
                    kind=kind,
                    facility_id=facility.id,
                    occurred_at=NOW - timedelta(days=day) + timedelta(hours=hour),
                    lines=(Line(batch_id=lot, place_id=place.id, vials=vials, reason=reason),),
                )
                post_event(db, SYSTEM, event, now=NOW)
                movements += 1
    middle = (NOW - timedelta(days=days // 2)).isoformat()
    asked = f"facility={CLINIC}&product={PRODUCT}"
    name = f"stock card of {movements} movements"
    return [
        _row(f"{name}: newest, over HTTP", _looks(clients.api, f"/api/v1/stock/events?{asked}"), bound=0.1),
        _row(
            f"{name}: before its middle, over HTTP",
            _looks(clients.api, "/api/v1/stock/events", {"facility": CLINIC, "product": PRODUCT, "to": middle}),
            bound=0.1,
        ),
        _row(f"{name}: its page", _looks(clients.pages, f"/stok/{CLINIC}?produk={PRODUCT}"), bound=0.1),
    ]


def _looks(client: TestClient, address: str, params: dict[str, str] | None = None) -> list[float]:
    waits = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        answer = client.get(address, params=params)
        waits.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
    return waits


def _row(name: str, waits: Sequence[float], *, bound: float) -> Row:
    p95 = percentile(waits, 0.95)
    return Row(
        name=name,
        ours=f"p95 of {len(waits)}",
        bare=f"median {percentile(waits, 0.5) * 1000:.0f} ms",
        figure=p95,
        bound=bound,
        unit="s",
        at_least=False,
    )
