"""Lists of pages go on by key: page after page shows each row once, also when rows come meanwhile; nothing is cut silently."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.browser.page_world import PageWorld
from tests.support.copies import more_of
from tests.support.counting import counted
from tests.support.page_site import app_services, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.adverse.models import AdverseChange, AdverseEvent
from tracker.adverse.rules.words import Outcome
from tracker.catalog.models import Batch, Presentation
from tracker.coldchain.models import Alarm, Episode
from tracker.database.base import Base
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.quota.models import Booking, BookingStep, SessionChange, VaccinationSession
from tracker.shipments.models import Shipment
from tracker.stock.models import OpenVial, OpenVialChange, StockStanding
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.opening import open_vials as open_vials_of
from tracker.telemetry.models import Device
from tracker.trace.models import Recall
from tracker.trace.recalls import StartRecall, start_recall

__all__ = ["app_services", "made", "site", "world"]

Make = Callable[[Session, int], None]


def alarms(db: Session, many: int) -> None:
    often = {"id": "gen_random_uuid()", "raised_at": "raised_at - (n / 3) * interval '1 minute'"}
    words = {"acknowledged_at": "raised_at", "acknowledged_name": "'Rina'", "comment": "'pindah'"}
    answered = {name: f"CASE WHEN n % 2 = 0 THEN {value} END" for name, value in words.items()}
    more_of(db, Alarm, many, "rule = 'HEAT'", **often, **answered)


def shipments(db: Session, many: int) -> None:
    code = "'SJ-X' || lpad(n::text, 4, '0') || '-' || substr(md5(random()::text), 1, 4)"
    late = "CASE WHEN n % 2 = 0 THEN created_at ELSE now() + interval '9 years' END"
    at = {"created_at": "created_at - (n / 3) * interval '1 minute'", "expected_at": late}
    more_of(db, Shipment, many, "true", id="gen_random_uuid()", code=code, **at)


def open_vials(db: Session, many: int) -> None:
    facility = db.scalars(select(Facility).where(Facility.code == "pkm-cipondoh")).one()
    fridge = db.scalars(select(Equipment.id).where(Equipment.code == "pkm-cipondoh-k2")).one()
    batch = db.scalars(select(Batch.id).where(Batch.lot == "AZ101")).one()
    now = utc_now()
    line = Line(batch_id=batch, vials=1, place_id=fridge)
    event = PostEvent(id=uuid7(), kind=Kind.OPENING, facility_id=facility.id, occurred_at=now, lines=(line,))
    open_vials_of(db, SYSTEM, event, now=now)
    db.flush()
    at = {
        "opened_at": "opened_at - (n / 3) * interval '1 minute'",
        "discard_by": "discard_by - (n / 3) * interval '1 minute'",
    }
    more_of(db, OpenVial, many, f"event_id = '{event.id}'", id="gen_random_uuid()", **at)


def displaced(db: Session, many: int) -> None:
    at = {"made_at": "made_at - (n / 3) * interval '1 minute'", "state": "'displaced'"}
    more_of(db, Booking, many, "vaccinated_at IS NULL AND replaces_id IS NULL", id="gen_random_uuid()", **at)
    db.execute(
        text(
            "INSERT INTO displacement (booking_id, displaced_at, state, changed_at)"
            " SELECT id, made_at, 'none_found', made_at FROM booking AS b WHERE state = 'displaced'"
            " AND NOT EXISTS (SELECT FROM displacement AS d WHERE d.booking_id = b.id)"
        )
    )


def parcels(db: Session, many: int) -> None:
    """Lots of one product in a fridge, with what lies there of each."""
    lot = "'BARU' || substr(md5(random()::text), 1, 10)"
    more_of(db, Batch, many, "lot = 'AZ101'", id="gen_random_uuid()", lot=lot)
    db.execute(
        text(
            "INSERT INTO stock_balance (account, holder_id, facility_id, place_id, batch_id, status, vials, touched_at, touched_event_id)"
            " SELECT 'place', e.id, e.facility_id, e.id, b.id, 'usable', 3, now(), (SELECT id FROM stock_event LIMIT 1) FROM equipment AS e, batch AS b"
            " WHERE e.code = 'pkm-cipondoh-k2' AND b.lot LIKE 'BARU%'"
            " AND NOT EXISTS (SELECT FROM stock_balance AS s WHERE s.batch_id = b.id)"
        )
    )


def products(db: Session, many: int) -> None:
    code = "'p-' || substr(md5(random()::text), 1, 12)"
    more_of(
        db,
        Presentation,
        many,
        "true",
        id="gen_random_uuid()",
        code=code,
        name="'Vaksin ' || (n / 3)",
        gtin="NULL",
        nie="'NIE' || substr(md5(random()::text), 1, 12)",
        box_gtin="NULL",
    )


def devices(db: Session, many: int) -> None:
    retired = "CASE WHEN n % 4 = 0 THEN now() END"
    code, name = "'S-lagi-' || substr(md5(random()::text), 1, 8)", "'lagi-' || md5(random()::text)"
    more_of(db, Device, many, "true", id="gen_random_uuid()", code=code, serial=name, username=name, retired_at=retired)


def recalls(db: Session, many: int) -> None:
    first = StartRecall(id=uuid7(), batch="mr-10/MR101", reason="partikel asing", recall_class=1)
    if db.query(Recall).count() == 0:
        start_recall(db, SYSTEM, first, now=utc_now())
    at = {"started_at": "started_at - (n / 3) * interval '1 minute'", "closed_at": "started_at + interval '1 day'"}
    more_of(db, Recall, many, "closed_at IS NULL", id="gen_random_uuid()", close_reason="'selesai'", **at)


def breaches(db: Session, many: int) -> None:
    often = {"id": "gen_random_uuid()", "started_at": "started_at - (n / 3) * interval '1 minute'"}
    more_of(db, Episode, many, BREACH, **often, alarm_id="NULL")


def facilities(db: Session, many: int) -> None:
    """Puskesmas that keep stock, each with vials of one batch."""
    now = utc_now()
    for n in range(many):
        code = f"pkm-z{uuid7().hex}"
        place = NewFacility(code=code, name=f"Zpuskesmas {n // 3}", kind=UnitKind.PUSKESMAS, parent="kota-tangerang")
        add_facility(db, SYSTEM, place, now=now)
        fridge = NewEquipment(code=f"{code}-k1", name="Kulkas", facility=code, kind=EquipmentKind.FRIDGE)
        add_equipment(db, SYSTEM, fridge, now=now)
    db.flush()
    table = StockStanding.__table__
    columns = [one.name for one in table.columns]
    of_one = ", ".join("f.id" if name == "facility_id" else f"s.{name}" for name in columns)
    db.execute(
        text(
            f"INSERT INTO stock_standing ({', '.join(columns)}) SELECT {of_one} FROM facility AS f,"
            " (SELECT * FROM stock_standing LIMIT 1) AS s WHERE f.code LIKE 'pkm-z%'"
            " AND NOT EXISTS (SELECT FROM stock_standing AS o WHERE o.facility_id = f.id)"
        )
    )
    db.execute(
        text(
            "INSERT INTO stock_balance (account, holder_id, facility_id, place_id, batch_id, status, vials, touched_at, touched_event_id)"
            " SELECT 'place', e.id, e.facility_id, e.id, b.id, 'usable', 3, now(), (SELECT id FROM stock_event LIMIT 1) FROM equipment AS e, batch AS b"
            " WHERE e.code LIKE 'pkm-z%' AND b.lot = 'PB002'"
            " AND NOT EXISTS (SELECT FROM stock_balance AS s WHERE s.holder_id = e.id)"
        )
    )


def sessions(db: Session, many: int) -> None:
    """Sessions of one day, so many that a page reads some of them at a time."""
    empty = {"taken": "0", "live": "0", "vaccinated": "0"}
    first = "day = (SELECT min(day) FROM vaccination_session WHERE state <> 'closed')"
    more_of(db, VaccinationSession, many, first, id="gen_random_uuid()", **empty)


def places(db: Session, many: int) -> None:
    code = "'L-' || substr(md5(random()::text), 1, 12)"
    more_of(db, Equipment, many, "code = 'pkm-cipondoh-k2'", id="gen_random_uuid()", code=code)


def session_changes(db: Session, many: int) -> None:
    what = {"what": "'changed'", "before": "'{}'", "reason": NOTE, "recorded_by": "'Rina'"}
    _history(db, SessionChange, many, "vaccination_session", "session_id", what)


def booking_steps(db: Session, many: int) -> None:
    what = {"from_state": "'arrived'", "to_state": "'fit'", "before": "NULL", "reason": NOTE, "recorded_by": "'Rina'"}
    _history(db, BookingStep, many, "booking", "booking_id", what)


def vial_changes(db: Session, many: int) -> None:
    if not db.scalar(select(OpenVial.id).limit(1)):
        open_vials(db, 1)
    doses = {"doses_per_vial": "10", "given": "1", "discarded": "0", "remaining": "9", "discard_reason": "NULL"}
    _history(db, OpenVialChange, many, "open_vial", "open_vial_id", {**doses, "reason": NOTE, "recorded_by": "'Rina'"})


def adverse_changes(db: Session, many: int) -> None:
    if not db.scalar(select(AdverseEvent.id).limit(1)):
        booking = db.scalars(select(Booking.id).order_by(Booking.id).limit(1)).one()
        told = {"words": "demam", "serious": False, "recorded_by": "Rina", "content": b""}
        at = {"onset_at": utc_now(), "recorded_at": utc_now()}
        db.add(AdverseEvent(id=uuid7(), booking_id=booking, outcome=Outcome.RECOVERED, **told, **at))
        db.flush()
    before = """'{"symptoms": [], "words": "", "serious": false, "outcome": "recovered", "withdrawn": false}'"""
    said = {"before": before, "reason": NOTE, "recorded_by": "'Rina'"}
    _history(db, AdverseChange, many, "adverse_event", "event_id", said)


def _history(db: Session, model: type[Base], many: int, of: str, key: str, values: dict[str, str]) -> None:
    """What was told of one thing, three at an instant."""
    all_of = {"id": "gen_random_uuid()", "recorded_at": "now() - (n / 3) * interval '1 minute'", **values}
    db.execute(
        text(
            f"INSERT INTO {model.__tablename__} ({key}, {', '.join(all_of)}) SELECT one.id, {', '.join(all_of.values())}"
            f" FROM (SELECT id FROM {of} ORDER BY id LIMIT 1) AS one, generate_series(1, {many}) AS n"
        )
    )


def letters(db: Session, many: int) -> None:
    db.execute(
        text(
            "INSERT INTO dead_letter (id, digest, topic, device_id, reason, detail, payload, size, first_received_at, last_received_at)"
            f" SELECT gen_random_uuid(), decode(md5(random()::text), 'hex'), 'rantai/x', d.id, 'json', {NOTE}, '', 0, now(),"
            " now() - (n / 3) * interval '1 minute'"
            f" FROM (SELECT id FROM device WHERE {FRIDGES}) AS d, generate_series(1, {many}) AS n"
        )
    )


def watches(db: Session, many: int) -> None:
    """Where a channel was before: somewhere else each day."""
    places(db, many)
    db.execute(
        text(
            "INSERT INTO assignment (id, channel_id, equipment_id, from_at, to_at)"
            " SELECT gen_random_uuid(), c.id, e.id, timestamptz '2001-01-01Z' - e.n * interval '2 days',"
            " timestamptz '2001-01-01Z' - e.n * interval '2 days' + interval '1 day'"
            f" FROM (SELECT c.id FROM channel c JOIN device d ON d.id = c.device_id WHERE {FRIDGES} LIMIT 1) AS c,"
            " (SELECT id, row_number() OVER (ORDER BY id) + (SELECT count(*) FROM assignment) AS n FROM equipment"
            " WHERE code LIKE 'L-%' AND NOT EXISTS (SELECT FROM assignment a WHERE a.equipment_id = equipment.id)) AS e"
        )
    )
    db.execute(text("UPDATE equipment SET name = code WHERE code LIKE 'L-%'"))


def told_alarms(db: Session, many: int) -> None:
    """What a device called an alarm, each by a code of its own."""
    db.execute(
        text(
            "INSERT INTO told_alarm (device_id, code, claimed_at, at, received_at)"
            " SELECT d.id, 'ZZ' || upper(substr(md5(random()::text), 1, 12)), at, at, at"
            f" FROM (SELECT id FROM device WHERE {FRIDGES}) AS d, generate_series(1, {many}) AS n,"
            " LATERAL (SELECT now() - interval '1 hour' - (n / 3) * interval '1 minute' AS at) AS t"
        )
    )


NOTE, NOTED = "'catatan-' || md5(random()::text)", r"(catatan-[0-9a-f]{32})"
FRIDGES = "code = 'S-pkm-cipondoh-k1'"


@dataclass(frozen=True, slots=True)
class List:
    """A list: where (of the thing that `of` names), how its rows are told apart, which must be on it, and how more of them come."""

    address: str
    row: str
    there: str
    make: Make
    many: int = 60
    most: int = 30
    of: str = "SELECT ''"
    field: str = ""

    @property
    def next(self) -> str:
        """Its own way on, where the page has other lists (`field`)."""
        return rf'rel="next"\s+href="([^"]*[?&;]{self.field}=[^"]+)"' if self.field else r'rel="next"\s+href="([^"]+)"'


BREACH = (
    "rule = 'HEAT' AND channel_id = (SELECT c.id FROM channel AS c JOIN device AS d ON d.id = c.device_id"
    " WHERE d.code = 'S-pkm-cipondoh-k1')"
)
ALARM, SHIPMENT = r'id="a-([^"]+)"', r'href="/pengiriman/(SJ-[^"?]+)"'
DEVICE, RECALL = r'href="/perangkat/(S-[^"]+)"', r'href="/penarikan/([0-9a-f-]{36})"'
PARCEL = r'href="/batch/([0-9a-f-]{36})"'
DISPLACED = r'"orang-tergeser-([0-9a-f-]{36})"'
FACILITY = r'href="/fasilitas/(pkm-z[0-9a-f]+)"'
THEIRS = "SELECT code FROM facility WHERE code LIKE 'pkm-z%'"
PLACE = r'name="tempat" value="(L-[^"]+)"'
VIAL, PRODUCT = r'href="/vial/([0-9a-f-]{36})"', r'href="/katalog/produk/([^"]+)"'
LISTS = {
    "alarms": List("/alarm", ALARM, "SELECT id::text FROM alarm WHERE rule = 'HEAT'", alarms),
    "alarms, all": List("/alarm?tampil=all", ALARM, "SELECT id::text FROM alarm", alarms),
    "shipments": List("/pengiriman?tampil=all", SHIPMENT, "SELECT code FROM shipment", shipments),
    "devices": List("/perangkat", DEVICE, "SELECT code FROM device", devices),
    "parcels": List(
        "/fasilitas/pkm-cipondoh/batch", PARCEL, "SELECT id::text FROM batch WHERE lot LIKE 'BARU%'", parcels
    ),
    "open vials": List(
        "/fasilitas/pkm-cipondoh/vial", VIAL, "SELECT id::text FROM open_vial WHERE closed_at IS NULL", open_vials
    ),
    "products": List("/katalog", PRODUCT, "SELECT code FROM presentation", products),
    "displaced": List("/kuota/tergeser?tampil=all", DISPLACED, "SELECT booking_id::text FROM displacement", displaced),
    "breaches": List(
        "/suhu/S-pkm-cipondoh-k1?rentang=7h",
        r'id="langgar-([0-9a-f-]{36})"',
        f"SELECT id::text FROM episode WHERE {BREACH}",
        breaches,
    ),
    "places to count": List(
        "/stok/pkm-cipondoh/hitung", PLACE, "SELECT code FROM equipment WHERE code LIKE 'L-%'", places
    ),
    "facilities": List("/fasilitas", FACILITY, THEIRS, facilities),
    "holders of a batch": List("/batch/penta-5/PB002?semua=1", FACILITY, THEIRS, facilities, many=220, most=100),
    "sessions of a day": List(
        "/kuota?semua=1",
        r'href="/kuota/sesi/([0-9a-f-]{36})"',
        "SELECT id::text FROM vaccination_session WHERE day = (SELECT min(day) FROM vaccination_session WHERE state <> 'closed')",
        sessions,
        many=520,
        most=100,
    ),
    "recalls": List("/penarikan", RECALL, "SELECT id::text FROM recall", recalls),
    "a session's changes": List(
        "/kuota/sesi/{}",
        NOTED,
        "SELECT reason FROM session_change",
        session_changes,
        of="SELECT id FROM vaccination_session ORDER BY id LIMIT 1",
        field="riwayat",
    ),
    "a booking's steps": List(
        "/kuota/pendaftaran/{}",
        NOTED,
        "SELECT reason FROM booking_step WHERE reason LIKE 'catatan%'",
        booking_steps,
        of="SELECT id FROM booking ORDER BY id LIMIT 1",
    ),
    "how a reaction was told before": List(
        "/kipi/{}",
        NOTED,
        "SELECT reason FROM adverse_change",
        adverse_changes,
        of="SELECT id FROM adverse_event ORDER BY id LIMIT 1",
    ),
    "an opened vial's changes": List(
        "/vial/{}",
        NOTED,
        "SELECT reason FROM open_vial_change",
        vial_changes,
        of="SELECT id FROM open_vial ORDER BY id LIMIT 1",
    ),
    "messages that became no readings": List("/perangkat", NOTED, "SELECT detail FROM dead_letter", letters),
    "a device's": List("/perangkat/S-pkm-cipondoh-k1", NOTED, "SELECT detail FROM dead_letter", letters),
    "what a device watched": List(
        "/perangkat/S-pkm-cipondoh-k1",
        r"<td[^>]*>\s*(L-[0-9a-f]{12})",
        "SELECT code FROM equipment WHERE code LIKE 'L-%'",
        watches,
    ),
    "alarms that a device told": List(
        "/suhu/S-pkm-cipondoh-k1?rentang=24j",
        r'"mono">(ZZ[0-9A-F]{12})',
        "SELECT code FROM told_alarm WHERE code LIKE 'ZZ%'",
        told_alarms,
    ),
}
each_list = pytest.mark.parametrize("one", LISTS.values(), ids=LISTS)


def of_one(services: Services, one: List) -> List:
    """The list with the address of the thing that it is of."""
    with transaction(services.engine) as db:
        return replace(one, address=one.address.format(db.scalar(text(one.of))))


def pages_of(site: TestClient, one: List, meanwhile: Callable[[], None] = lambda: None) -> list[list[str]]:
    """The rows of each page, to the last; `meanwhile` happens behind the first."""
    pages: list[list[str]] = []
    address: str | None = one.address
    while address is not None:
        answer = site.get(address)
        assert answer.status_code == 200, address
        pages.append(list(dict.fromkeys(re.findall(one.row, answer.text))))
        onward = re.search(one.next, answer.text)
        address = unescape(onward[1]) if onward else None
        if len(pages) == 1:
            meanwhile()
        assert len(pages) < 50, "it goes round in circles"
    return pages


@each_list
def test_a_list_is_walked_to_its_end_and_shows_each_row_once_though_rows_come(
    site: TestClient, app_services: Services, world: PageWorld, one: List
) -> None:
    log_in(site, "pusat")
    with transaction(app_services.engine) as db:
        one.make(db, one.many)
        there = set(db.scalars(text(one.there)))
    one = of_one(app_services, one)

    def comes() -> None:
        with transaction(app_services.engine) as db:
            one.make(db, 1)

    pages = pages_of(site, one, comes)
    shown = [row for rows in pages for row in rows]
    assert len(set(shown)) == len(shown), "a row stands on two pages"
    assert len(pages) > 2
    assert max(len(rows) for rows in pages) <= one.most
    assert len(there) >= one.many
    assert there <= set(shown), "who stood there when it began is on some page"


@each_list
def test_a_page_further_on_costs_as_much_as_the_first_and_what_is_no_place_in_the_list_is_refused(
    site: TestClient, app_services: Services, one: List
) -> None:
    log_in(site, "pusat")
    with transaction(app_services.engine) as db:
        one.make(db, one.many)
    one = of_one(app_services, one)
    site.get(one.address)
    with counted(app_services.engine) as first:
        answer = site.get(one.address)
    onward = re.search(one.next, answer.text)
    assert onward is not None
    with counted(app_services.engine) as second:
        site.get(unescape(onward[1]))
    assert 0 < len(second) <= len(first) + 2
    field = re.findall(r"[?&](\w+)=", unescape(onward[1]))[-1]
    join = "&" if "?" in one.address else "?"
    for wrong in ("x", "WyJ4Il0", "WzEsMl0", "WyI5IiwiYSIsImIiLCJjIl0", "%00", "a" * 3000):
        refused = site.get(f"{one.address}{join}{field}={wrong}")
        assert refused.status_code == 422, (wrong, refused.status_code)
