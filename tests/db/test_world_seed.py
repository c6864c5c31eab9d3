"""The seeded world of the demo."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from dashboard.alarms.queries import count_open_alarms
from dashboard.app import mount_pages
from dashboard.overview.queries import trend_of
from rantai.world.fevers import FEVERS
from rantai.world.people import PEOPLE
from rantai.world.places import facility_rows, puskesmas_rows
from rantai.world.seed import seed_world
from rantai.world.sensors import SCENARIOS, STORY_SENSOR
from rantai.world.serving import SERVED
from rantai.world.shipments import DELIVERIES, TRIPS
from rantai.world.vaccines import PRODUCTS
from simulators.manifest import read_world
from simulators.scenarios import SCENARIOS as KNOWN_SCENARIOS
from tests.support.books import check_books
from tests.support.seeded import NOW, READINGS, SECRET, Seeded, copy_of
from tests.support.services import Services
from tracker.access.models import LoginAccount, RoleGrant
from tracker.access.queries import principal_of
from tracker.access.rules import Role
from tracker.access.service import check_password
from tracker.api.app import create_app
from tracker.catalog.models import Batch, Presentation, StorageClass
from tracker.catalog.rules.storage import bands_from_json
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.edge import services as edge
from tracker.feed.models import FeedSetAside
from tracker.feed.numbering import number_pending
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Equipment, Facility
from tracker.people.models import Person
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.reactions import runners
from tracker.settings import load_settings
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import ShipmentState
from tracker.stock.models import Availability, OpenVial, StockBalance, StockEntry, StockEvent
from tracker.stock.rules.words import Account
from tracker.telemetry.models import Assignment, Device
from tracker.telemetry.rules.credentials import matches
from tracker.trace.models import Recall


@pytest.fixture(scope="module")
def seeded(services: Services, seeded_world: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    with copy_of(services, seeded_world, tmp_path_factory.mktemp("world")) as found:
        yield found


def counts(engine: Engine) -> dict[str, int]:
    with transaction(engine) as db:
        models = (
            Facility,
            Equipment,
            Presentation,
            Batch,
            Device,
            Assignment,
            RoleGrant,
            StockEvent,
            StockBalance,
            Booking,
            Person,
        )
        return {model.__name__: db.scalar(select(func.count()).select_from(model)) or 0 for model in models}


@pytest.fixture
def shown(seeded: Seeded) -> Callable[[str], str]:
    """What the city's logistician is shown at an address. Logs in anew: another test gives all accounts new passwords."""
    settings = load_settings(
        database_url=seeded.engine.url.render_as_string(hide_password=False),
        mqtt_url="mqtt://127.0.0.1:1",
        secret_key=SECRET,
    )
    shared = edge.Services(engine=seeded.engine, settings=settings, clock=lambda: NOW)
    app = create_app(shared)
    mount_pages(app, shared)
    site = TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False)
    (password,) = (password for username, password, _who in seeded.shown if username == "kota")
    sent = site.post("/masuk", data={"username": "kota", "password": password, "ke": "/"})
    # By hand: the client's own clock has seen the log-in expire long ago.
    login = sent.headers["set-cookie"].split(";")[0]
    return lambda path: site.get(path, headers={"Cookie": login}).text


def test_the_overview_draws_two_weeks_of_alarms_and_vaccinations(shown: Callable[[str], str]) -> None:
    page = shown("/")
    card = page[page.index('id="dua-pekan"') :]
    bars = Counter(re.findall(r'<rect\b[^>]*\bclass="(hot|given|room)"', card[: card.index("</section>")]))
    feverish = {fever.morning for fever in FEVERS if fever.morning < 14}
    assert bars["hot"] == len(feverish)
    assert bars["given"] >= 11, "each working day but today"
    assert bars["hot"] + bars["given"] + bars["room"] == 28


def test_the_overview_and_a_facility_show_usable_doses_and_counted_stock(shown: Callable[[str], str]) -> None:
    page = shown("/")
    tally = dict(re.findall(r'/fasilitas\?keadaan=(\w+)"><span.*?<strong>(\d+)</strong>', page, re.DOTALL))
    assert {"ok", "out"} <= set(tally), "some are well stocked, and a few have something to tell"
    assert "stale" not in tally, "everybody has counted this fortnight"
    rows = re.findall(r"<tr\b.*?</tr>", shown("/fasilitas/pkm-ketapang"), re.DOTALL)
    doses = [re.search(r'data-name="Dosis"\s*>\s*([\d.]+)\s*<', row) for row in rows if "vial 10 dosis" in row]
    assert sum(int(found[1].replace(".", "")) for found in doses if found) > 100


