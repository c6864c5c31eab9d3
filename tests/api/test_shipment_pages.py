"""The road of goods on the pages: order, approve, pack, leave, arrive; who may, twice, two at once, and what is typed wrongly."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from threading import Barrier
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

from tests.support.page_site import HTML, app_services, csrf_of, log_in, made, short_dated, site, world
from tests.support.road import Road, road
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.database.engine import transaction
from tracker.kit.ids import uuid7
from tracker.shipments.models import ReceiptLine, ShipmentBox, ShipmentLine, ShipmentReceipt
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine

__all__ = ["app_services", "made", "road", "site", "world"]

K1 = "pkm-cipondoh-k1"


def test_of_two_who_approve_an_order_otherwise_the_second_is_told_and_nothing_is_overwritten(road: Road) -> None:
    path = road.as_("kepala").order()
    road.as_("kota")
    fields = road.form(path, f"{path}/setujui")
    ready = Barrier(2)

    def approve(vials: str) -> tuple[int, str]:
        ready.wait()
        answer = road.send(f"{path}/setujui", fields, **{"setuju-0": vials})
        return answer.status_code, unescape(answer.text)

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip("65", pool.map(approve, "65"), strict=True))
    assert sorted(status for status, _ in answers.values()) == [303, 422]
    first, second = sorted(answers, key=lambda vials: answers[vials][0])
    assert f"baris demi baris: {first} vial. Yang Anda tulis ({second}) tidak dicatat." in answers[second][1]
    for vials, status in ((first, 303), (second, 422)):
        assert road.send(f"{path}/setujui", fields, **{"setuju-0": vials}).status_code == status
    with transaction(road.services.engine) as db:
        lines = select(ShipmentLine.approved).where(ShipmentLine.shipment_id == road.shipment(path).id)
        assert db.scalars(lines).all() == [int(first)]


def test_goods_go_from_an_order_to_a_receipt(road: Road) -> None:
    path = road.as_("kepala").order()
    road.as_("kota")
    fields = road.form(path, f"{path}/setujui")
    assert road.send(f"{path}/setujui", fields, **{"setuju-0": "5"}).status_code == 303
    with transaction(road.services.engine) as db:
        shipment = road.shipment(path)
        assert db.scalars(select(ShipmentLine.approved).where(ShipmentLine.shipment_id == shipment.id)).all() == [5]
    packing = road.form(f"{path}/kemas")
    assert road.send(f"{path}/kemas", packing, **{"segel-1": "S-1", "pencatat-1": "L-1"}).status_code == 303
    with transaction(road.services.engine) as db:
        box = db.scalars(select(ShipmentBox).where(ShipmentBox.shipment_id == shipment.id)).one()
        assert (box.seal, box.logger) == ("S-1", "L-1")
        sscc = box.sscc
    assert road.send(f"{path}/berangkat", {"csrf": packing["csrf"]}).status_code == 303
    road.as_("kepala")
    for code in (sscc, f"(00){sscc}", f"]C100{sscc}", road.shipment(path).code.lower()):
        assert road.site.get("/pengiriman/cari", params={"kode": code}).headers["location"] == path
    receiving = road.form(f"{path}/terima")
    assert road.send(f"{path}/terima", receiving, tempat=K1, semua="ya").status_code == 303
    assert road.shipment(path).state.value == "received"


def test_an_order_sent_twice_is_one_order(road: Road) -> None:
    fields = road.as_("kepala").form("/pengiriman/minta")
    asked = {**fields, "dari": "kota-tangerang", "p-penta-5": "7"}
    first = road.send("/pengiriman/minta", asked)
    second = road.send("/pengiriman/minta", asked)
    assert first.headers["location"] == second.headers["location"]
    other = road.send("/pengiriman/minta", asked, **{"p-penta-5": "8"})
    assert other.status_code == 422
    assert 'value="8"' in other.text


def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(road: Road) -> None:
    fields = road.as_("kepala").form("/pengiriman/minta")
    answer = road.send("/pengiriman/minta", fields, dari="kota-tangerang", **{"p-penta-5": "tujuh", "p-az-10": "3"})
    assert answer.status_code == 422
    assert 'id="salah-p-penta-5"' in answer.text
    assert 'value="tujuh"' in answer.text
    assert 'value="3"' in answer.text


def test_a_receipt_sent_twice_is_one_receipt(road: Road) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima")
    before = road.receipts(road.shipment(path).id)
    for _ in range(2):
        answer = road.send(f"{path}/terima", fields, tempat=K1, semua="ya")
        assert answer.headers["location"] == path
    assert road.receipts(road.shipment(path).id) == before + 1


def test_whoever_receives_second_is_told_who_was_first(road: Road) -> None:
    path = road.sent()
    first = road.as_("kepala").form(f"{path}/terima")
    second = road.as_("kota").form(f"{path}/terima")
    mine = {name: road.as_("kepala").form(f"{path}/terima")[name] for name in ("csrf",)}
    assert road.send(f"{path}/terima", {**first, **mine}, tempat=K1, semua="ya").status_code == 303
    theirs = {"csrf": csrf_of(road.as_("kota").site.get("/pengiriman/cari?kode=x").text)}
    told = road.send(f"{path}/terima", {**second, **theirs}, tempat=K1, semua="ya")
    assert told.headers["location"] == f"{path}?sudah=1"
    assert "Sudah dicatat oleh Kepala" in road.site.get(told.headers["location"]).text
    assert road.receipts(road.shipment(path).id) == 1


def test_two_people_receive_at_the_same_moment_and_both_are_told(road: Road) -> None:
    for _ in range(3):
        path = road.sent()
        windows = [TestClient(road.site.app, headers=HTML, follow_redirects=False) for _ in range(2)]
        forms = []
        for window, who in zip(windows, ("kepala", "kota"), strict=True):
            here = Road(log_in(window, who), road.services, road.pages)
            forms.append({**here.form(f"{path}/terima"), "tempat": K1, "semua": "ya"})
        before = road.receipts(road.shipment(path).id)
        start = Barrier(2)

        def take(window: TestClient, form: dict[str, str], path: str = path, start: Barrier = start) -> str:
            start.wait()
            return str(window.post(f"{path}/terima", data=form).headers.get("location"))

        with ThreadPoolExecutor(2) as pool:
            told = sorted(pool.map(take, windows, forms))
        assert told == [path, f"{path}?sudah=1"]
        assert road.receipts(road.shipment(path).id) == before + 1
        with transaction(road.services.engine) as db:
            accepted = select(func.sum(ReceiptLine.accepted)).join(
                ShipmentReceipt, ShipmentReceipt.id == ReceiptLine.receipt_id
            )
            assert db.scalar(accepted.where(ShipmentReceipt.shipment_id == road.shipment(path).id)) == 7


def test_a_difference_needs_its_reason_and_is_seen_by_the_sender(road: Road) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima")
    accepted = next(name for name in fields if name.startswith("accepted-"))
    batch = accepted.removeprefix("accepted-")
    odd = {accepted: str(int(fields[accepted]) - 2), f"rejected-{batch}": "2"}
    answer = road.send(f"{path}/terima", {**fields, **odd}, tempat=K1)
    assert answer.status_code == 422
    assert f'id="salah-alasan-{batch}"' in answer.text
    odd |= {f"alasan-{batch}": "damaged", f"catatan-{batch}": "dus basah"}
    assert road.send(f"{path}/terima", {**fields, **odd}, tempat=K1).status_code == 303
    seen = road.as_("kota").site.get(path).text
    assert "rusak" in seen
    assert "dus basah" in seen


def test_an_unknown_logger_is_asked_about_once_and_both_ends_read_of_it(road: Road) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima") | {"tempat": K1, "semua": "ya"}
    asked = road.send(f"{path}/terima", fields, pencatat="(01)08991234567891(21)X-9")
    assert (asked.status_code, 'id="salah-pencatat"' in asked.text) == (422, True)
    assert "X-9 tidak ada di surat dan tidak terdaftar" in asked.text
    assert road.receipts(road.shipment(path).id) == 0
    assert road.send(f"{path}/terima", fields, pencatat="X-9", **{"pencatat-dilihat": "X-9"}).status_code == 303
    assert "X-9 tidak ada di surat dan tidak terdaftar" in road.as_("kota").site.get(path).text


@pytest.mark.parametrize("field", ["accepted", "missing", "lot-lain"])
def test_what_differs_is_not_taken_as_on_the_note(road: Road, field: str) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima")
    [batch] = [name.removeprefix("nota-") for name in fields if name.startswith("nota-")]
    said = {field if field == "lot-lain" else f"{field}-{batch}": "3"}
    answer = road.send(f"{path}/terima", {**fields, **said}, tempat=K1, semua="ya")
    assert (answer.status_code, "Anda menulis selisih" in answer.text) == (422, True)
    assert road.receipts(road.shipment(path).id) == 0


def test_more_than_was_sent_is_refused_beside_its_line(road: Road) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima")
    accepted = next(name for name in fields if name.startswith("accepted-"))
    answer = road.send(f"{path}/terima", {**fields, accepted: "99999"}, tempat=K1)
    assert answer.status_code == 422
    assert f'id="salah-{accepted}"' in answer.text
    assert 'value="99999"' in answer.text
    assert road.receipts(road.shipment(path).id) == 0


def test_what_turned_round_is_taken_back_by_its_sender_alone(road: Road) -> None:
    path = road.sent()
    assert road.as_("kepala").site.get(f"{path}/kembali").status_code == 403
    fields = road.as_("kota").form(f"{path}/kembali")
    assert road.send(f"{path}/kembali", fields, tempat="kota-tangerang-r1", semua="ya").status_code == 303
    assert road.shipment(path).state.value == "returned"
    assert "/batal-terima" not in road.as_("kepala").site.get(path).text
    fields = road.as_("kota").form(path)
    assert road.send(f"{path}/batal-terima", fields, alasan="truk jalan terus").status_code == 303
    assert road.shipment(path).state.value == "in_transit"


def test_an_order_is_given_up_and_cannot_be_packed_any_more(road: Road) -> None:
    path = road.as_("kepala").order()
    fields = road.form(path)
    nameless = road.send(f"{path}/batal", fields, alasan=" ")
    assert (nameless.status_code, road.shipment(path).state.value) == (422, "requested")
    assert road.send(f"{path}/batal", fields, alasan="salah produk").status_code == 303
    road.send(f"{path}/batal", fields, alasan="kedua kali")
    assert road.shipment(path).state.value == "cancelled"
    for end in ("kepala", "kota"):
        page = unescape(road.as_(end).site.get(path).text)
        who = road.shipment(path).cancelled_by
        assert f"Dibatalkan oleh {who} pada" in page, end
        assert "salah produk" in page, end
        assert "kedua kali" not in page, end
    assert road.as_("kota").site.get(f"{path}/kemas").status_code == 303


def test_what_was_given_up_after_packing_has_no_papers_any_more(road: Road) -> None:
    path = approved(road)
    packing = road.form(f"{path}/kemas")
    assert road.send(f"{path}/kemas", packing).status_code == 303
    assert f"{path}/label" in road.site.get(path).text
    assert road.send(f"{path}/batal", {"csrf": packing["csrf"], "alasan": "tidak jadi"}).status_code == 303
    shown = road.site.get(path).text
    for paper in ("surat-jalan", "label"):
        assert f"{path}/{paper}" not in shown
        assert road.site.get(f"{path}/{paper}").headers["location"] == path


def test_what_came_and_was_all_refused_is_not_said_to_be_well(road: Road) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima")
    [batch] = [name.removeprefix("nota-") for name in fields if name.startswith("nota-")]
    said = {f"accepted-{batch}": "", f"rejected-{batch}": fields[f"nota-{batch}"], f"alasan-{batch}": "heat"}
    assert road.send(f"{path}/terima", {**fields, **said}, tempat=K1, habis="ya").status_code == 303
    shown = road.site.get(path).text
    assert "Tiba, ada selisih" in shown
    assert "Tiba dan ditolak" in shown
    assert "Tiba, ada selisih" in road.site.get("/pengiriman?tampil=done").text


def test_whoever_may_only_look_sees_no_button_and_can_do_nothing(road: Road) -> None:
    path = road.as_("kepala").order()
    going = road.sent()
    road.as_("auditor")
    for page in (path, going):
        text = road.site.get(page).text
        assert f'action="{page}' not in text
        assert f"{page}/terima" not in text
    csrf = {"csrf": csrf_of(road.site.get("/akun").text)}
    for verb in ("setujui", "kemas", "batal", "terima", "kembali"):
        why = {"alasan": "x"} if verb == "batal" else {}
        assert road.send(f"{path}/{verb}", csrf, **why).status_code == 403, verb
    assert road.send(f"{path}/berangkat", csrf).status_code == 403


def test_the_receiver_does_not_approve_its_own_order(road: Road) -> None:
    path = road.as_("kepala").order()
    text = road.site.get(path).text
    assert f"{path}/setujui" not in text
    assert road.send(f"{path}/setujui", {"csrf": csrf_of(text)}).status_code == 403


def test_a_code_of_no_shipment_says_so(road: Road) -> None:
    answer = road.as_("kepala").site.get("/pengiriman/cari", params={"kode": "123456789012345675"})
    assert answer.status_code == 422
    assert "Tidak ada kiriman dengan kode itu" in answer.text


CITY_ROOM = "kota-tangerang-r1"


def soon_at(road: Road, vials: int = 50) -> str:
    """The field for vials of a lot that expires before the city's others."""
    return f"v/{CITY_ROOM}/{short_dated(road.services, road.pages, vials).id}"


