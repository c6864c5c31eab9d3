"""The work of a store on its pages: what hands do with vials becomes one event of the ledger, however often it is sent."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from tests.browser.page_world import PageWorld, hold
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.stock.models import EventWitness, OpenVial, StockBalance, StockEvent
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

__all__ = ["app_services", "made", "site", "world"]

K1, K2, BOX = "pkm-cipondoh-k1", "pkm-cipondoh-k2", "pkm-cipondoh-b1"
WORK = "/stok/pkm-cipondoh/kerja"
LOT = "coronavac-1/CV101"


class Store:
    """The vaccinator of the puskesmas at its pages."""

    def __init__(self, site: TestClient, services: Services, world: PageWorld) -> None:
        self.site, self.services, self.world = site, services, world
        log_in(site, "vaksinator")

    def field(self, lot: str = LOT, status: str = "usable") -> str:
        return f"v-{status}-{self.world.world.batches[lot].id}"

    def form(self, job: str, place: str = K2) -> dict[str, str]:
        """The hidden fields of the form as it was drawn."""
        page = self.site.get(f"{WORK}/{job}", params={"tempat": place})
        assert page.status_code == 200, page.text
        number = re.search(r'name="nomor" value="([^"]+)"', page.text)
        assert number is not None
        return {"csrf": csrf_of(page.text), "nomor": number[1], "tempat": place}

    def send(self, job: str, form: dict[str, str], **more: Any) -> Response:
        return self.site.post(f"{WORK}/{job}", data={**form, **more})

    def vials(self, place: str, lot: str = LOT, status: Status = Status.USABLE) -> int:
        small = self.world.world
        with transaction(self.services.engine) as db:
            found = db.scalar(
                select(StockBalance.vials).where(
                    StockBalance.holder_id == small.equipment[place].id,
                    StockBalance.batch_id == small.batches[lot].id,
                    StockBalance.status == status,
                )
            )
        return found or 0

    def events(self) -> int:
        with transaction(self.services.engine) as db:
            return db.scalar(select(func.count()).select_from(StockEvent)) or 0


@pytest.fixture
def store(site: TestClient, app_services: Services, world: PageWorld) -> Store:
    return Store(site, app_services, world)


def test_vials_are_moved_once_though_the_form_is_sent_twice(store: Store) -> None:
    before, form = store.vials(K2), store.form("pindah")
    first = store.send("pindah", form, **{store.field(): "5"}, ke=K1)
    again = store.send("pindah", form, **{store.field(): "5"}, ke=K1)
    assert (first.status_code, again.status_code) == (303, 303)
    assert (
        first.headers["location"] == again.headers["location"] == (f"/stok/pkm-cipondoh/gerakan/{form['nomor']}?baru=1")
    )
    assert (store.vials(K2), store.vials(K1)) == (before - 5, 5)
    assert "Tercatat." in store.site.get(first.headers["location"]).text


def test_two_taps_at_once_are_one_event(store: Store) -> None:
    before, form = store.vials(K2), store.form("pindah")
    with ThreadPoolExecutor(4) as hands:
        sent = list(hands.map(lambda _: store.send("pindah", form, **{store.field(): "5"}, ke=K1), range(4)))
    assert {answer.status_code for answer in sent} == {303}
    assert store.vials(K2) == before - 5


def test_the_same_form_with_other_words_is_not_taken_for_the_first(store: Store) -> None:
    before, form = store.vials(K2), store.form("pindah")
    store.send("pindah", form, **{store.field(): "5"}, ke=K1)
    other = store.send("pindah", form, **{store.field(): "6"}, ke=K1)
    assert other.status_code == 422
    assert "sudah pernah dikirim dengan isi lain" in other.text
    assert store.vials(K2) == before - 5
    number = re.search(r'name="nomor" value="([^"]+)"', other.text)
    assert number is not None
    assert number[1] != form["nomor"], "the way out is a form of its own"
    assert store.send("pindah", {**form, "nomor": number[1]}, **{store.field(): "6"}, ke=K1).status_code == 303
    assert store.vials(K2) == before - 11


def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(store: Store) -> None:
    events, form = store.events(), store.form("pindah")
    cv, az = store.field(), store.field("az-10/AZ101")
    many = store.send("pindah", form, **{cv: "2", az: "999"}, ke=K1, catatan="rak bawah")
    assert many.status_code == 422
    assert re.search(rf'id="salah-{az}">[^<]+</p>', many.text), "beside the line that is too many"
    assert f'id="salah-{cv}"' not in many.text
    assert re.search(rf'name="{cv}"\s+value="2"', many.text)
    assert 'value="rak bawah"' in many.text
    words = store.send("pindah", form, **{cv: "dua"}, ke=K1)
    assert f'id="salah-{cv}">Tulis bilangan bulat.' in words.text
    nowhere = store.send("pindah", form, **{cv: "2"})
    assert 'id="salah-ke">Pilih tempat tujuannya.' in nowhere.text
    nothing = store.send("pindah", form, ke=K1)
    assert "Tulis jumlah vial pada paling sedikit satu baris." in nothing.text
    late = store.send("pindah", form, **{cv: "2"}, ke=K1, waktu="2090-01-01T10:00")
    assert 'id="salah-waktu">' in late.text
    assert store.events() == events, "nothing was recorded"


def test_vials_go_out_to_the_field_and_the_rest_comes_home(store: Store) -> None:
    before = store.vials(K2)
    store.send("lapangan", store.form("lapangan"), **{store.field(): "20"}, ke=BOX)
    assert (store.vials(K2), store.vials(BOX)) == (before - 20, 20)
    back = store.send("kembali", store.form("kembali", BOX), **{store.field(): "7"}, ke=K2)
    assert back.status_code == 303
    assert (store.vials(K2), store.vials(BOX)) == (before - 13, 13)


def test_vials_are_thrown_away_for_a_reason(store: Store) -> None:
    before, form = store.vials(K2), store.form("buang")
    assert "Pilih alasannya." in store.send("buang", form, **{store.field(): "3"}).text
    assert store.send("buang", form, **{store.field(): "3"}, alasan="broken").status_code == 303
    assert store.vials(K2) == before - 3


def test_a_destruction_is_witnessed_by_two_different_people(store: Store) -> None:
    spoil(store, 4)
    form, line = store.form("musnah"), {store.field(status="unusable"): "4"}
    one = store.send("musnah", form, **line, **{"saksi-1": "Rina", "jabatan-1": "Dinkes"})
    twice = store.send("musnah", form, **line, **{"saksi-1": "Rina", "saksi-2": " rina "})
    for answer in (one, twice):
        assert answer.status_code == 422
        assert 'id="salah-saksi-1">Pemusnahan disaksikan dua orang' in answer.text
    seen_by = {"saksi-1": "Rina", "jabatan-1": "Dinkes", "saksi-2": "Budi"}
    done = store.send("musnah", form, **line, **seen_by)
    assert done.status_code == 303
    assert "Rina, Dinkes" in store.site.get(done.headers["location"]).text
    assert store.vials(K2, status=Status.UNUSABLE) == 0
    with transaction(store.services.engine) as db:
        names = db.scalars(
            select(EventWitness.name).where(EventWitness.event_id == UUID(form["nomor"])).order_by(EventWitness.seq)
        )
        assert list(names) == ["Rina", "Budi"]
    other = store.send("musnah", form, **line, **{**seen_by, "saksi-2": "Andi"})
    assert other.status_code == 422, "other witnesses are other words"


def spoil(store: Store, vials: int, place: str = K2, status: Status = Status.UNUSABLE) -> None:
    """Somebody says of some vials that they are broken, or holds them."""
    small, now = store.world.world, store.services.clock()
    line = Line(batch_id=small.batches[LOT].id, vials=vials, place_id=small.equipment[place].id, to_status=status)
    event = PostEvent(id=uuid7(), kind=Kind.STATUS, facility_id=small.puskesmas.id, occurred_at=now, lines=(line,))
    with transaction(store.services.engine) as db:
        post_event(db, SYSTEM, event, now=now)


def test_what_was_held_by_hand_is_freed_by_who_may_with_a_reason(store: Store) -> None:
    spoil(store, 4, status=Status.HELD)
    before, lepas = store.vials(K2), f"{WORK}/lepas"
    assert store.site.get(lepas).status_code == 403
    assert store.send("lepas", store.form("musnah"), alasan="diperiksa").status_code == 403
    assert lepas not in store.site.get(f"{WORK}/musnah").text, "who may not decide sees no way that ends in a refusal"
    card = store.site.get("/stok/pkm-cipondoh", params={"produk": "coronavac-1"}).text
    assert "4 vial di antaranya ditahan." in card
    assert lepas not in card
    log_in(store.site, "kepala")
    assert f"{lepas}?tempat={K2}" in store.site.get(f"{WORK}/musnah", params={"tempat": K2}).text
    assert lepas in store.site.get("/stok/pkm-cipondoh", params={"produk": "coronavac-1"}).text
    form, line = store.form("lepas"), {store.field(status="held"): "3"}
    unsaid = store.send("lepas", form, **line)
    assert (unsaid.status_code, 'id="salah-alasan">Tulis alasannya' in unsaid.text) == (422, True)
    done = store.send("lepas", form, **line, alasan="kemasan utuh")
    assert done.status_code == 303
    assert "kemasan utuh" in store.site.get(done.headers["location"]).text
    assert (store.vials(K2), store.vials(K2, status=Status.HELD)) == (before + 3, 1)


def test_what_an_alarm_holds_is_decided_at_the_alarm(store: Store) -> None:
    with transaction(store.services.engine) as db:
        hold(db, now=store.services.clock())
        held = db.scalars(select(Hold).where(Hold.state == HoldState.HELD, Hold.account == Account.PLACE)).first()
        assert held is not None
        place = db.get_one(Equipment, held.holder_id).code
    log_in(store.site, "kepala")
    page = store.site.get(f"{WORK}/lepas", params={"tempat": place})
    assert f'href="/alarm?buka={held.alarm_id}#a-{held.alarm_id}"' in page.text
    field = f"v-held-{held.batch_id}"
    assert f'name="{field}"' not in page.text
    events, form = store.events(), store.form("lepas", place)
    refused = store.send("lepas", form, **{field: "1"}, alasan="diperiksa")
    assert (refused.status_code, f'id="salah-{field}">Vial batch ini ditahan oleh alarm' in refused.text) == (422, True)
    assert store.events() == events


def test_a_vial_is_opened_and_its_rest_thrown_away_once(store: Store) -> None:
    opened = store.send("buka", store.form("buka"), **{store.field("az-10/AZ101"): "1"})
    page = store.site.get(opened.headers["location"])
    assert opened.headers["location"].startswith("/vial/")
    assert "Pakai sampai" in page.text
    rest = {"csrf": csrf_of(page.text), "sisa": "10", "alasan": "session_end"}
    unsaid = store.site.post(f"{opened.headers['location']}/buang", data={**rest, "alasan": ""})
    assert (unsaid.status_code, 'id="salah-sebab"' in unsaid.text) == (422, True)
    other = store.site.post(f"{opened.headers['location']}/buang", data={**rest, "sisa": "9"})
    assert other.status_code == 422
    for _ in range(2):
        assert store.site.post(f"{opened.headers['location']}/buang", data=rest).status_code == 303
    with transaction(store.services.engine) as db:
        vial = db.get_one(OpenVial, UUID(opened.headers["location"].split("/")[2]))
        assert (vial.remaining, vial.discarded) == (0, 10)


def test_one_s_own_last_step_is_taken_back_until_something_was_built_upon_it(store: Store) -> None:
    before = store.vials(K2)
    moved = store.send("pindah", store.form("pindah"), **{store.field(): "5"}, ke=K1)
    page = store.site.get(moved.headers["location"])
    address = moved.headers["location"].partition("?")[0]
    undo = {"csrf": csrf_of(page.text), "alasan": "salah rak"}
    assert store.site.post(f"{address}/batalkan", data=undo).status_code == 303
    assert (store.vials(K2), store.vials(K1)) == (before, 0)
    moved = store.send("pindah", store.form("pindah"), **{store.field(): "5"}, ke=K1)
    store.send("buang", store.form("buang", K1), **{store.field(): "5"}, alasan="broken")
    built = store.site.post(f"{moved.headers['location'].partition('?')[0]}/batalkan", data=undo)
    assert (built.status_code, "negatif" in built.text) == (422, True)


@pytest.mark.parametrize(
    ("username", "where", "status"),
    [
        ("auditor", "pkm-cipondoh", 403),
        ("jaki", "pkm-cipondoh", 403),
        ("kepala", "pkm-tanah-tinggi", 404),
        ("kepala", "pkm-cipondoh", 200),
        ("gudang", "pkm-cipondoh", 200),
    ],
)
def test_work_is_for_who_writes_there(site: TestClient, username: str, where: str, status: int) -> None:
    log_in(site, username)
    work = f"/stok/{where}/kerja"
    assert site.get(f"{work}/pindah").status_code == status
    if status != 200:
        token = csrf_of(site.get("/").text)
        assert site.post(f"{work}/pindah", data={"csrf": token}).status_code == status
        assert f"{work}/" not in site.get(f"/fasilitas/{where}").text, "who may only look sees no button"


def test_work_of_a_kind_that_is_none_is_a_page_that_is_not_there(store: Store) -> None:
    assert store.site.get(f"{WORK}/goreng").status_code == 404
    assert store.send("pindah", {**store.form("pindah"), "csrf": "x"}, ke=K1).status_code == 403