def test_the_storys_puskesmas_serves_three_kelurahan(shown: Callable[[str], str]) -> None:
    page = shown("/fasilitas/pkm-cipondoh/wilayah")
    assert all(code in page for code in ("36.71.05.1001", *SERVED))


def test_the_world_is_made_once_and_again_changes_nothing(seeded: Seeded) -> None:
    first, written = counts(seeded.engine), seeded.path.read_text()
    assert (
        seed_world(seeded.engine, seeded.path, secret_key=SECRET, readings=READINGS, now=NOW + timedelta(hours=7))
        == seeded.shown
    )
    assert counts(seeded.engine) == first
    assert seeded.path.read_text() == written
    assert first["Facility"] == len(facility_rows())
    assert len(puskesmas_rows()) == 38


def test_every_role_is_there_and_its_password_opens(seeded: Seeded) -> None:
    assert {person.role for person in PEOPLE} == set(Role)
    username, password, _who = seeded.shown[0]
    with transaction(seeded.engine) as db:
        assert check_password(db, username, password).username == username


def test_the_simulators_read_the_manifest_and_only_its_owner_may(seeded: Seeded) -> None:
    path = seeded.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    world = read_world(path)
    story = next(device for device in world.devices if device.code == STORY_SENSOR)
    assert (story.scenario, story.equipment) == ("late_heat", "pkm-cipondoh-k1")
    assert set(SCENARIOS.values()) <= set(KNOWN_SCENARIOS)
    assert set(SCENARIOS) <= {device.code for device in world.devices}
    with transaction(seeded.engine) as db:
        hashed = db.scalar(select(Device.password_hash).where(Device.code == story.code))
    assert matches(story.password, hashed)


def test_a_lost_manifest_gives_new_keys_that_work(seeded: Seeded) -> None:
    old = json.loads(seeded.path.read_text())
    before = {row[0]: row[1] for row in seeded.shown}
    seeded.path.unlink()
    seeded.shown = after = seed_world(seeded.engine, seeded.path, secret_key=SECRET, readings=READINGS, now=NOW)
    assert all(before[username] != password for username, password, _who in after)
    new = json.loads(seeded.path.read_text())
    assert {d["code"] for d in new["devices"]} == {d["code"] for d in old["devices"]}
    device = new["devices"][0]
    with transaction(seeded.engine) as db:
        hashed = db.scalar(select(Device.password_hash).where(Device.code == device["code"]))
        username, password, _who = after[0]
        check_password(db, username, password)
    assert matches(device["password"], hashed)


def test_stock_lay_still_and_sensors_watched_before_the_heat(seeded: Seeded) -> None:
    long_ago = NOW - timedelta(hours=13)
    with transaction(seeded.engine) as db:
        here = select(Facility.id).where(Facility.code == "pkm-cipondoh").scalar_subquery()
        newest = db.scalar(select(func.max(StockEvent.occurred_at)).where(StockEvent.facility_id == here))
        assert newest is not None
        assert newest < long_ago
        assert (db.scalar(select(func.max(Assignment.from_at))) or NOW) <= NOW - timedelta(hours=12)
        fridge = db.scalar(select(Equipment.id).where(Equipment.code == "pkm-cipondoh-k1"))
        vials = db.scalar(select(func.sum(StockBalance.vials)).where(StockBalance.holder_id == fridge))
    assert (vials or 0) > 30


