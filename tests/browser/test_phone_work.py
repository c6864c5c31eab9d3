"""A store's work on a phone: each job by one thumb, and what it writes down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.phone_page import all_sent, feels, house, network, scan, take, told, work
from tests.support.phone_house import PhoneHouse
from tracker.stock.rules.vials import vial_id

__all__ = ["house", "work"]


def test_what_must_not_be_used_is_never_green_without_a_network(work: Page, house: PhoneHouse) -> None:
    network(work, house, there=False)
    for lot, word in (("HELD1", "ditahan"), ("BACK1", "ditarik"), ("OLD1", "kedaluwarsa")):
        scan(work, lot)
        feels(work, "out", "Jangan dipakai")
        expect(work.locator("#result .state").first).to_have_class("state out")
        expect(work.locator("#result")).to_contain_text(word)
    scan(work, "TWICE")
    feels(work, "low", "Pindai labelnya, atau ketik salah satu: penta-5/TWICE, mr-10/TWICE")
    scan(work, "PB1")
    feels(work, "low", "Periksa dulu")
    scan(work, "PB2")
    feels(work, "ok", "Boleh dipakai")
    expect(work.locator("#result")).to_contain_text("20 Siap pakai")


def test_where_the_house_knows_worse_than_the_phone_its_word_is_felt(work: Page) -> None:
    # The stand-in's holdings know this lot, the house's catalogue does not.
    scan(work, "PB1")
    feels(work, "out", "Jangan dipakai")
    expect(work.locator("#result .state").first).to_have_class("state out")


def test_moving_goods_is_scan_scan_tap(work: Page, house: PhoneHouse) -> None:
    take(work, "transfer")
    scan(work, "PB1")
    scan(work, "PB1")
    scan(work, "kulkas-2")
    work.get_by_role("button", name="Pindahkan 2 vial").click()
    feels(work, "ok", "Tercatat")
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    line = {"batch": "pb1", "place": "kulkas-1", "status": "usable", "vials": 2, "to_place": "kulkas-2"}
    assert body["kind"] == "transfer"
    assert body["lines"] == [line]


def test_a_count_is_blind_until_it_is_written_down(work: Page, house: PhoneHouse) -> None:
    take(work, "count")
    scan(work, "kulkas-1")
    expect(work.locator("#job")).not_to_contain_text("40")
    work.get_by_label("Jumlah vial PB1", exact=True).fill("38")
    work.get_by_label("Jumlah vial PB2", exact=True).fill("20")
    work.get_by_role("button", name="Catat hitungan (2 dari 2 batch)").click()
    expect(work.locator("#job")).to_contain_text("38 / 40: selisih -2")
    expect(work.get_by_role("button", name="Kirim hitungan")).to_be_disabled()
    work.get_by_label("Mengapa?").select_option("pecah, tidak tercatat")
    work.get_by_role("button", name="Kirim hitungan").click()
    expect(work.locator("#job")).to_contain_text("38 / 40: selisih -2")
    expect(work.locator("#job")).to_contain_text("20 / 20: cocok")
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    expect(work.locator("#steps")).to_contain_text("menunggu orang kedua")
    lines = [(line["vials"], line.get("reason")) for line in body["lines"]]  # type: ignore[attr-defined]  # a wire body
    assert lines == [(38, "pecah, tidak tercatat"), (20, None)]


def test_a_box_opens_its_shipment_and_all_is_as_on_the_note(work: Page, house: PhoneHouse) -> None:
    take(work, "receive")
    scan(work, "189912345000000018")
    feels(work, "out", "Digit pemeriksa")
    scan(work, "00189912345000000017")
    feels(work, "ok", "Kotak 1 dari 1")
    expect(work.locator("#job")).to_contain_text("dari Dinkes Kota Tangerang")
    network(work, house, there=False)
    work.get_by_role("button", name="Semua sesuai surat (10 vial)").click()
    expect(work.locator("#job")).to_contain_text("Tidak ada kiriman dalam perjalanan")
    work.locator("#leave").click()
    network(work, house, there=True)
    all_sent(work)
    (body,) = told(house)
    assert body["shipment"] == "SJ-1"
    assert body["lines"] == [{"batch": "pb1", "place": "kulkas-1", "accepted": 10}]
    assert body["final"] is True


def test_a_receipt_says_what_was_broken_and_what_is_still_to_come(work: Page, house: PhoneHouse) -> None:
    take(work, "receive")
    scan(work, "sj-1")
    work.get_by_role("button", name="Periksa satu per satu").click()
    work.get_by_label("Diterima PB1", exact=True).fill("7")
    work.get_by_text("Ada masalah").click()
    work.get_by_label("Ditolak PB1", exact=True).fill("2")
    expect(work.get_by_role("button", name="Catat penerimaan")).to_be_disabled()
    work.get_by_label("Mengapa?").select_option("broken")
    work.get_by_role("button", name="Catat penerimaan").click()
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    assert body["lines"] == [{"batch": "pb1", "place": "kulkas-1", "accepted": 7, "rejected": 2, "reason": "broken"}]
    assert body["final"] is False


def test_opening_refuses_what_is_held_and_wasting_wants_a_reason(work: Page, house: PhoneHouse) -> None:
    take(work, "opening")
    scan(work, "HELD1")
    feels(work, "out", "ditahan")
    scan(work, "BACK1")  # its recall did not stop what lies here
    feels(work, "low", "Ambil hanya dari Kulkas 2. Batch ini ditarik di tempat lain")
    work.get_by_label("Jumlah vial BACK1 −1").click()
    scan(work, "PB1")
    work.get_by_role("button", name="Buka 1 vial").click()
    feels(work, "ok", "Tercatat")
    work.locator("#leave").click()
    take(work, "waste")
    scan(work, "OLD1")
    expect(work.get_by_role("button", name="Buang 1 vial")).to_be_disabled()
    work.get_by_role("button", name="kedaluwarsa").click()
    work.get_by_role("button", name="Buang 1 vial").click()
    work.locator("#leave").click()
    take(work, "discard")
    work.get_by_role("button", name="Buang sisanya").click()
    work.get_by_role("button", name="sesi selesai").click()
    work.locator("#leave").click()
    all_sent(work, 3)
    assert [body.get("kind") or body.get("reason") for body in told(house)] == ["opening", "waste", "session_end"]


def test_picking_takes_the_first_to_expire_and_refuses_the_wrong(work: Page, house: PhoneHouse) -> None:
    take(work, "pick")
    scan(work, "SJ-2")
    feels(work, "ok", "→ Puskesmas Cipondoh")
    scan(work, "HELD1")
    feels(work, "out", "ditahan")
    scan(work, "OLD1")
    feels(work, "out", "kedaluwarsa")
    scan(work, "PB2")
    feels(work, "low", "PB1 lebih dulu")
    scan(work, "PB1")
    feels(work, "ok", "2 / 12")
    done = work.get_by_role("button", name="Tutup kotak (2 vial)")
    expect(done).to_be_disabled()
    why = work.get_by_label("Mengapa bukan lot PB1 dahulu?")
    why.select_option("other")
    expect(done).to_be_disabled()
    work.get_by_label("Catatan PB2", exact=True).press_sequentially("rak macet")
    done.click()
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    assert body["shipment"] == "SJ-2"
    assert body["boxes"][0]["lines"] == [  # type: ignore[index]  # a wire body
        {"batch": "pb1", "place": "kulkas-1", "vials": 1},
        {"batch": "pb2", "place": "kulkas-1", "vials": 1, "reason": "other", "note": "rak macet"},
    ]


def test_the_last_step_is_taken_back_with_a_reason(work: Page, house: PhoneHouse) -> None:
    take(work, "opening")
    scan(work, "PB1")
    work.get_by_role("button", name="Buka 1 vial").click()
    work.locator("#leave").click()
    work.get_by_role("button", name="Batalkan langkah terakhir").click()
    work.get_by_role("button", name="salah pindai").click()
    expect(work.locator("#steps li")).to_have_count(2)
    all_sent(work, 2)
    opening, reversal = told(house)
    assert reversal["event"] == opening["id"]
    expect(work.locator("#undo button")).to_have_count(0)
    scan(work, "PB1")
    expect(work.locator("#result")).to_contain_text("40 Siap pakai")


def test_an_order_is_approved_packed_and_sent_off_without_a_network(work: Page, house: PhoneHouse) -> None:
    network(work, house, there=False)
    take(work, "approve")
    scan(work, "SJ-3")
    expect(work.locator("#job")).to_contain_text("diminta 70, dapat dikirim 60")
    amount = work.locator("#job .stepper input")
    amount.fill("3")
    work.wait_for_timeout(400)  # fingers take the scanner
    for code in ("8991234567890", "(01)08991234567891(10)LAIN"):
        amount.focus()
        work.keyboard.type(code)
        work.keyboard.press("Enter")
        feels(work, "out", code)
        expect(amount).to_have_value("3")
    work.get_by_role("button", name="Setujui 3 vial").click()
    expect(work.locator("#job")).to_contain_text("Tidak ada permintaan")
    work.locator("#leave").click()
    work.get_by_role("button", name="Batalkan langkah terakhir").click()
    work.get_by_role("button", name="salah jumlah").click()
    take(work, "approve")
    scan(work, "SJ-3")
    amount.fill("3")
    work.get_by_role("button", name="Setujui 3 vial").click()
    work.locator("#leave").click()
    take(work, "pick")
    scan(work, "SJ-3")
    scan(work, "PB1")
    expect(work.locator("#job")).to_contain_text("1 / 3")
    work.locator("summary").click()
    work.get_by_label("Nomor segel").fill("S-77")
    work.get_by_label("Nomor pencatat suhu").fill("LOG-9")
    work.get_by_role("button", name="Tutup kotak (1 vial)").click()
    work.locator("#leave").click()
    take(work, "dispatch")
    scan(work, "SJ-1")
    feels(work, "out", "belum siap berangkat dari sini")
    scan(work, "SJ-3")
    work.get_by_role("button", name="Sudah berangkat").click()
    expect(work.locator("#job")).to_contain_text("Tidak ada kiriman yang sudah dikemas")
    work.locator("#leave").click()
    network(work, house, there=True)
    all_sent(work, 5)
    approved, undone, again, packed, left = told(house)
    assert undone == {"shipment": "SJ-3", "vials": {"0": 3}, "reason": "salah jumlah"}
    for body in (approved, again):
        assert (body["shipment"], body["vials"]) == ("SJ-3", {"0": 3})
    line = {"batch": "pb1", "place": "kulkas-1", "vials": 1}
    boxes = cast("list[dict[str, object]]", packed["boxes"])
    assert [box.pop("id") is not None for box in boxes] == [True]
    assert boxes == [{"seal": "S-77", "logger": "LOG-9", "lines": [line]}]
    assert left["shipment"] == "SJ-3"
    steps = next(iter(house.steps.values()))
    ids = [step["id"] for step in steps]
    assert [step["needs"] for step in steps] == [ids[:number] for number in range(5)]


def test_a_vial_opened_without_a_network_is_thrown_away_there_and_taken_back(work: Page, house: PhoneHouse) -> None:
    network(work, house, there=False)
    take(work, "opening")
    scan(work, "PB2")
    work.get_by_role("button", name="Buka 1 vial").click()
    work.locator("#leave").click()
    take(work, "discard")
    scan(work, "PB2")
    expect(work.locator("#job")).to_contain_text("sisa 5 dari 5 dosis")
    work.get_by_role("button", name="sesi selesai").click()
    feels(work, "ok", "Tercatat")
    scan(work, "PB2")
    feels(work, "out", "Tidak ada vial terbuka")
    work.locator("#leave").click()
    work.get_by_role("button", name="Batalkan langkah terakhir").click()
    work.get_by_role("button", name="salah pindai").click()
    take(work, "discard")
    scan(work, "PB2")
    feels(work, "ok", "PB2")
    work.locator("#leave").click()
    network(work, house, there=True)
    all_sent(work, 3)
    opening, discard, kept = told(house)
    vial = str(vial_id(UUID(str(opening["id"])), 0))
    assert (discard["open_vial"], discard["reason"]) == (vial, "session_end")
    assert kept == {"open_vial": vial, "doses": 5, "reason": "salah pindai"}


@pytest.fixture
def slow(work: Page) -> Iterator[Page]:
    """Four times slower than this machine."""
    session = work.context.new_cdp_session(work)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    yield work
    session.detach()


def test_a_slow_phone_scans_one_after_another_without_a_tap(slow: Page) -> None:
    take(slow, "transfer")
    for _ in range(10):
        scan(slow, "PB1")
    expect(slow.get_by_label("Jumlah vial PB1", exact=True)).to_have_value("10")
    assert slow.evaluate("document.activeElement.id") == "text"
    assert slow.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
