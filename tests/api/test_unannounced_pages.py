"""Boxes that came without a word, on the pages: told, confirmed, disputed; who may, twice, two at once, typed wrongly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select, update

from tests.api.test_checks_page import found
from tests.api.test_home_pages import tasks
from tests.browser.page_world import PageWorld
from tests.support.page_site import app_services, csrf_of, made, site, world
from tests.support.road import Road
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.shipments.models import Shipment, ToldLine
from tracker.stock.models import StockBalance

__all__ = ["app_services", "made", "site", "world"]

K1 = "pkm-cipondoh-k1"
ROOM = "kota-tangerang-r1"
LOT = "penta-5/PB002"
CAME = {"dari": "kota-tangerang", "tempat": K1, "kode-1": "PB002", "vial-1": "12"}
TELL = "/pengiriman/tiba"


class Door(Road):
    """The site as a store and its city use it for what came without a word."""

    def tell(self, **said: str) -> Response:
        """The form of a storekeeper at the puskesmas."""
        return self.send(TELL, self.as_("kepala").form(TELL), **{**CAME, **said})

    def told(self, **said: str) -> str:
        """The address of a delivery that was told."""
        answer = self.tell(**said)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def confirming(self, path: str, username: str = "gudang") -> dict[str, str]:
        return self.as_(username).form(*[f"{path}/konfirmasi"] * 2)

    def lies(self) -> tuple[int, int]:
        """Usable vials of the lot at the city and at the puskesmas."""
        with transaction(self.services.engine) as db:
            lying = []
            for place in (ROOM, K1):
                balance = select(func.sum(StockBalance.vials)).where(
                    StockBalance.holder_id == self.pages.world.equipment[place].id,
                    StockBalance.batch_id == self.pages.world.batches[LOT].id,
                    StockBalance.status == "usable",
                )
                lying.append(int(db.scalar(balance) or 0))
            return lying[0], lying[1]

    def state(self, path: str) -> str:
        return self.shipment(path).state.value


@pytest.fixture
def door(site: TestClient, app_services: Services, world: PageWorld) -> Door:
    return Door(site, app_services, world)


def test_what_came_is_told_confirmed_and_only_then_in_the_books(door: Door, site: TestClient) -> None:
    city, store = door.lies()
    path = door.told(catatan="SBBK 17")
    page = site.get(path).text
    assert "jangan dipakai sampai pengirim mengonfirmasi" in page
    assert "SBBK 17" in page
    assert (door.state(path), door.lies()) == ("unconfirmed", (city, store))
    assert tasks(site, "gudang")["Konfirmasi kiriman"] == f"{path}/konfirmasi"
    assert "Konfirmasi kiriman" not in tasks(site, "kepala")
    fields = door.confirming(path)
    assert fields[door.line(ROOM, LOT)] == "12"
    assert door.send(f"{path}/konfirmasi", fields).status_code == 303
    assert (door.state(path), door.lies()) == ("received", (city - 12, store + 12))
    assert "Konfirmasi kiriman" not in tasks(site, "gudang")
    page = site.get(path).text
    assert "Dikonfirmasi pengirim" in page
    assert "jangan dipakai" not in page


def test_a_form_sent_twice_is_one_delivery_and_other_words_under_it_are_asked_about(door: Door) -> None:
    fields = door.as_("kepala").form(TELL) | CAME
    before = door.shipments()
    first, second = (door.send(TELL, fields) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    other = door.send(TELL, fields, **{"vial-1": "13"})
    assert other.status_code == 422
    assert "sudah pernah dikirim dengan isi lain" in other.text
    assert 'value="13"' in other.text
    assert fields["nomor"] not in other.text
    assert door.shipments() == before + 1


def test_a_row_beyond_those_the_form_was_drawn_with_is_told_too_or_refused_by_its_name(door: Door) -> None:
    path = door.told(**{"kode-3": CAME["kode-1"], "vial-3": "4"})
    with transaction(door.services.engine) as db:
        told = select(ToldLine.vials).where(ToldLine.shipment_id == door.shipment(path).id)
        assert sum(db.scalars(told)) == 12 + 4
    before = door.shipments()
    refused = door.tell(**{"kode-41": CAME["kode-1"], "vial-41": "4"})
    assert refused.status_code == 422
    assert "-41" in refused.text
    assert door.shipments() == before


def test_who_works_at_several_stores_chooses_first_where_it_came(door: Door) -> None:
    page = door.as_("kota").site.get(TELL)
    assert page.status_code == 200
    assert 'value="pkm-cipondoh"' in page.text
    assert 'name="kode-1"' not in page.text
    assert 'name="kode-1"' in door.site.get(f"{TELL}?untuk=pkm-cipondoh").text


def test_what_nobody_answered_for_days_does_not_add_up_at_either_end(door: Door, site: TestClient) -> None:
    path = door.told()
    for days, told in ((2, False), (4, True)):
        with transaction(door.services.engine) as db:
            this = update(Shipment).where(Shipment.id == door.shipment(path).id)
            db.execute(this.values(created_at=door.services.clock() - timedelta(days=days)))
        for username in ("kota", "kepala"):
            assert ([href for href, _ in found(site, username).get("kabar", [])] == [path]) is told, (username, days)
    door.send(f"{path}/konfirmasi", door.confirming(path))
    assert "kabar" not in found(site)


def test_who_may_not_receive_is_not_led_to_it(door: Door) -> None:
    for username, led in (("kepala", True), ("vaksinator", False)):
        home = door.as_(username).site.get("/").text
        assert ("/pengiriman/tiba?untuk=pkm-cipondoh" in home) is led
        assert ("/pengiriman/kirim?dari=pkm-cipondoh" in home) is led
        assert "/stok/pkm-cipondoh/kerja/buka" in home


def test_one_lot_more_keeps_what_was_typed_and_records_nothing(door: Door) -> None:
    before = door.shipments()
    more = door.tell(tambah="ya")
    assert more.status_code == 200
    assert 'name="kode-2"' in more.text
    assert 'value="PB002"' in more.text
    assert door.shipments() == before
    answer = door.tell(baris="2", **{"kode-2": "AZ101", "vial-2": "3", "tempat-2": "pkm-cipondoh-k2"})
    assert answer.status_code == 303, answer.text
    page = door.site.get(str(answer.headers["location"])).text
    assert "AZ101" in page
    assert "pkm-cipondoh-k2" in page


def test_a_sender_is_named_by_name_or_code_and_a_label_names_product_lot_and_expiry(door: Door) -> None:
    with transaction(door.services.engine) as db:
        batch = door.pages.world.batches[LOT]
        product = door.pages.world.presentations["penta-5"]
        db.add_all([batch, product])
        label = f"(01){product.gtin}(17){batch.expiry:%y%m%d}(10){batch.lot}"
        db.expunge_all()
    path = door.told(dari="dinkes kota tangerang", **{"kode-1": label})
    assert "PB002" in door.site.get(path).text
    with transaction(door.services.engine) as db:
        sender = select(Shipment.from_facility_id).where(Shipment.id == door.shipment(path).id)
        assert db.scalar(sender) == door.pages.world.city.id
    assert door.tell(dari="prov-banten").status_code == 303


WRONG = [
    ({"dari": ""}, "dari"),
    ({"dari": "tidak-ada"}, "dari"),
    ({"dari": "pkm-cipondoh"}, "dari"),
    ({"tempat": ""}, "tempat"),
    ({"kode-1": ""}, "kode-1"),
    ({"kode-1": "BUKANLOT"}, "kode-1"),
    ({"kode-1": "(01)0899"}, "kode-1"),
    ({"produk-1": "az-10"}, "kode-1"),
    ({"vial-1": "dua"}, "vial-1"),
    ({"vial-1": ""}, "vial-1"),
    ({"vial-1": "0"}, "vial-1"),
    ({"kedaluwarsa-1": "2031-01-01"}, "kedaluwarsa-1"),
    ({"kedaluwarsa-1": "kemarin"}, "kedaluwarsa-1"),
    ({"tempat-1": ROOM}, "tempat-1"),
    ({"waktu": "2099-01-01T08:00"}, "waktu"),
]


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_recorded(door: Door) -> None:
    before = door.shipments()
    form = {**door.as_("kepala").form(TELL), **CAME, "catatan": "dus biru"}
    for said, field in WRONG:
        answer = door.send(TELL, form, **said)
        assert answer.status_code == 422, said
        assert f'id="salah-{field}"' in answer.text, said
        assert 'value="dus biru"' in answer.text
    assert door.shipments() == before


def test_what_the_sender_does_not_have_is_said_and_can_be_disputed_with_its_reason(
    door: Door, site: TestClient
) -> None:
    lies = door.lies()
    path = door.told(**{"vial-1": "9000"})
    field = door.line(ROOM, LOT)
    fields = door.confirming(path)
    assert fields[field] == str(lies[0])
    for vials, at in ((fields[field], ""), ("9000", f"-{field}")):
        answer = door.send(f"{path}/konfirmasi", fields, **{field: vials})
        assert answer.status_code == 422
        assert (f'id="salah{at}"' if at else 'role="alert"') in answer.text
        assert "bantah" in answer.text
    empty = door.send(f"{path}/bantah", {"csrf": fields["csrf"], "alasan": " "})
    assert empty.status_code == 422
    assert 'id="salah-alasan"' in empty.text
    for _ in range(2):
        said = door.send(f"{path}/bantah", {"csrf": fields["csrf"], "alasan": "kami hanya mengirim 90"})
        assert said.headers["location"] == path
    assert (door.state(path), door.lies()) == ("disputed", lies)
    assert tasks(site, "kepala")["Selesaikan kiriman yang dibantah"] == path
    page = site.get(path).text
    assert "kami hanya mengirim 90" in page
    assert "/pengiriman/tiba?untuk=pkm-cipondoh" in page
    assert door.send(f"{path}/batal", {"csrf": csrf_of(page)}, alasan="salah catat").status_code == 303
    assert (door.state(path), door.lies()) == ("cancelled", lies)
    assert "Selesaikan kiriman yang dibantah" not in tasks(site, "kepala")


def test_whoever_answers_second_is_told_who_was_first(door: Door) -> None:
    path = door.told()
    fields = door.confirming(path)
    door.send(f"{path}/konfirmasi", fields)
    mine = {"csrf": csrf_of(door.as_("kota").site.get("/akun").text)}
    for verb, more in (("konfirmasi", {**fields, door.line(ROOM, LOT): "11"}), ("bantah", {"alasan": "bukan kami"})):
        told = door.send(f"{path}/{verb}", {**more, **mine})
        assert told.headers["location"] == f"{path}?sudah=1"
    assert "Sudah dikonfirmasi oleh Gudang" in door.site.get(f"{path}?sudah=1").text
    assert door.site.get(f"{path}/konfirmasi").headers["location"] == f"{path}?sudah=1"


def test_each_end_has_its_own_buttons_and_nobody_else_any(door: Door) -> None:
    path = door.told()
    assert f"{path}/konfirmasi" not in door.site.get(path).text
    csrf = {"csrf": csrf_of(door.site.get(path).text)}
    assert door.site.get(f"{path}/konfirmasi").status_code == 403
    for verb, said in (("konfirmasi", {}), ("bantah", {"alasan": "x"})):
        assert door.send(f"{path}/{verb}", csrf, **said).status_code == 403, verb
    door.as_("auditor")
    csrf = {"csrf": csrf_of(door.site.get("/akun").text)}
    page = door.site.get(path).text
    assert f"{path}/konfirmasi" not in page
    assert f"{path}/batal" not in page
    assert door.site.get(f"{TELL}?untuk=pkm-cipondoh").status_code == 403
    assert door.send(TELL, csrf, untuk="pkm-cipondoh", **CAME).status_code == 403
    for verb, said in (("konfirmasi", {}), ("bantah", {"alasan": "x"})):
        assert door.send(f"{path}/{verb}", csrf, **said).status_code == 403, verb
    door.as_("kepala")
    assert door.site.get(f"{TELL}?untuk=pkm-tanah-tinggi").status_code == 404
    assert door.site.get("/pengiriman/SJ-0000-0000/konfirmasi").status_code == 404
    other = door.as_("kota").site.get(f"/pengiriman/{door.pages.shipment}/konfirmasi")
    assert other.status_code == 404, "it was announced"
    assert door.state(path) == "unconfirmed"