def test_every_product_has_bands_and_two_codes(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        for storage in db.scalars(select(StorageClass)):
            assert bands_from_json(storage.bands)
        found = list(db.scalars(select(Presentation)))
    assert len(found) == len(PRODUCTS) == 8
    assert all(each.gtin and each.box_gtin and each.synthetic for each in found)


def test_people_have_booked_what_lies_in_the_storys_fridge(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        rows = db.execute(
            select(Facility.code, VaccinationSession.day, func.count())
            .join(Facility, Facility.id == VaccinationSession.facility_id)
            .join(Booking, Booking.session_id == VaccinationSession.id)
            .where(Booking.state == BookingState.CONFIRMED)
            .group_by(Facility.code, VaccinationSession.day)
        ).all()
    story = {day: count for code, day, count in rows if code == "pkm-cipondoh"}
    assert sum(story.values()) == 40
    assert min(story) > NOW.date()
    assert {code for code, _day, _count in rows} >= {"pkm-ketapang", "pkm-gondrong"}


def test_the_past_keeps_every_truth_of_the_ledger_and_nothing_waits(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        check_books(db)
        assert db.scalar(select(func.count()).select_from(FeedSetAside)) == 0
        assert db.scalar(select(func.max(Availability.short))) == 0
        assert db.scalar(select(func.count()).select_from(OutMessage)) == 0, "nobody lost a place before the story"
    # A worker that starts now finds the past behind it: of two weeks nothing is reacted to as if it happened today.
    behind = number_pending(seeded.engine) + sum(runner.run_once() for runner in runners(seeded.engine, lambda: NOW))
    assert behind < 500


def test_the_two_weeks_before_have_vaccinations_and_answered_alarms(seeded: Seeded) -> None:
    today = local_day(NOW, WESTERN)
    with transaction(seeded.engine) as db:
        (account,) = db.scalars(select(LoginAccount).where(LoginAccount.username == "kota"))
        city = principal_of(db, account.id)
        assert city is not None
        trend = trend_of(db, city, today)
        waiting = count_open_alarms(db, city)
    working = [day for day in trend.days if day.weekday() != 6 and day != today]
    assert all(count > 0 for day, count in zip(trend.days, trend.vaccinated, strict=True) if day in working)
    assert sum(trend.vaccinated) > 150
    assert sum(trend.alarms) == len([fever for fever in FEVERS if fever.morning < 14])
    assert waiting == (0, 0), "all of it was answered and closed"


def test_what_happened_in_the_past_was_told_when_it_happened(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        events = db.scalars(select(StockEvent).where(StockEvent.recorded_at < NOW)).all()
        doses = db.execute(
            select(Booking.late, Booking.vaccinated_at, VaccinationSession.opens_at, VaccinationSession.closes_at)
            .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
            .where(Booking.state == BookingState.VACCINATED)
        ).all()
        open_vials = db.scalars(select(OpenVial).where(OpenVial.closed_at.is_(None))).all()
    assert all(event.recorded_at - event.occurred_at < timedelta(hours=1) for event in events)
    assert doses
    assert all(not late and at is not None and opens <= at <= closes for late, at, opens, closes in doses)
    assert all(vial.discard_by > NOW for vial in open_vials), "only what keeps for weeks was left open"


def test_a_lot_was_called_back_destroyed_and_settled(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        (recall,) = db.scalars(select(Recall))
        left = db.scalar(select(func.sum(StockBalance.vials)).where(StockBalance.batch_id == recall.batch_id))
        gone = db.scalar(
            select(func.sum(StockEntry.vials)).where(
                StockEntry.batch_id == recall.batch_id, StockEntry.account == Account.DESTROYED
            )
        )
    assert recall.closed_at is not None
    assert left == 0
    assert (gone or 0) > 30


def test_nobody_in_the_demo_exists(seeded: Seeded) -> None:
    vault = NikVault.from_secret(SECRET)
    with transaction(seeded.engine) as db:
        people = list(db.scalars(select(Person)))
    assert len(people) > 200
    for person in people:
        assert person.phone is None or person.phone.startswith("+62860"), "no operator has 0860"
        if person.nik_cipher is not None:
            assert vault.open(person.nik_cipher, person.id)[-4:] >= "9000", "serials that real numbers hardly reach"


def test_the_next_day_adds_the_next_days_sessions(seeded: Seeded) -> None:
    def last_day() -> date | None:
        with transaction(seeded.engine) as db:
            return db.scalar(select(func.max(VaccinationSession.day)))

    before = last_day()
    seed_world(seeded.engine, seeded.path, secret_key=SECRET, readings=READINGS, now=NOW + timedelta(days=1))
    assert before is not None
    assert last_day() == before + timedelta(days=1)


def test_shipments_have_arrived_are_on_the_road_and_late(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        shipments = list(db.scalars(select(Shipment)))
    assert len(shipments) == len(TRIPS) + len(DELIVERIES)
    on_road = [each for each in shipments if each.state is ShipmentState.IN_TRANSIT]
    assert len(on_road) == 2
    assert sum(each.expected_at is not None and each.expected_at < NOW for each in on_road) == 1
    assert all(each.received_at is not None for each in shipments if each not in on_road)