def test_who_asks_and_who_approves_sees_what_may_still_be_used(road: Road) -> None:
    def here(product: str) -> str:
        page = road.as_("kepala").site.get("/pengiriman/minta").text
        line = re.search(rf'<label for="p-{product}">.*?di sini (\d+) vial siap pakai', page, re.DOTALL)
        assert line is not None
        return line[1]

    assert here("az-10") == "30"
    with transaction(road.services.engine) as db:
        day = road.services.clock().date() - timedelta(days=3)
        db.execute(update(Batch).where(Batch.lot == "AZ101").values(expiry=day))
    assert here("az-10") == "0", "what has expired is not ready to use"
    path = road.order()
    assert re.search(r"diminta 7, di sini [1-9]\d* siap kirim", road.as_("kota").site.get(path).text)


def approved(road: Road) -> str:
    """An order that its city approved and is to pack; its address."""
    path = road.as_("kepala").order()
    assert road.as_("kota").send(f"{path}/setujui", road.form(path, f"{path}/setujui")).status_code == 303
    return path


def test_another_lot_is_asked_about_and_its_reason_stands_on_the_shipment(road: Road) -> None:
    first, other = soon_at(road), road.line(CITY_ROOM, "penta-5/PB002")
    path = approved(road)
    packing = road.form(f"{path}/kemas")
    assert (packing[first], other in packing) == ("7", False)
    asked = road.send(f"{path}/kemas", packing, **{first: "2", other: "5"})
    why, note = other.replace("v/", "a/", 1), other.replace("v/", "c/", 1)
    assert asked.status_code == 422
    assert f'id="salah-{why}"' in asked.text
    assert f"lot SOON di {CITY_ROOM} harus keluar dahulu" in asked.text
    assert road.packed(path) == []
    said = {first: "2", other: "5", why: "other", note: "rak kiri <terkunci>"}
    assert road.send(f"{path}/kemas", packing, **{**said, note: ""}).status_code == 422
    assert road.send(f"{path}/kemas", packing, **said).status_code == 303
    for who in ("kota", "kepala"):
        shown = road.as_(who).site.get(path).text
        assert "Bukan lot SOON yang giliran" in shown
        assert "rak kiri &lt;terkunci&gt;" in shown


