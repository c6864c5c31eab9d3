"""The phone's page before a stand-in of the house: fixtures, and what a thumb does."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Route, expect

from tests.browser.conftest import PHONE, Site, Visit
from tests.support.phone_house import PhoneHouse
from tests.support.world import World

Open = Callable[..., Visit]
WIRE = "**/api/v1/handsets**"


def holdings(world: World) -> dict[str, object]:
    """A store with two fridges, good, held, recalled and expired goods, a shipment coming and one to pack."""
    penta, mr = world.presentations["penta-5"], world.presentations["mr-10"]

    def product(found: object, code: str) -> dict[str, object]:
        named = {name: getattr(found, name) for name in ("name", "gtin", "box_gtin", "nie", "vials_per_box")}
        return {**named, "code": code, "doses_per_vial": 5, "uses_vvm": True}

    def batch(name: str, product: str, expiry: str = "2030-08-31", recalled: str | None = None) -> dict[str, object]:
        return {"id": name, "lot": name.upper(), "product": product, "expiry": expiry, "recalled": recalled}

    def lying(place: str, batch: str, vials: int, status: str = "usable") -> dict[str, object]:
        return {"place": place, "batch": batch, "status": status, "vials": vials, "vvm_stage": 1}

    def shipment(code: str, direction: str, state: str, **more: object) -> dict[str, object]:
        ends = {"from_name": "Dinkes Kota Tangerang", "to_name": "Puskesmas Cipondoh"}
        return {
            "id": code,
            "code": code,
            "direction": direction,
            "state": state,
            **ends,
            "lines": [],
            "boxes": [],
            **more,
        }

    sent = [{"batch": "pb1", "place": "x", "status": "usable", "vials": 10}]
    return {
        "facility": "kota-tangerang",
        "places": [
            {"code": "kulkas-1", "name": "Kulkas 1", "in_service": True},
            {"code": "kulkas-2", "name": "Kulkas 2", "in_service": True},
        ],
        "products": [product(penta, "penta-5"), product(mr, "mr-10")],
        "batches": [
            batch("pb1", "penta-5"),
            batch("pb2", "penta-5", "2031-01-31"),
            batch("held1", "penta-5"),
            batch("back1", "mr-10", recalled="uji"),
            batch("old1", "mr-10", "2020-01-31"),
            *({**batch(f"twice-{product}", product), "lot": "TWICE"} for product in ("penta-5", "mr-10")),
        ],
        "stock": [
            lying("kulkas-1", "pb1", 40),
            lying("kulkas-1", "pb2", 20),
            lying("kulkas-2", "held1", 8, "held"),
            lying("kulkas-2", "back1", 5),
            lying("kulkas-2", "old1", 3),
        ],
        "shipments": [
            shipment(
                "SJ-1",
                "in",
                "in_transit",
                boxes=[{"sscc": "189912345000000017", "seal": None, "lines": sent}],
                on_road=[{"batch": "pb1", "vials": 10}],
            ),
            shipment(
                "SJ-3", "out", "requested", lines=[{"product": "penta-5", "vials": 70, "approved": None}], on_road=[]
            ),
            shipment(
                "SJ-2", "out", "approved", lines=[{"product": "penta-5", "vials": 12, "approved": 12}], on_road=[]
            ),
        ],
        "open_vials": [
            {
                "id": "0198a000-0000-7000-8000-000000000001",
                "batch": "pb1",
                "place": "kulkas-1",
                "status": "usable",
                "remaining": 3,
                "doses_per_vial": 5,
                "opened_at": "2026-01-01T00:00:00Z",
                "discard_by": "2026-01-01T06:00:00Z",
            }
        ],
    }


_BROUGHT = re.compile(r'<script type="application/json" id="holdings">.*?</script>', re.DOTALL)


def stand_in(context: BrowserContext, house: PhoneHouse) -> None:
    """The house answers phones from here on; what the page itself would bring of the real one's holdings is left out."""

    def bare(route: Route) -> None:
        # A page that is left meanwhile wants no answer any more.
        with suppress(Error):
            answer = route.fetch()
            route.fulfill(response=answer, body=_BROUGHT.sub("", answer.text()))

    context.route("**/scan", bare)
    context.route(WIRE, house.answer)


@pytest.fixture
def house(site: Site) -> PhoneHouse:
    return PhoneHouse(holdings=holdings(site.world.world))


@pytest.fixture
def work(visit: Open, house: PhoneHouse) -> Page:
    """The phone of the city's storekeeper, its holdings on it."""
    window = visit(PHONE)
    window.log_in("gudang")
    stand_in(window.page.context, house)
    page = window.go("/scan")
    expect(page.locator("#jobs [data-job='count']")).to_be_enabled()
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
    )
    return page


def scan(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def feels(page: Page, tone: str, words: str) -> None:
    expect(page.locator("#feel")).to_have_class(f"feel {tone}")
    expect(page.locator("#feel")).to_contain_text(words)


def take(page: Page, job: str) -> None:
    page.locator(f"#jobs [data-job='{job}']").click()


def network(page: Page, house: PhoneHouse, *, there: bool) -> None:
    """A route that is answered by the test would be answered without a network, too."""
    house.reachable = there
    page.context.set_offline(not there)
    if there:
        page.evaluate("window.dispatchEvent(new Event('online'))")


def told(house: PhoneHouse) -> list[dict[str, object]]:
    """The bodies the house took, in order."""
    (steps,) = house.steps.values()
    return [step["body"] for step in steps]


def all_sent(page: Page, steps: int = 1) -> None:
    """So many of the listed steps are the house's, and none waits."""
    ended = page.locator("#steps :is([data-state='done'], [data-state='undone'])")
    expect(ended).to_have_count(steps, timeout=20_000)
    expect(page.locator("#book-state")).to_have_text("Semua langkah terkirim.")


def open_vials(page: Page, number: int) -> None:
    take(page, "opening")
    for _ in range(number):
        scan(page, "PB1")
        page.get_by_role("button", name="Buka 1 vial").click()
        feels(page, "ok", "Tercatat")
        expect(page.locator("#job .goods")).to_have_count(0)
    page.locator("#leave").click()
