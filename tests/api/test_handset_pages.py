"""The pages of phones: a conflict is looked at and decided, a lost phone is cut off, and who may only look sees no button."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from tests.api.test_desk_pages import Meja, meja
from tests.browser.page_world import PageWorld
from tests.support.page_site import HTML, SECRET, app_services, csrf_of, log_in, made, short_dated, site, world
from tests.support.phone import Phone
from tests.support.quota import fresh_nik
from tests.support.world import PASSWORD
from tracker.access.models import LoginAccount, RoleGrant
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.handsets.sealed import public_point, sealed_for
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.quota.rules.words import BookingState
from tracker.sealing.keyring import Keyring
from tracker.stock.models import OpenVial

__all__ = ["app_services", "made", "meja", "site", "world"]


@pytest.fixture
def phone(site: TestClient, app_services: Services, world: PageWorld) -> Phone:
    del world
    token = site.post("/api/v1/tokens", json={"username": "vaksinator", "password": PASSWORD}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    found = Phone(site, headers, "pkm-cipondoh", app_services.clock())
    assert found.enrol().status_code == 201
    return found


def refused(phone: Phone) -> str:
    """A step the house refuses; its id."""
    step = phone.event("waste", 5000, reason="broken", batch="az-10/AZ101", place="pkm-cipondoh-k2")
    assert phone.sent()[-1]["state"] == "conflict"
    return step


def form(site: TestClient, path: str) -> dict[str, str]:
    """The hidden fields of the page's own form, and the amounts as they stand."""
    text = site.get(path, headers=HTML).text
    main = text[text.index("<main") :]
    fields = dict(re.findall(r'name="(nomor|jumlah-[\w-]+)"\s+value="([^"]*)"', main))
    return {**fields, "csrf": csrf_of(text)}


def test_a_conflict_stays_of_the_facility_where_it_was_done_though_its_phone_works_elsewhere(
    site: TestClient, phone: Phone, app_services: Services
) -> None:
    step = refused(phone)
    with transaction(app_services.engine) as db:
        mover = select(LoginAccount.id).where(LoginAccount.username == "vaksinator").scalar_subquery()
        there = select(Facility.id).where(Facility.code == "pkm-tanah-tinggi").scalar_subquery()
        db.execute(update(RoleGrant).where(RoleGrant.account_id == mover).values(unit_id=there))
    assert phone.enrol(facility="pkm-tanah-tinggi").status_code == 201
    log_in(site, "vaksinator")
    assert step not in site.get("/gawai/bentrok").text
    assert site.get(f"/gawai/bentrok/{step}").status_code == 404
    here = site.get("/gawai").text
    assert f"g-{phone.id}" in here
    assert "menunggu" not in here[here.index("<main") :]
    log_in(site, "kepala")
    path = f"/gawai/bentrok/{step}"
    fields = form(site, path)
    shown = site.get(path).text
    assert "Puskesmas Cipondoh" in shown
    assert "AZ101" in shown[shown.index("<main") :]
    done = site.post(path, data={**fields, "cara": "batalkan", "alasan": "dicek di rak"})
    assert done.status_code == 303, done.text