def test_what_is_sent_unasked_goes_in_its_turn_too(road: Road) -> None:
    soon_at(road)
    other = road.line(CITY_ROOM, "penta-5/PB002")
    before = road.shipments()
    refused = road.as_("kota").leaving("langsung", "kota-tangerang", ke="pkm-cipondoh", **{other: "3"})
    assert refused.status_code == 422
    why = other.replace("v/", "a/", 1)
    assert f'id="salah-{why}"' in refused.text
    assert f'name="{why}"' in refused.text
    assert "lot SOON" in refused.text
    assert road.shipments() == before
    made = road.leaving("langsung", "kota-tangerang", ke="pkm-cipondoh", **{other: "3", why: "asked_for"})
    assert made.status_code == 303
    assert "penerima butuh lot ini" in road.site.get(str(made.headers["location"])).text


@pytest.mark.parametrize("page", ["kemas", "daftar-ambil"])
def test_a_page_that_proposes_waits_for_nobody_who_packs(road: Road, page: str) -> None:
    path = approved(road)
    with road.services.engine.connect() as packer, packer.begin():
        taken = text("SELECT id FROM shipment WHERE code = :code FOR UPDATE")
        assert packer.execute(taken, {"code": road.shipment(path).code}).rowcount == 1
        assert road.site.get(f"{path}/{page}").status_code == 200


