"""Adverse events on pages and over HTTP: told at the desk, listed without names, looked at on record, a task where serious."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from tests.api.test_desk_pages import Meja, app_services, made, meja, site, words_of, world
from tests.support.accounts import signed_in
from tests.support.quota import Desk, fresh_nik
from tracker.access.rules import Role
from tracker.adverse.models import AdverseEvent
from tracker.kit.ids import uuid7
from tracker.people.models import PersonRecord
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState

__all__ = ["app_services", "made", "meja", "site", "world"]


@pytest.fixture
def given(meja: Meja) -> UUID:
    """Somebody who had their dose a moment ago."""
    booking, _ = meja.booked(name="Rahmat Hidayat")

    def serve(desk: object) -> None:
        row = desk.db.get_one(Booking, booking)  # type: ignore[attr-defined]  # a desk
        for state in (BookingState.ARRIVED, BookingState.FIT):
            desk.move(row, state)  # type: ignore[attr-defined]  # a desk
        desk.vaccinate(row)  # type: ignore[attr-defined]  # a desk

    meja.done(serve)
    return booking


def told(meja: Meja, booking: UUID, **more: str) -> UUID:
    fields = {"nomor": str(uuid7()), "g-fever": "1", "akibat": "recovering", **more}
    for _ in range(2):  # a second tap is the same event
        answer = meja.send(f"/kipi/baru/{booking}", **fields)
        assert answer.status_code == 303, words_of(answer)
    return UUID(answer.headers["location"].removeprefix("/kipi/"))


def test_told_at_the_desk_it_is_on_the_persons_page_in_the_list_and_with_the_batch(meja: Meja, given: UUID) -> None:
    assert "Catat KIPI" in words_of(meja.site.get(f"/meja/orang/{given}"))
    event = told(meja, given, kata="menggigil")
    assert meja.done(lambda desk: desk.db.scalar(select(func.count()).select_from(AdverseEvent))) == 1
    assert f"/kipi/{event}" in meja.site.get(f"/meja/orang/{given}").text
    shown = words_of(meja.site.get("/kipi"))
    assert "Demam" in shown
    assert "Rahmat" not in shown
    batch = meja.done(lambda desk: desk.db.get_one(Booking, given).batch_id)
    about = words_of(meja.site.get(f"/batch/{batch}"))
    assert "1 KIPI sesudah dosis batch ini" in about
    assert "Rahmat" not in about
    assert "Demam; menggigil" in words_of(meja.site.get(f"/kipi/{event}"))


def test_who_looks_at_one_is_kept_with_the_person(meja: Meja, given: UUID) -> None:
    event = told(meja, given)
    person = meja.done(lambda desk: desk.db.get_one(Booking, given).person_id)

    def looks() -> int:
        query = select(func.count()).select_from(PersonRecord).where(PersonRecord.person_id == person)
        return meja.done(lambda desk: desk.db.scalar(query) or 0)

    before = looks()
    meja.site.get("/kipi")
    assert looks() == before
    meja.site.get(f"/kipi/{event}")
    headers = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    assert meja.site.get(f"/api/v1/adverse-events/{event}", headers=headers).status_code == 200
    assert looks() == before + 2


def test_a_form_that_cannot_be_so_says_what_is_wrong_beside_its_field(meja: Meja, given: UUID) -> None:
    for fields, words in (
        ({}, "Pilih paling sedikit satu gejala"),
        ({"g-fever": "1", "akibat": "died"}, "KIPI ini serius"),
        ({"g-fever": "1", "mulai": "2020-01-01T08:00"}, "sesudah dosisnya"),
        ({"g-fever": "1", "mulai": "kemarin"}, "Waktu itu tidak ada"),
        ({"g-hiccup": "1"}, "tidak ada di daftar"),
    ):
        answer = meja.send(f"/kipi/baru/{given}", **fields)
        assert (answer.status_code, words in words_of(answer)) == (422, True), (fields, words_of(answer))
    assert meja.site.get(f"/kipi/baru/{uuid7()}").status_code == 404
    assert meja.site.get(f"/kipi/{uuid7()}").status_code == 404


def test_a_serious_one_is_a_task_at_home_until_it_is_answered(meja: Meja, given: UUID) -> None:
    event = told(meja, given, serius="1")
    for who, home in (("kepala", "Tindak lanjuti KIPI serius"), ("kota", "1 KIPI serius menunggu Anda")):
        meja.as_(who)
        assert home in words_of(meja.site.get("/"))
        assert meja.send(f"/kipi/{event}/tindak", tindakan=" ").status_code == 422
        assert meja.send(f"/kipi/{event}/tindak", tindakan="Dirujuk dan dipantau").status_code == 303
        assert home not in words_of(meja.site.get("/"))
    assert words_of(meja.site.get(f"/kipi/{event}")).count("Dirujuk dan dipantau") == 2


def test_a_correction_needs_a_reason_and_keeps_what_stood(meja: Meja, given: UUID) -> None:
    event = told(meja, given)
    right = {"g-rash": "1", "akibat": "recovered"}
    assert meja.send(f"/kipi/{event}/betulkan", **right).status_code == 422
    assert meja.send(f"/kipi/{event}/betulkan", **right, alasan="salah pilih gejala").status_code == 303
    shown = words_of(meja.site.get(f"/kipi/{event}"))
    assert "Ruam atau gatal" in shown.partition("Sebelum dibetulkan")[0]
    assert "Demam" in shown.partition("Sebelum dibetulkan")[2]
    meja.as_("auditor")
    assert meja.site.get("/kipi").status_code == 403
    assert meja.site.get(f"/kipi/{event}").status_code == 404


def test_who_was_vaccinated_elsewhere_is_found_by_number_and_told_of_where_they_came(meja: Meja) -> None:
    nik = fresh_nik()

    def given_elsewhere(desk: Desk) -> UUID:
        there = desk.world.neighbour
        desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
        person = desk.person(nik=nik, name="Wulan Sari", unit_id=there.id)
        booking = desk.move(desk.confirmed(desk.session(ahead=0, facility=there), person), BookingState.ARRIVED)
        desk.vaccinate(desk.move(booking, BookingState.FIT))
        return booking.id

    dose = meja.done(given_elsewhere)
    assert meja.site.get(f"/kipi/baru/{dose}").status_code == 404
    assert meja.site.get(f"/kipi/baru/{dose}?di=pkm-cipondoh").status_code == 404
    assert "/kipi/di/pkm-cipondoh" in meja.site.get("/kipi").text
    assert meja.site.get("/kipi/di/pkm-tanah-tinggi").status_code == 404
    assert meja.send("/kipi/di/pkm-cipondoh", siapa=fresh_nik()).status_code == 422
    found = meja.send("/kipi/di/pkm-cipondoh", siapa=nik)
    assert "Wulan Sari" in words_of(found)
    taken = meja.send(f"/kipi/di/pkm-cipondoh/{dose}")
    form = taken.headers["location"]
    assert "Wulan Sari" in words_of(meja.site.get(form))
    fields = {"nomor": str(uuid7()), "g-fever": "1", "akibat": "recovering"}
    one = [meja.send(form, **fields).headers["location"] for _ in range(2)]
    assert one[0] == one[1]
    shown = words_of(meja.site.get(one[0]))
    assert "Datang ke Puskesmas Cipondoh" in shown
    assert "Puskesmas Tanah Tinggi" in shown
    assert meja.send(f"{one[0]}/betulkan", **{"g-rash": "1", "akibat": "recovered"}, alasan="salah").status_code == 303
    body = {"id": str(uuid7()), "booking": str(dose), "onset": meja.services.clock().isoformat(), "serious": False}
    headers = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    told = {**body, "symptoms": ["fever"], "facility": "pkm-cipondoh"}
    assert meja.site.post("/api/v1/adverse-events", json=told, headers=headers).status_code == 201


def test_other_systems_tell_list_correct_and_count_them(meja: Meja, given: UUID, site: TestClient) -> None:
    headers = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    now = meja.services.clock()
    body = {
        "id": str(uuid7()),
        "booking": str(given),
        "onset": now.isoformat(),
        "symptoms": ["fainting"],
        "serious": False,
    }
    assert [site.post("/api/v1/adverse-events", json=body, headers=headers).status_code for _ in range(2)] == [201, 200]
    late = {**body, "id": str(uuid7()), "onset": (now + timedelta(days=1)).isoformat()}
    answer = site.post("/api/v1/adverse-events", json=late, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "adverse.bad_onset")
    change = {**{k: body[k] for k in ("onset", "symptoms")}, "serious": True, "reason": "dirawat semalam"}
    one = site.put(f"/api/v1/adverse-events/{body['id']}", json=change, headers=headers).json()
    assert (one["serious"], one["booking"]) == (True, str(given))
    listed = site.get("/api/v1/adverse-events?waiting=office", headers=headers).json()["items"]
    assert [(item["id"], "person" in item) for item in listed] == [(body["id"], False)]
    tally = site.get(f"/api/v1/adverse-events/tally?batch={one['batch']}", headers=headers).json()
    assert (tally["told"], tally["serious"]) == (1, 1)
    (before,) = site.get(f"/api/v1/adverse-events/{body['id']}/changes", headers=headers).json()["items"]
    assert before["before"]["serious"] is False
    symptom = {"word_id": "Cegukan", "word_en": "Hiccups"}
    assert site.put("/api/v1/adverse-symptoms/hiccups", json=symptom, headers=headers).status_code == 403
    nation = signed_in(meja.services, meja.world.world, Role.NATIONAL)
    assert site.put("/api/v1/adverse-symptoms/hiccups", json=symptom, headers=nation).json()["word_en"] == "Hiccups"