def test_a_conflict_is_shown_with_both_versions_and_corrected(site: TestClient, phone: Phone) -> None:
    step = refused(phone)
    log_in(site, "kepala")
    listed = site.get("/gawai/bentrok", headers=HTML).text
    assert f"/gawai/bentrok/{step}" in listed
    assert "Saldo akan menjadi negatif" in listed
    path = f"/gawai/bentrok/{step}"
    shown = site.get(path, headers=HTML).text
    assert "5.000" in shown
    assert "AZ101" in shown
    assert "pkm-cipondoh-k2" in shown.lower()
    fields = form(site, path)
    assert fields["jumlah-0-vials"] == "5000"

    for said, why in (
        ({"cara": "betulkan", "alasan": ""}, "Tulis alasannya"),
        ({"cara": "apa", "alasan": "dicek"}, "Pilih salah satu"),
        ({"cara": "betulkan", "alasan": "dicek", "jumlah-0-vials": "banyak"}, "Tulis bilangan bulat"),
        ({"cara": "betulkan", "alasan": "dicek", "jumlah-0-vials": "89912345"}, "Ini kode, bukan jumlah: 89912345"),
        ({"cara": "betulkan", "alasan": "dicek", "waktu": "kemarin"}, "waktu dengan tanggal"),
        ({"cara": "lagi", "alasan": "dicek"}, "Saldo akan menjadi negatif"),
    ):
        again = site.post(path, data={**fields, **said}, headers=HTML)
        assert again.status_code == 200
        assert why in again.text
        assert phone.sent()[-1]["state"] == "conflict"

    decided = {**fields, "cara": "betulkan", "alasan": "salah ketik nol", "jumlah-0-vials": "2"}
    for _ in range(2):  # a double tap decides once
        answer = site.post(path, data=decided, headers=HTML, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert phone.sent()[-1]["state"] == "done"
    after = site.get(path, headers=HTML).text
    assert "salah ketik nol" in after
    assert "Simpan keputusan" not in after


def test_what_a_wrong_clock_wrote_is_recorded_with_the_right_time(site: TestClient, phone: Phone) -> None:
    then = phone.now
    phone.now = then + timedelta(days=1)
    step = phone.event("supply", 3, batch="az-10/AZ101", place="pkm-cipondoh-k2")
    phone.now = then
    assert phone.sent()[-1]["code"] == "stock.too_far_ahead"
    log_in(site, "kepala")
    path = f"/gawai/bentrok/{step}"
    fields = form(site, path) | {"cara": "betulkan", "alasan": "jam ponsel sehari di depan"}
    assert "dengan tanggal dan jam" in site.post(path, data={**fields, "waktu": "kemarin"}, headers=HTML).text
    shown = re.search(r'name="waktu"\s+type="datetime-local"\s+value="([^"]+)"', site.get(path, headers=HTML).text)
    assert shown is not None
    said = datetime.fromisoformat(shown[1])
    assert said == (then + timedelta(days=1)).astimezone(ZoneInfo("Asia/Jakarta")).replace(
        second=0, microsecond=0, tzinfo=None
    )
    kept = site.post(path, data={**fields, "waktu": (said - timedelta(days=1)).isoformat()}, headers=HTML)
    assert kept.status_code == 303, kept.text
    assert phone.sent()[-1]["state"] == "done"


def test_who_may_only_look_sees_the_conflict_and_no_way_out(site: TestClient, phone: Phone) -> None:
    step = refused(phone)
    log_in(site, "auditor")
    path = f"/gawai/bentrok/{step}"
    text = site.get(path, headers=HTML).text
    assert "5.000" in text
    assert "Simpan keputusan" not in text
    said = {"csrf": csrf_of(text), "cara": "batalkan", "alasan": "iseng"}
    assert site.post(path, data=said, headers=HTML).status_code == 403
    assert "Putuskan</a>" not in site.get("/gawai", headers=HTML).text
    assert phone.sent()[-1]["state"] == "conflict"


def test_a_colleague_who_was_quicker_is_told(site: TestClient, phone: Phone) -> None:
    step = refused(phone)
    log_in(site, "kepala")
    path = f"/gawai/bentrok/{step}"
    fields = form(site, path)
    assert phone.settle(step, "drop").status_code == 200
    answer = site.post(path, data={**fields, "cara": "batalkan", "alasan": "saya juga"}, headers=HTML)
    assert answer.status_code == 303
    shown = site.get(path, headers=HTML).text
    assert "dicek di rak" in shown
    assert "saya juga" not in shown


def test_a_lost_phone_is_cut_off_after_being_asked_once(site: TestClient, phone: Phone) -> None:
    phone.event("supply", 1)
    log_in(site, "kepala")
    listed = site.get("/gawai", headers=HTML).text
    assert "Ponsel gudang" in listed
    asked = site.get(f"/gawai?putus={phone.id}", headers=HTML).text
    assert "Sungguh tutup akses" in asked
    path = f"/gawai/{phone.id}/putus"
    without = site.post(path, data={"csrf": csrf_of(asked), "alasan": " "}, headers=HTML)
    assert "Tulis alasannya" in without.text
    assert phone.enrol().status_code == 200
    done = site.post(path, data={"csrf": csrf_of(asked), "alasan": "hilang di pasar"}, headers=HTML)
    assert done.status_code == 303
    assert "Ponsel gudang" not in site.get("/gawai", headers=HTML).text
    assert phone.send().status_code in {401, 403}


def test_phones_and_conflicts_are_turned_to_the_last(site: TestClient, phone: Phone) -> None:
    steps = {phone.event("waste", 5000, reason="broken") for _ in range(45)}
    phone.sent()
    others = [Phone(site, phone.headers, phone.facility, phone.now) for _ in range(44)]
    assert all(each.enrol().status_code == 201 for each in others)
    log_in(site, "kepala")
    for path, pattern, wanted in (
        ("/gawai/bentrok", r"/gawai/bentrok/([0-9a-f-]{36})", steps),
        ("/gawai", r'id="g-([0-9a-f-]{36})"', {phone.id, *(each.id for each in others)}),
    ):
        seen: list[str] = []
        here: str | None = path
        while here:
            text = site.get(here, headers=HTML).text
            seen += re.findall(pattern, text)
            onward = re.search(rf'rel="next"\s+href="({path}\?sesudah=[^"]+)"', text)
            here = onward[1] if onward else None
        assert len(seen) == len(wanted)
        assert set(seen) == wanted
    assert site.get("/gawai?sesudah=x", headers=HTML).status_code == 422
    # The last page, too, asks about its own phone, and asks again when no reason was given.
    (way,) = re.findall(rf'href="(/gawai\?[^"]*putus={seen[-1]})#', text)
    asked = site.get(unescape(way), headers=HTML).text
    assert "Sungguh tutup akses" in asked
    fields = {"csrf": csrf_of(asked), "alasan": "", "sesudah": re.findall(r'name="sesudah" value="([^"]*)"', asked)[0]}
    again = site.post(f"/gawai/{seen[-1]}/putus", data=fields, headers=HTML).text
    assert "Sungguh tutup akses" in again
    assert "Tulis alasannya" in again


def test_a_box_packed_out_of_turn_is_recorded_with_the_reason_that_a_person_gives(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    token = site.post("/api/v1/tokens", json={"username": "gudang", "password": PASSWORD}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    phone = Phone(site, headers, "kota-tangerang", app_services.clock())
    assert phone.enrol().status_code == 201
    order = {"id": str(uuid7()), "from": "kota-tangerang", "to": "pkm-cipondoh"}
    order["lines"] = [{"product": "penta-5", "vials": 6}]  # type: ignore[assignment]  # a wire body
    code = site.post("/api/v1/shipments", json=order, headers=headers).json()["code"]
    short_dated(app_services, world)
    line = {"batch": "penta-5/PB002", "place": "kota-tangerang-r1", "vials": 6}
    step = phone.write("shipment.pack", {"shipment": code, "boxes": [{"lines": [line]}]})
    assert phone.sent()[-1]["state"] == "conflict"
    path = f"/gawai/bentrok/{step}"
    shown = log_in(site, "gudang").get(path, headers=HTML).text
    assert "harus keluar dahulu" in shown
    assert "PB002" in shown
    fields = {**form(site, path), "cara": "betulkan", "alasan": "lemari SOON terkunci"}
    assert "harus keluar dahulu" in site.post(path, data={**fields, "lot-0": ""}).text
    assert site.post(path, data={**fields, "lot-0": "other"}).status_code == 303
    (packed,) = site.get(f"/api/v1/shipments/{code}", headers=headers).json()["boxes"][0]["lines"]
    said = {name: packed[name] for name in ("lot", "vials", "reason", "note", "instead_of")}
    assert said == {
        "lot": "PB002",
        "vials": 6,
        "reason": "other",
        "note": "lemari SOON terkunci",
        "instead_of": "SOON",
    }


def test_a_dose_of_no_known_vial_is_decided_beside_who_had_it_and_who_walked_in_is_named_to_the_desk_alone(
    site: TestClient, phone: Phone, meja: Meja, app_services: Services
) -> None:
    booking, _ = meja.booked(name="Siti Aminah")
    at = app_services.clock().isoformat()
    place = "pkm-cipondoh-k2"
    vial = phone.event("opening", 1, batch="az-10/AZ003", place=place)
    dose = phone.write("booking.vaccinate", {"booking": str(booking), "open_vial": str(uuid7()), "occurred_at": at})
    sealed = sealed_for(public_point(Keyring((SECRET,))), {"id": str(uuid7()), "nik": fresh_nik(), "name": "Rina Tamu"})
    guest = {"id": str(uuid7()), "session": str(meja.session), "sealed": sealed, "dose": 9, "occurred_at": at}
    walked = phone.write("session.walk_in", guest)
    assert [item["code"] for item in phone.sent()] == [None, "stock.open_vial_not_found", "quota.dose_not_served"]
    log_in(site, "auditor")
    assert "Rina Tamu" not in site.get(f"/gawai/bentrok/{walked}", headers=HTML).text
    log_in(site, "kepala")
    assert "Rina Tamu" in site.get(f"/gawai/bentrok/{walked}", headers=HTML).text
    path = f"/gawai/bentrok/{dose}"
    text = site.get(path, headers=HTML).text
    assert f"/meja/orang/{booking}" in text
    with transaction(app_services.engine) as db:
        opened = db.scalars(select(OpenVial.id).where(OpenVial.event_id == UUID(vial))).one()
    assert f'value="{opened}"' in text
    said = {**form(site, path), "cara": "betulkan", "alasan": "vial di baki kedua", "vial": str(opened)}
    kept = site.post(path, data=said, headers=HTML, follow_redirects=False)
    assert kept.status_code == 303, kept.text
    assert meja.state(booking) is BookingState.VACCINATED
    assert "AZ003" in site.get(path, headers=HTML).text


def test_an_approval_that_came_too_late_is_kept_corrected_or_dropped(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    def headers(username: str) -> dict[str, str]:
        token = site.post("/api/v1/tokens", json={"username": username, "password": PASSWORD}).json()["access_token"]
        return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    city = Phone(site, headers("kota"), "kota-tangerang", app_services.clock())
    assert city.enrol().status_code == 201
    ends = {"id": str(uuid7()), "from": "kota-tangerang", "to": "pkm-cipondoh", "kind": "order"}
    lines = [{"product": "penta-5", "vials": 7}, {"product": "az-10", "vials": 3}]
    order = site.post("/api/v1/shipments", json={**ends, "lines": lines}, headers=headers("kepala")).json()["code"]
    for path, body in (("approve", {"vials": {"1": 0}}), ("pack", {})):
        answer = site.post(f"/api/v1/shipments/{order}/{path}", json=body, headers=city.headers)
        assert answer.status_code == 200, answer.text
    step = city.write("shipment.approve", {"shipment": order, "vials": {"0": 5, "1": 0}})
    assert city.sent()[-1]["code"] == "shipments.packed_already"
    log_in(site, "kota")
    path = f"/gawai/bentrok/{step}"
    shown = " ".join(unescape(site.get(path, headers=HTML).text).split())
    assert "Kosongkan kotaknya dahulu" in shown
    assert "diminta 7 · disetujui 7" in shown
    fields = form(site, path)
    assert (fields["jumlah-0-vials"], fields["jumlah-1-vials"]) == ("5", "0")
    (box,) = site.get(f"/api/v1/shipments/{order}", headers=city.headers).json()["boxes"]
    undo = {"reason": "jumlah lain", "box": box["id"]}
    unpacked = site.post(f"/api/v1/shipments/{order}/unpack", json=undo, headers=city.headers)
    assert unpacked.status_code == 200, unpacked.text
    decided = {**fields, "cara": "betulkan", "alasan": "enam cukup", "jumlah-0-vials": "6"}
    assert site.post(path, data=decided, headers=HTML, follow_redirects=False).status_code == 303
    told = site.get(f"/api/v1/shipments/{order}", headers=city.headers).json()
    assert [line["approved"] for line in told["lines"]] == [6, 0]