def test_what_nobody_asked_for_is_sent_and_received(road: Road) -> None:
    field = road.line(CITY_ROOM, "penta-5/PB002")
    road.as_("kota")
    made = road.leaving("langsung", "kota-tangerang", ke="pkm-cipondoh", **{field: "5", "segel-1": "S-9"})
    assert made.status_code == 303, made.text
    path = str(made.headers["location"])
    assert (road.shipment(path).kind.value, road.shipment(path).state.value) == ("direct", "packed")
    assert road.send(f"{path}/berangkat", {"csrf": csrf_of(road.site.get(path).text)}).status_code == 303
    receiving = road.as_("kepala").form(f"{path}/terima")
    assert road.send(f"{path}/terima", receiving, tempat=K1, semua="ya").status_code == 303
    assert road.shipment(path).state.value == "received"


def test_whoever_may_be_sent_to_can_be_chosen_also_below_another_unit_and_nobody_above(road: Road) -> None:
    field = road.line("biofarma-r1", "penta-5/PB002")
    made = road.as_("pusat").leaving("langsung", "biofarma", ke="kota-tangerang", **{field: "5"})
    assert made.status_code == 303, made.text
    assert road.shipment(str(made.headers["location"])).kind.value == "direct"
    field = road.line(CITY_ROOM, "penta-5/PB002")
    assert road.leaving("langsung", "kota-tangerang", ke="biofarma", **{field: "5"}).status_code == 422


