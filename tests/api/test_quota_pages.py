"""A session and a booking at the desk, by their pages: forms without scripts do what the use cases do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.browser.page_world import PageWorld
from tests.db.test_network_facilities import collection, square
from tests.support.copies import more_of
from tests.support.network_api import Door
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.network.areas import import_areas
from tracker.people.models import Person
from tracker.quota.models import Booking, BookingStep, VaccinationSession
from tracker.quota.rules.words import BookingState, SessionState
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial
from tracker.stock.service.commands import OpenForSession
from tracker.stock.service.opening import open_for_session

__all__ = ["app_services", "made", "site", "world"]

WHY = {"alasan": "vaksinator sakit"}


def test_a_session_is_changed_cancelled_and_opened_again_by_its_page(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    log_in(site)
    path = f"/kuota/sesi/{world.sessions[0]}"
    page = site.get(path)
    assert page.status_code == 200
    csrf = {"csrf": csrf_of(page.text)}
    assert site.post(f"{path}/batal", data=WHY).status_code == 403
    assert site.post(f"{path}/batal", data=csrf).status_code == 422
    hours = {"mulai": "13:00", "selesai": "16:00", "kapasitas": "5"}
    assert site.post(f"{path}/ubah", data=csrf | WHY | hours).status_code == 303
    assert site.post(f"{path}/ubah", data=csrf | WHY | hours | {"selesai": "12:00"}).status_code == 422
    with transaction(app_services.engine) as db:
        found = db.get_one(VaccinationSession, world.sessions[0])
        assert (found.capacity, found.taken) == (5, 5)
    assert site.post(f"{path}/batal", data=csrf | WHY).status_code == 303
    text = site.get(path).text
    assert "Dibatalkan: vaksinator sakit" in text
    assert site.post(f"{path}/buka", data=csrf | {"alasan": "salah hari"}).status_code == 303
    with transaction(app_services.engine) as db:
        assert db.get_one(VaccinationSession, world.sessions[0]).state is SessionState.PLANNED
    assert "salah hari" in site.get(path).text
    assert site.post(f"{path}/apa", data=csrf | WHY).status_code == 404


def test_who_saves_hours_or_shares_drawn_before_others_were_saved_is_told_what_stands(
    site: TestClient, world: PageWorld
) -> None:
    path = f"/kuota/sesi/{world.sessions[0]}"
    log_in(site, "kepala")

    def drawn(page: str) -> dict[str, str]:
        text = site.get(page).text
        return {**WHY, "csrf": csrf_of(text), "versi": re.findall(r'name="versi" value="([^"]+)"', text)[0]}

    hours, shares = drawn(path), drawn(f"{path}/bagian")
    cases = {
        "ubah": (hours, {"mulai": "13:00", "selesai": "16:00"}, ("kapasitas", "50", "60")),
        "bagian": (shares, {"lepas-nakes": "2"}, ("orang-nakes", "1", "2")),
    }
    for act, (form, rest, (field, first, second)) in cases.items():
        assert site.post(f"{path}/{act}", data=form | rest | {field: first}).status_code == 303, act
        assert site.post(f"{path}/{act}", data=form | rest | {field: first}).status_code == 303, f"{act}: a repeat"
        late = site.post(f"{path}/{act}", data=form | rest | {field: second})
        words = unescape(late.text)
        assert late.status_code == 422, act
        assert "Sudah diubah orang lain" in words, act
        assert f" {first}" in words[words.index("Sekarang:") :][:120], act
        typed = re.search(rf'name="{field}"[^>]*value="([^"]*)"', words)
        assert typed, act
        assert typed[1] == second, f"{act}: what was typed stays"
        again = form | rest | {field: second, "versi": re.findall(r'name="versi" value="([^"]+)"', words)[0]}
        assert site.post(f"{path}/{act}", data=again).status_code == 303, act
    assert 'value="60"' in site.get(path).text


def test_whom_the_new_hours_did_not_reach_stands_on_the_page_of_the_session(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    path = f"/kuota/sesi/{world.sessions[0]}"
    csrf = {"csrf": csrf_of(log_in(site, "kepala").get(path).text)}
    assert "belum-dikabari" not in site.get(path).text
    hours = {"mulai": "13:00", "selesai": "16:00", "kapasitas": "50"}
    assert site.post(f"{path}/ubah", data=csrf | WHY | hours).status_code == 303
    with transaction(app_services.engine) as db:
        messages = db.scalars(select(OutMessage).where(OutMessage.template == "quota_session_changed")).all()
        unreached, *others = sorted(messages, key=lambda message: message.recipient_ref)
        for message in others:
            message.state, message.sent_at = MessageState.SENT, app_services.clock()
        unreached.state = MessageState.UNDELIVERABLE
        person = db.get_one(Person, UUID(unreached.recipient_ref))
        person.phone = "+62215551234"
    text = site.get(path).text
    assert "1 orang belum dikabari" in text
    assert 'href="tel:+62215551234"' in text
    # However often something else of the session is changed since.
    for places in range(51, 64):
        more = hours | {"kapasitas": str(places)}
        assert site.post(f"{path}/ubah", data=csrf | WHY | more).status_code == 303
    assert "1 orang belum dikabari" in site.get(path).text
    log_in(site, "auditor")
    seen = site.get(path).text
    assert ("1 orang belum dikabari" in seen, "tel:" in seen) == (True, False)
    log_in(site, "kepala")
    with transaction(app_services.engine) as db:
        reached = db.get_one(OutMessage, unreached.id)
        reached.state, reached.sent_at = MessageState.SENT, app_services.clock()
    assert "belum-dikabari" not in site.get(path).text


def test_a_session_s_people_and_whom_its_hours_did_not_reach_are_walked_to_the_end_by_page_and_http(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    session = world.sessions[0]
    path = f"/kuota/sesi/{session}"
    with transaction(app_services.engine) as db:
        one = db.scalars(select(Booking).where(Booking.session_id == session)).first()
        assert one is not None
        nobody = {"nik_hash": "NULL", "nik_cipher": "NULL", "nik_key": "NULL", "identity": "'none'"}
        anew = {"id": "gen_random_uuid()", "name": "'Warga Salinan'", "without_nik": "'no_papers'"}
        more_of(db, Person, 30, f"id = '{one.person_id}'", **nobody, **anew)
        for person in db.scalars(select(Person.id).where(Person.name == "Warga Salinan")):
            again = {"id": "gen_random_uuid()", "person_id": f"'{person}'", "replaces_id": "NULL"}
            more_of(db, Booking, 1, f"id = '{one.id}'", **again)
    csrf = {"csrf": csrf_of(log_in(site, "kepala").get(path).text)}
    hours = {"mulai": "13:00", "selesai": "16:00", "kapasitas": "50"}
    assert site.post(f"{path}/ubah", data=csrf | WHY | hours).status_code == 303
    with transaction(app_services.engine) as db:
        booked = {str(each) for each in db.scalars(select(Booking.id).where(Booking.session_id == session))}
    for part in ("belum-dikabari", "orang"):
        seen, onward = list[str](), path
        while onward:
            text = site.get(onward).text.split(f'id="{part}"')[1].split("</section>")[0]
            seen += dict.fromkeys(re.findall(r'href="/kuota/pendaftaran/([^"]+)"', text))
            onward = unescape(next(iter(re.findall(r'rel="next"\s+href="([^"#]+)', text)), ""))
        assert sorted(seen) == sorted(booked), part
    assert len(booked) > 30
    door = Door(client=site, services=app_services, world=world.world)
    told, more = list[dict[str, str]](), {"limit": "20"}
    while "cursor" not in more or more["cursor"]:
        page = door.get(f"/api/v1/sessions/{session}/untold", Role.VACCINATOR, **more)
        told, more = told + page["items"], {"limit": "20", "cursor": page["next_cursor"]}
    assert {each["booking"] for each in told} == booked
    assert "Warga Salinan" in {each["name"] for each in told}


def test_a_dose_typed_wrong_is_corrected_and_taken_back_and_what_is_left_is_thrown_away_by_their_pages(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        now = app_services.clock()
        desk = Desk(db, replace(world.world, now=now), now)
        desk.stock("penta-5/PB002", 2, place="pkm-cipondoh-k2")
        booking = db.scalars(select(Booking).where(Booking.session_id == world.sessions[0])).first()
        assert booking is not None
        booking_id = booking.id
        opening = OpenForSession(
            id=uuid7(),
            facility_id=world.world.puskesmas.id,
            session_id=world.sessions[0],
            batch_id=world.world.batches["penta-5/PB002"].id,
            place_id=world.world.equipment["pkm-cipondoh-k2"].id,
            occurred_at=now,
        )
        open_for_session(db, SYSTEM, opening, now=now)
        told = Vaccinate(booking_id=booking_id, override="dokter meminta hari ini")
        at = vaccinate(db, SYSTEM, told, now=now).vaccinated_at
        assert at is not None
        db.scalars(select(OpenVial)).one().discard_by = now - timedelta(minutes=1)
    log_in(site)
    path = f"/kuota/pendaftaran/{booking_id}"
    page = site.get(path).text
    assert "Jadwal dikesampingkan" in page
    csrf = {"csrf": csrf_of(page)}
    back = site.post(f"{path}/kembalikan", data=csrf | {"alasan": "orang lain", "keadaan": "confirmed"})
    assert back.status_code == 303
    assert "orang lain" in site.get(path).text
    assert site.post(f"{path}/kembalikan", data=csrf | WHY | {"keadaan": "lapsed"}).status_code == 422
    with transaction(app_services.engine) as db:
        assert db.get_one(Booking, booking_id).state is BookingState.CONFIRMED
        assert [step.to_state for step in db.scalars(select(BookingStep).order_by(BookingStep.id))][-1] == "confirmed"
    session = f"/kuota/sesi/{world.sessions[0]}"
    assert "5 dosis tersisa" in site.get(session).text
    assert site.post(f"{session}/buang", data=csrf).status_code == 303
    assert "dosis tersisa" not in site.get(session).text


def test_whose_people_a_facility_serves_is_said_on_its_page_with_and_without_imported_areas(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    page = "/fasilitas/pkm-cipondoh/wilayah"
    assert site.get(page).status_code == 303
    log_in(site, "kepala")
    assert "Wilayah pelayanan" in site.get("/fasilitas/pkm-cipondoh").text
    csrf = {"csrf": csrf_of(site.get("/fasilitas/pkm-cipondoh").text)}
    found = site.get(f"{page}?cari=36.71.05.1002").text
    assert f'action="{page}/tambah"' in found
    assert "Tidak ada kelurahan" in site.get(f"{page}?cari=Entah").text
    assert site.post(f"{page}/tambah", data={"area": "36.71.05.1002"}).status_code == 403
    assert site.post(f"{page}/tambah", data=csrf | {"area": "36.71.05.1002"}).status_code == 303
    assert f'action="{page}/hapus"' in site.get(page).text
    bad = site.post(f"{page}/tambah", data=csrf | {"area": "36.71"})
    assert (bad.status_code, "bukan kode kelurahan" in bad.text) == (422, True)
    assert site.post(f"{page}/apa", data=csrf).status_code == 404
    assert site.post(f"{page}/hapus", data=csrf | {"area": "36.71.05.1002"}).status_code == 303
    assert f'action="{page}/hapus"' not in site.get(page).text
    assert site.get("/fasilitas/pkm-tanah-tinggi/wilayah").status_code == 404
    away = "/fasilitas/pkm-tanah-tinggi/wilayah/tambah"
    assert site.post(away, data=csrf | {"area": "36.71.05.1002"}).status_code == 404
    with transaction(app_services.engine) as db:
        file = collection(("36.71.05.1003", "Poris Plawad", square(106.6, -6.2)))
        import_areas(db, SYSTEM, file, now=app_services.clock())
    assert "36.71.05.1003" in site.get(f"{page}?cari=plawad").text
    slip = site.post(f"{page}/tambah", data=csrf | {"area": "36.71.05.1999"})
    assert (slip.status_code, "tidak ada di antara wilayah" in slip.text) == (422, True)
    log_in(site, "vaksinator")
    assert f'action="{page}/tambah"' not in site.get(f"{page}?cari=plawad").text