def test_a_sending_told_twice_is_one_and_other_words_under_it_are_asked_about(road: Road) -> None:
    field = road.line(CITY_ROOM, "penta-5/PB002")
    fields = road.as_("kota").form("/pengiriman/kirim?dari=kota-tangerang") | {"ke": "pkm-cipondoh", field: "5"}
    before = road.shipments()
    first, second = (road.send("/pengiriman/kirim", fields) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    other = road.send("/pengiriman/kirim", fields, **{field: "6"})
    assert other.status_code == 422
    assert "sudah pernah dikirim dengan isi lain" in other.text
    assert road.shipments() == before + 1


def test_recalled_vials_leave_as_a_return_alone_and_stay_recalled_above(road: Road) -> None:
    road.recalled("az-10/AZ101")
    field = road.line("pkm-cipondoh-k2", "az-10/AZ101", "recalled")
    before = road.shipments()
    road.as_("kepala")
    assert field not in road.form("/pengiriman/kirim?dari=pkm-cipondoh")
    refused = road.leaving("langsung", "pkm-cipondoh", ke="pkm-tanah-tinggi", **{field: "4"})
    assert refused.status_code == 422
    assert road.shipments() == before
    made = road.leaving("retur", "pkm-cipondoh", ke="kota-tangerang", **{field: "4"})
    assert made.status_code == 303, made.text
    path = str(made.headers["location"])
    assert road.packed(path) == [("recalled", 4)]
    assert road.send(f"{path}/berangkat", {"csrf": csrf_of(road.site.get(path).text)}).status_code == 303
    receiving = road.as_("kota").form(f"{path}/terima")
    assert road.send(f"{path}/terima", receiving, tempat=CITY_ROOM, semua="ya").status_code == 303
    with transaction(road.services.engine) as db:
        lies = select(StockBalance.status, StockBalance.vials).where(
            StockBalance.holder_id == road.pages.world.equipment[CITY_ROOM].id,
            StockBalance.batch_id == road.pages.world.batches["az-10/AZ101"].id,
            StockBalance.vials > 0,
        )
        assert [(row.status.value, row.vials) for row in db.execute(lies)] == [("recalled", 4)]


def test_a_packed_return_is_packed_again_as_what_it_is(road: Road) -> None:
    road.recalled("az-10/AZ101")
    recalled = road.line("pkm-cipondoh-k2", "az-10/AZ101", "recalled")
    usable = road.line("pkm-cipondoh-k2", "coronavac-1/CV101")
    road.as_("kepala")
    path = str(
        road.leaving("retur", "pkm-cipondoh", ke="kota-tangerang", **{recalled: "4", usable: "2"}).headers["location"]
    )
    packing = road.form(f"{path}/kemas")
    assert (packing[recalled], packing[usable]) == ("4", "2")
    two = {"kotak": "2", "k/" + recalled.removeprefix("v/"): "2", recalled: "3"}
    assert road.send(f"{path}/kemas", packing, **two).status_code == 303
    assert sorted(road.packed(path)) == [("recalled", 3), ("usable", 2)]


def test_boxes_that_are_packed_again_are_shown_as_they_are_and_keep_their_labels(road: Road) -> None:
    first, other = soon_at(road), road.line(CITY_ROOM, "penta-5/PB002")
    path = approved(road)
    why = other.replace("v/", "a/", 1)
    said = {first: "1", other: "5", why: "damaged", "segel-1": "S-1", "pencatat-1": "L-1"}
    assert road.send(f"{path}/kemas", road.form(f"{path}/kemas"), **said).status_code == 303
    box = select(ShipmentBox.sscc).where(ShipmentBox.shipment_id == road.shipment(path).id)
    with transaction(road.services.engine) as db:
        label = db.scalars(box).one()
    again = road.form(f"{path}/kemas")
    assert {name: again.get(name) for name in (first, other, "segel-1", "pencatat-1")} == {
        first: "1",
        other: "5",
        "segel-1": "S-1",
        "pencatat-1": "L-1",
    }
    assert road.send(f"{path}/kemas", again, **{first: "2", why: "damaged"}).status_code == 303
    assert sorted(road.packed(path)) == [("usable", 2), ("usable", 5)]
    with transaction(road.services.engine) as db:
        assert db.scalars(box).one() == label


@pytest.mark.parametrize("count", ["99999", "lima"])
def test_more_than_lies_there_makes_no_shipment_and_keeps_what_was_typed(road: Road, count: str) -> None:
    field = road.line(CITY_ROOM, "penta-5/PB002")
    before = road.shipments()
    answer = road.as_("kota").leaving("langsung", "kota-tangerang", ke="pkm-cipondoh", **{field: count})
    assert answer.status_code == 422
    assert f'id="salah-{field}"' in answer.text
    assert f'value="{count}"' in answer.text
    assert road.shipments() == before


@pytest.mark.parametrize(("way", "to"), [("retur", "pkm-tanah-tinggi"), ("langsung", "biofarma"), ("langsung", "")])
def test_a_way_goes_only_where_it_can(road: Road, way: str, to: str) -> None:
    field = road.line("pkm-cipondoh-k2", "coronavac-1/CV101")
    answer = road.as_("kepala").leaving(way, "pkm-cipondoh", ke=to, **{field: "1"})
    assert answer.status_code == 422
    assert 'id="salah-ke"' in answer.text


def test_what_is_to_be_destroyed_can_go_back_instead(road: Road) -> None:
    page = road.as_("kepala").site.get("/stok/pkm-cipondoh/kerja/musnah").text
    assert 'href="/pengiriman/kirim?cara=retur&amp;dari=pkm-cipondoh"' in page


def test_who_may_only_look_sends_nothing(road: Road) -> None:
    road.as_("auditor")
    csrf = csrf_of(road.site.get("/akun").text)
    assert road.site.get("/pengiriman/kirim?dari=pkm-cipondoh").status_code == 403
    assert road.send("/pengiriman/kirim", {"csrf": csrf, "dari": "pkm-cipondoh", "cara": "retur"}).status_code == 403
    assert road.site.get("/pengiriman/kirim?cara=lain").status_code == 404


class Packer:
    """Who packs an approved order of seven vials of penta at the city, with a scanner in the hand."""

    def __init__(self, road: Road, soon: int = 50) -> None:
        self.road, self.soon = road, soon_at(road, soon)
        self.later = road.line(CITY_ROOM, "penta-5/PB002")
        self.room = road.pages.world.equipment[CITY_ROOM].name
        self.path = approved(road)
        self.fields = road.form(f"{self.path}/kemas")

    def scan(self, code: str, **said: str) -> tuple[int, str, str]:
        """Status, tone and words of the answer; the form is then what the page drew."""
        answer = self.road.send(f"{self.path}/kemas/isi", self.fields, kode=code, **said)
        found = re.search(r'class="feel (\w*)".*?>(.*?)</p>', answer.text, re.DOTALL)
        assert found is not None, answer.text[:500]
        drawn = dict(re.findall(r'name="((?:[vasc]/|kotak|csrf)[^"]*)"\s+value="([^"]*)"', answer.text))
        self.fields = {**drawn, "csrf": csrf_of(answer.text)}
        return answer.status_code, found[1], unescape(found[2])

    def stop(self, status: Status, vials: int | None = None) -> None:
        """Vials of the lot whose turn it is are stopped (all when no number is given)."""
        world = self.road.pages.world
        line = StatusLine(
            batch_id=UUID(self.soon.rsplit("/", 1)[-1]),
            holder_id=world.equipment[CITY_ROOM].id,
            from_status=Status.USABLE,
            to_status=status,
            vials=vials,
        )
        change = StatusChange(id=uuid7(), facility_id=world.city.id, lines=(line,), cause=uuid7())
        with transaction(self.road.services.engine) as db:
            change_status(db, SYSTEM, change, now=self.road.services.clock())

    def ticked(self, line: str) -> bool:
        return line.replace("v/", "s/", 1) in self.fields


@pytest.fixture
def packer(road: Road) -> Packer:
    return Packer(road)


def test_a_return_says_at_the_line_what_a_hold_keeps_and_asks_for_no_number_of_it(packer: Packer) -> None:
    packer.stop(Status.HELD, 4)
    page = packer.road.site.get("/pengiriman/kirim?cara=retur&dari=kota-tangerang").text
    assert "4 vial tetap di sini sampai penahanannya diputus." in page
    assert f'name="{packer.soon}"' in page
    assert f'name="{packer.soon}/held"' not in page


def test_places_of_a_packing_go_by_their_names_on_page_paper_and_in_the_word_to_a_scan(packer: Packer) -> None:
    assert packer.room != CITY_ROOM
    assert f"<h2>{packer.room}</h2>" in packer.road.site.get(f"{packer.path}/kemas").text
    assert f"<td>{packer.room}</td>" in packer.road.site.get(f"{packer.path}/daftar-ambil").text
    status, tone, words = packer.scan("SOON")
    assert (status, tone) == (200, "ok")
    assert packer.room in words


def test_a_scan_ticks_the_line_that_it_is_of(packer: Packer) -> None:
    gtin = packer.road.pages.world.presentations["penta-5"].gtin
    for code in ("SOON", "penta-5/SOON", f"]d201{gtin}10SOON"):
        packer.fields.pop(packer.soon.replace("v/", "s/", 1), None)
        status, tone, words = packer.scan(code, **{"segel-1": "S-1", packer.soon: "6"})
        assert (status, tone) == (200, "ok"), words
        assert f"ambil 6 vial dari {packer.room}" in words
        assert packer.ticked(packer.soon)
        assert packer.fields[packer.soon] == "6"
    assert packer.road.packed(packer.path) == []
    assert packer.road.send(f"{packer.path}/kemas", packer.fields).status_code == 303
    assert packer.road.packed(packer.path) == [("usable", 6)]


def test_another_lot_that_is_scanned_becomes_a_line_that_asks_why(packer: Packer) -> None:
    for vials in ("1", "2"):
        status, tone, words = packer.scan("PB002")
        assert (status, tone) == (200, "low")
        assert "lot SOON" in words
        assert packer.fields[packer.later] == vials
        assert packer.fields[packer.soon] == str(7 - int(vials))
    assert packer.road.send(f"{packer.path}/kemas", packer.fields).status_code == 422
    why = packer.later.replace("v/", "a/", 1)
    assert packer.road.send(f"{packer.path}/kemas", packer.fields, **{why: "damaged"}).status_code == 303
    assert packer.road.packed(packer.path) == [("usable", 5), ("usable", 2)]


def test_a_lot_whose_turn_it_is_is_added_without_a_question(road: Road) -> None:
    packer = Packer(road, soon=3)
    assert (packer.fields[packer.soon], packer.fields[packer.later]) == ("3", "4")
    status, tone, words = packer.scan("PB002", **{packer.later: "0"})
    assert (status, tone, packer.fields[packer.later]) == (200, "ok", "1"), words
    assert packer.later.replace("v/", "a/", 1) not in packer.fields
    assert packer.fields[packer.soon] == "3"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("CV101", "tidak tercatat ada di sini"),
        ("MR101", "tidak diminta"),
        ("nichts", "bukan kode barang"),
        ("apa\x00ini", ""),
        ("0108991234567", ""),
        ("x" * 2001, ""),
    ],
)
def test_what_is_not_to_go_is_refused_in_words_and_changes_nothing(packer: Packer, code: str, says: str) -> None:
    before = dict(packer.fields)
    status, tone, words = packer.scan(code)
    assert (status, tone) == (200, "out")
    assert says in words
    assert len(words) > 10
    assert {name: packer.fields.get(name) for name in before if "/" in name} == {
        name: value for name, value in before.items() if "/" in name
    }
    assert not packer.ticked(packer.soon)


@pytest.mark.parametrize(
    ("status", "says"),
    [(Status.HELD, "ditahan"), (Status.RECALLED, "ditarik"), (Status.UNUSABLE, "tak layak pakai")],
)
def test_a_stopped_lot_says_so(packer: Packer, status: Status, says: str) -> None:
    packer.stop(status)
    packer.fields = packer.road.form(f"{packer.path}/kemas")
    said = packer.scan("SOON")
    assert said[:2] == (200, "out")
    assert f"Lot SOON di {packer.room} {says}" in said[2]
    assert packer.soon not in packer.fields


def test_where_some_of_a_lot_is_stopped_the_good_ones_are_said(packer: Packer) -> None:
    packer.stop(Status.HELD, 5)
    status, tone, words = packer.scan("SOON")
    assert (status, tone) == (200, "low")
    assert f"Ambil hanya dari {packer.room}" in words
    assert "ditahan" in words
    assert packer.ticked(packer.soon)


def test_one_box_more_keeps_what_was_typed_and_ticked(packer: Packer) -> None:
    packer.scan("SOON")
    goods = packer.soon.removeprefix("v/")
    more = packer.road.send(
        f"{packer.path}/kemas/isi", packer.fields, tambah="ya", **{packer.soon: "4", "segel-1": "S"}
    )
    assert more.status_code == 200
    assert f'name="k/{goods}"' in more.text
    assert f'name="s/{goods}"' in more.text
    assert 'name="segel-2"' in more.text
    assert 'value="S"' in more.text


def test_a_return_ticks_what_goes_back_and_nothing_else(road: Road) -> None:
    road.recalled("az-10/AZ101")
    line = road.line("pkm-cipondoh-k2", "az-10/AZ101", "recalled")
    made = road.as_("kepala").leaving("retur", "pkm-cipondoh", ke="kota-tangerang", **{line: "4"})
    path = str(made.headers["location"])
    fields = road.form(f"{path}/kemas")
    right = road.send(f"{path}/kemas/isi", fields, kode="AZ101")
    assert right.status_code == 200
    assert line.replace("v/", "s/", 1) in right.text
    wrong = road.send(f"{path}/kemas/isi", fields, kode="CV101")
    assert "tidak termasuk yang dikembalikan" in wrong.text


def test_only_who_packs_may_scan_at_the_table(packer: Packer) -> None:
    page = packer.road.as_("kepala").site.get(packer.path)
    refused = packer.road.send(f"{packer.path}/kemas/isi", packer.fields, csrf=csrf_of(page.text), kode="SOON")
    assert refused.status_code == 403
    assert packer.road.as_("kota").send(f"{packer.path}/kemas/isi", {"kode": "SOON"}).status_code == 403


def test_a_wrong_packing_and_a_wrong_receipt_are_taken_back_on_the_page(road: Road) -> None:
    path = road.as_("kepala").order()
    road.as_("kota").send(f"{path}/setujui", road.form(path, f"{path}/setujui"))
    road.send(f"{path}/kemas", road.form(f"{path}/kemas"))
    fields = road.form(path, f"{path}/bongkar")
    assert "Kosongkan kotaknya" in road.site.get(path).text
    assert "Tulis alasannya" in road.send(f"{path}/bongkar", {**fields, "alasan": ""}).text
    for _ in range(2):
        assert road.send(f"{path}/bongkar", fields, alasan="salah kotak").status_code == 303
    assert road.shipment(path).state == "approved"
    packing = road.form(f"{path}/kemas")
    road.send(f"{path}/kemas", packing)
    assert road.send(f"{path}/bongkar", fields, alasan="salah kotak").status_code == 303
    assert road.shipment(path).state == "packed", "a late repeat empties no new boxes"
    again = road.send(f"{path}/berangkat", {"csrf": packing["csrf"], "kotak": fields["kotak"]})
    assert "dikemas ulang" in again.text
    road.send(f"{path}/berangkat", road.form(path, f"{path}/berangkat"))
    road.as_("kepala")
    taken = road.form(f"{path}/terima") | {"tempat": K1}
    assert road.send(f"{path}/terima", taken, semua="ya").status_code == 303
    fields = road.form(path, f"{path}/batal-terima")
    for _ in range(2):
        assert road.send(f"{path}/batal-terima", fields, alasan="salah kiriman").status_code == 303
    assert road.shipment(path).state == "in_transit"
    assert re.search(r"dibatalkan</strong>:\s+salah kiriman", road.site.get(path).text)
    assert road.as_("auditor").send(f"{path}/bongkar", {"csrf": csrf_of(road.site.get(path).text)}).status_code != 303
