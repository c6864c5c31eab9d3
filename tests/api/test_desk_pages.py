"""The desk of a session on its pages: by ticket, number, name and claim, without a place, from paper; refused, repeated, out of reach."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from html import unescape
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select, update

from dashboard.frame.texts import texts_of
from tests.browser.page_world import PageWorld
from tests.support.page_site import SECRET, app_services, csrf_of, log_in, made, site, world
from tests.support.quota import Desk, fresh_nik
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.service import queue_message
from tracker.edge.services import Services
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.people.models import Person, PersonRecord
from tracker.people.rules.words import PersonAct
from tracker.people.service import NewPerson, register_person
from tracker.people.silence import silence
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import NewBucket, PlanSession
from tracker.quota.service.sessions import plan_session
from tracker.registration.service.tickets import TicketOffice, ticket_of
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Kind

__all__ = ["app_services", "made", "site", "world"]

ZONE = ZoneInfo("Asia/Jakarta")
LOT = "az-10/AZ003"
VAULT = NikVault.from_secret(SECRET)
Made = TypeVar("Made")


def words_of(answer: Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@dataclass
class Meja:
    """The vaccinator of the puskesmas at a session that is held now."""

    site: TestClient
    services: Services
    world: PageWorld
    session: UUID
    csrf: str = ""

    @property
    def to(self) -> str:
        return f"/meja/{self.session}"

    def as_(self, username: str) -> Meja:
        self.site.cookies.clear()
        log_in(self.site, username)
        self.csrf = csrf_of(self.site.get("/akun").text)
        return self

    def send(self, path: str, **fields: str) -> Response:
        return self.site.post(path, data={"csrf": self.csrf, **fields})

    def done(self, work: Callable[[Desk], Made]) -> Made:
        """Something the world did, told by the house itself."""
        with transaction(self.services.engine) as db:
            now = self.services.clock()
            return work(Desk(db, replace(self.world.world, now=now), now))

    def person(self, **more: object) -> tuple[UUID, str]:
        """Somebody registered here, and their number."""
        nik = fresh_nik()

        def register(desk: Desk) -> UUID:
            facility = self.world.world.facilities["pkm-cipondoh"].id
            command = NewPerson(**{"id": uuid7(), "nik": nik, "name": "Warga Rekaan", "unit_id": facility, **more})  # type: ignore[arg-type]  # test data
            return register_person(desk.db, SYSTEM, command, vault=VAULT, now=desk.now).person.id

        return self.done(register), nik

    def booked(self, **more: object) -> tuple[UUID, str]:
        """A confirmed booking of this session, and its owner's number."""
        person, nik = self.person(**more)
        return self.done(lambda desk: desk.confirmed(self.session, person).id), nik

    def state(self, booking: UUID) -> BookingState:
        return self.done(lambda desk: desk.db.get_one(Booking, booking).state)

    def at_the_desk(self, answer: Response) -> UUID:
        """The booking whose page an answer leads to."""
        assert answer.status_code == 303, words_of(answer)
        return UUID(answer.headers["location"].removeprefix("/meja/orang/"))


@pytest.fixture
def meja(site: TestClient, app_services: Services, world: PageWorld) -> Meja:
    """A session that began an hour ago (or at midnight), forty places, and four vials of ten doses."""
    now = app_services.clock()
    today = local_day(now, "Asia/Jakarta")
    opens = max(datetime.combine(today, time(0), tzinfo=ZONE), now - timedelta(hours=1))
    plan = PlanSession(
        id=uuid7(),
        facility="pkm-cipondoh",
        day=today,
        opens=opens,
        closes=now + timedelta(hours=3),
        presentation="az-10",
        doses=(1, 2),
        capacity=40,
        buckets=(NewBucket(kind="general", share=1),),
    )
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=now), now)
        desk.ledger.post(
            Kind.SUPPLY,
            desk.ledger.line(LOT, 4, place=world.world.equipment["pkm-cipondoh-k2"]),
            at=opens - timedelta(hours=1),
        )
        plan_session(db, SYSTEM, plan, now=now)
    return Meja(site, app_services, world, plan.id).as_("vaksinator")


def test_from_the_ticket_to_the_dose_and_the_next_date(meja: Meja) -> None:
    booking, _ = meja.booked(name="Siti Aminah")
    office = TicketOffice.from_secret(SECRET)
    ticket = meja.done(lambda desk: office.sign(ticket_of(desk.db, desk.db.get_one(Booking, booking))))
    assert meja.at_the_desk(meja.send(f"{meja.to}/cari", siapa=ticket)) == booking
    assert meja.state(booking) is BookingState.ARRIVED
    assert "1 · Siti Aminah" in words_of(meja.site.get(meja.to))
    own = f"/daftar/tiket/{office.sealed(booking)}"
    assert "Nomor antrean Anda 1 " in words_of(meja.site.get(own))
    page = f"/meja/orang/{booking}"
    assert meja.send(f"{page}/layak").status_code == 303
    assert "Nomor antrean Anda 1 " in words_of(meja.site.get(own))
    for _ in range(2):
        assert meja.send(f"{page}/suntik").status_code == 303
    assert meja.state(booking) is BookingState.VACCINATED
    assert "Nomor antrean" not in words_of(meja.site.get(own))
    told = words_of(meja.site.get(page))
    assert "AZ101" in told
    assert "Observasi sampai" in told
    assert "Dosis 2:" in told
    assert "Astrazeneca, dosis 1:" in told, "by its name, not its code"
    assert "Observasi 1" in words_of(meja.site.get(meja.to))
    doses = meja.done(lambda desk: desk.db.scalar(select(func.sum(OpenVial.given))))
    assert doses == 1


def test_the_desk_sees_what_became_of_messages_and_who_wants_none(meja: Meja) -> None:
    booking, _ = meja.booked(phone="081234567890")
    page = f"/meja/orang/{booking}"
    assert 'id="pesan"' not in meja.site.get(page).text

    def tell(desk: Desk) -> None:
        person = str(desk.db.get_one(Booking, booking).person_id)
        for template in ("quota_confirmed", "quota_reminder"):
            queue_message(
                desk.db, medium="sms", recipient_ref=person, template=template, params={}, unit_id=None, now=desk.now
            )
        confirmed = desk.db.scalars(select(OutMessage).where(OutMessage.template == "quota_confirmed")).one()
        confirmed.state, confirmed.sent_at, confirmed.read_at = MessageState.SENT, desk.now, desk.now
        silence(desk.db, "+6281234567890", "sms", now=desk.now)

    meja.done(tell)
    told = words_of(meja.site.get(page))
    assert "Tempat dicatat: dibaca" in told
    assert "Pengingat: menunggu" in told
    assert "tidak mau dikirimi pesan" in told


def test_somebody_is_found_by_number_name_birth_date_and_phone_and_each_look_is_kept(meja: Meja) -> None:
    booking, nik = meja.booked(name="Budi Santoso", phone="081234567890")
    person = meja.done(lambda desk: desk.db.get_one(Booking, booking).person_id)
    born = meja.done(lambda desk: desk.db.get_one(Person, person).birth_date)
    for said in (nik, "budi SANT", f"Budi {born:%d-%m-%Y}", born.isoformat(), "0812 3456 7890"):
        found = meja.send(f"{meja.to}/cari", siapa=said)
        assert found.status_code == 200, said
        assert "Budi Santoso" in words_of(found), said
        assert nik not in found.text
    looks = meja.done(lambda desk: desk.db.scalar(select(func.count()).where(PersonRecord.person_id == person)) or 0)
    assert looks == 5
    assert meja.at_the_desk(meja.send(f"{meja.to}/datang", tempat=str(booking))) == booking


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("", "Tulis NIK"),
        ("x", "Tulis NIK"),
        ("Nama Yang Tidak Ada", "Tidak ditemukan di sini"),
        ("3671054132900001", "NIK"),
        ("a.b." + "c" * 90, "cari orangnya dengan NIK"),
    ],
)
def test_what_finds_nobody_says_so_and_what_to_do(meja: Meja, said: str, sentence: str) -> None:
    answer = meja.send(f"{meja.to}/cari", siapa=said)
    assert answer.status_code == 422
    assert sentence.lower() in words_of(answer).lower()


def test_the_list_of_names_at_the_desk_is_a_look_at_each_kept_once_an_hour_however_often_it_is_drawn(
    meja: Meja,
) -> None:
    booking, _ = meja.booked(name="Ratna Dewi")
    for _ in range(2):
        assert "Ratna Dewi" in words_of(meja.site.get(meja.to))
    person = select(Booking.person_id).where(Booking.id == booking).scalar_subquery()
    looks = select(PersonRecord).where(PersonRecord.person_id == person, PersonRecord.act == PersonAct.READ)
    assert len(meja.done(lambda desk: desk.db.scalars(looks).all())) == 1

    def an_hour_ago(desk: Desk) -> None:
        then = desk.now - timedelta(hours=1, minutes=1)
        desk.db.execute(update(PersonRecord).where(PersonRecord.person_id == person).values(at=then))

    meja.done(an_hour_ago)
    meja.site.get(meja.to)
    assert len(meja.done(lambda desk: desk.db.scalars(looks).all())) == 2


def test_a_stranger_of_another_facility_is_not_found_by_name(meja: Meja) -> None:
    other = meja.world.world.facilities["pkm-neglasari"].id
    meja.person(name="Rahasia Sekali", unit_id=other)
    assert "Rahasia" not in meja.send(f"{meja.to}/cari", siapa="Rahasia Sekali").text.replace('value="', "")


def test_who_comes_by_date_only_uses_their_own_claim(meja: Meja) -> None:
    person, nik = meja.person(name="Dewi Lestari")

    def first_dose(desk: Desk) -> None:
        earlier = replace(desk.world, now=desk.now - timedelta(days=90))
        past = Desk(desk.db, earlier, earlier.now)
        past.stock(LOT, 1, place="pkm-cipondoh-k2")
        past.vaccinate(
            past.move(
                past.confirmed(past.session(ahead=0, facility=desk.world.puskesmas), person), BookingState.ARRIVED
            )
        )

    meja.done(first_dose)
    found = meja.send(f"{meja.to}/cari", siapa=nik)
    assert "Berhak dosis 2" in words_of(found)
    fields = dict(re.findall(r'name="(orang|nomor)"\s+value="([^"]+)"', found.text))
    answers = [meja.send(f"{meja.to}/tanpa-janji", dosis="2", **fields) for _ in range(2)]
    booking = meja.at_the_desk(answers[0])
    assert meja.at_the_desk(answers[1]) == booking
    assert meja.send(f"/meja/orang/{booking}/suntik").status_code == 303
    assert meja.state(booking) is BookingState.VACCINATED


def test_too_early_is_refused_with_the_day_and_served_with_a_reason(meja: Meja) -> None:
    booking, nik = meja.booked(name="Terlalu Dini")
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    meja.send(f"/meja/orang/{booking}/suntik")
    found = meja.send(f"{meja.to}/cari", siapa=nik)
    fields = dict(re.findall(r'name="(orang|nomor)"\s+value="([^"]+)"', found.text))
    refused = meja.send(f"{meja.to}/tanpa-janji", dosis="2", **fields)
    assert refused.status_code == 422
    assert "Tetap dilayani, karena" in words_of(refused)
    served = meja.send(f"{meja.to}/tanpa-janji", dosis="2", alasan="akan berhaji", **fields)
    second = meja.at_the_desk(served)
    assert meja.done(lambda desk: desk.db.get_one(Booking, second).override) == "akan berhaji"
    # The reason stands: it is not asked for again beside the syringe.
    assert meja.send(f"/meja/orang/{second}/suntik").status_code == 303
    assert meja.state(second) is BookingState.VACCINATED


def test_somebody_new_is_registered_once_and_stands_in_the_queue(meja: Meja) -> None:
    drawn = meja.site.get(f"{meja.to}/baru")
    number = re.findall(r'name="nomor"\s+value="([^"]+)"', drawn.text)[0]
    fields = {"nomor": number, "nik": fresh_nik(), "nama": "Orang Baru", "dosis": "1", "telepon": "081299887766"}
    answers = [meja.send(f"{meja.to}/baru", **fields) for _ in range(2)]
    booking = meja.at_the_desk(answers[0])
    assert meja.at_the_desk(answers[1]) == booking
    assert "Orang Baru" in words_of(meja.site.get(meja.to))
    infant = {
        "nomor": str(uuid7()),
        "nama": "Bayi Ibu Ani",
        "tanpa": "infant",
        "lahir": "2026-11-01",
        "kelamin": "female",
        "dosis": "1",
        "alasan": "dosis lahir",
    }
    assert meja.send(f"{meja.to}/baru", **infant).status_code == 303


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"nik": "123"}, "NIK"),
        ({"nik": ""}, "NIK"),
        ({"nama": ""}, "nama"),
        ({"telepon": "12"}, "nomor"),
        ({"rumah": "Kelurahan Antah"}, "Kelurahan ini tidak kami kenal"),
        ({"nik": "", "tanpa": "infant", "lahir": "besok", "kelamin": "male"}, "Tulis tanggal"),
        ({"nik": "", "tanpa": "infant", "lahir": "2090-01-01", "kelamin": "male"}, "lahir"),
    ],
)
def test_what_is_typed_wrongly_of_somebody_new_registers_nobody(
    meja: Meja, fields: dict[str, str], sentence: str
) -> None:
    before = meja.done(lambda desk: desk.db.scalar(select(func.count()).select_from(Person)))
    right = {"nomor": str(uuid7()), "nik": fresh_nik(), "nama": "Orang Baru", "dosis": "1"}
    answer = meja.send(f"{meja.to}/baru", **{**right, **fields})
    assert answer.status_code == 422
    assert sentence.lower() in words_of(answer).lower()
    assert meja.done(lambda desk: desk.db.scalar(select(func.count()).select_from(Person))) == before


def test_screening_can_be_said_again_and_a_deferral_carries_its_reason(meja: Meja) -> None:
    booking, nik = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    page = f"/meja/orang/{booking}"
    silent = meja.send(f"{page}/tunda")
    assert silent.status_code == 422
    assert "alasannya" in words_of(silent)
    today = meja.done(lambda desk: desk.today)
    early = meja.send(f"{page}/tunda", catatan="demam 38", sampai=today.isoformat())
    assert early.status_code == 422
    assert "hari sesudah" in words_of(early)
    until = today + timedelta(days=14)
    assert meja.send(f"{page}/tunda", catatan="demam 38", sampai=until.isoformat()).status_code == 303
    assert meja.state(booking) is BookingState.DEFERRED
    day = texts_of("id").date(until)
    assert f"Ditunda sampai {day} demam 38" in words_of(meja.site.get(page))
    assert f"Ditunda sampai {day}: demam 38" in words_of(meja.send(f"{meja.to}/cari", siapa=nik))
    assert meja.send(f"{page}/layak").status_code == 303
    assert meja.state(booking) is BookingState.FIT


def test_the_screen_in_the_room_shows_numbers_by_turn_and_nobody_by_name(meja: Meja) -> None:
    people = [meja.booked(name=name)[0] for name in ("Dewi Lestari", "Budi Santoso")]
    for booking in people:
        assert meja.send(f"{meja.to}/datang", tempat=str(booking)).status_code == 303
    meja.done(lambda desk: desk.move(desk.db.get_one(Booking, people[1]), BookingState.FIT))
    assert "Nomor antrean 2" in words_of(meja.site.get(f"/meja/orang/{people[1]}"))
    assert f"{meja.to}/layar" in meja.site.get(meja.to).text
    screen = meja.site.get(f"{meja.to}/layar")
    turns = {
        name: re.findall(r"<li>(\d+)", part)
        for name, part in re.findall(r'id="(\w+)" data-live(.*?)</section>', screen.text, re.DOTALL)
    }
    assert turns == {"vaksinasi": ["2"], "periksa": ["1"], "tunggu": []}
    assert not {"Dewi", "Lestari", "Budi", "Santoso"} & set(words_of(screen).split())


def test_who_comes_a_day_early_is_told_so_and_can_be_served_today(meja: Meja) -> None:
    person, nik = meja.person()
    booking = meja.done(lambda desk: desk.confirmed(desk.session(ahead=1), person).id)
    early = meja.send(f"/meja/orang/{booking}/hadir")
    assert early.status_code == 422
    assert "layani di sana" in words_of(early)
    assert meja.state(booking) is BookingState.CONFIRMED
    found = meja.send(f"{meja.to}/cari", siapa=nik)
    assert "Layani di sini" in words_of(found)
    assert meja.at_the_desk(meja.send(f"{meja.to}/datang", tempat=str(booking))) == booking
    assert meja.state(booking) is BookingState.ARRIVED


def test_a_label_of_another_lot_gives_no_dose(meja: Meja) -> None:
    booking, _ = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    answer = meja.send(f"/meja/orang/{booking}/suntik", kode="(10)AZ003")
    assert answer.status_code == 422
    assert meja.state(booking) is BookingState.ARRIVED


def test_ten_doses_of_a_morning_come_from_one_vial_and_lines_that_say_too_little_stay(meja: Meja) -> None:
    at = meja.done(lambda desk: desk.db.get_one(VaccinationSession, meja.session).opens_at).astimezone(ZONE)
    lines: dict[str, str] = {"nomor": str(uuid7())}
    for number in range(9):
        lines |= {f"jam-{number}": f"{at:%H:%M}", f"nik-{number}": fresh_nik(), f"nama-{number}": f"Kertas {number}"}
    lines |= {"jam-9": "", "nik-9": fresh_nik(), "nama-9": "Tanpa Jam"}
    answer = meja.send(f"{meja.to}/kertas", **lines)
    assert "9 orang tercatat" in words_of(answer)
    assert "Tulis jamnya" in words_of(answer)
    assert "Tanpa Jam" in answer.text
    again = meja.send(f"{meja.to}/kertas", **lines)
    assert "9 orang tercatat" in words_of(again)
    vials = meja.done(lambda desk: list(desk.db.scalars(select(OpenVial))))
    given = [vial.given for vial in vials if vial.facility_id == meja.world.world.puskesmas.id]
    assert max(given) == 9
    assert sum(given) == 9


def test_a_closed_session_takes_its_paper_and_what_was_booked_elsewhere_ends_there(meja: Meja) -> None:
    person, nik = meja.person(name="Pindah Tempat")
    elsewhere = meja.done(lambda desk: desk.session(product="az-10", ahead=3))
    booked = meja.done(lambda desk: desk.confirmed(elsewhere, person).id)
    at = meja.done(lambda desk: desk.db.get_one(VaccinationSession, meja.session).opens_at).astimezone(ZONE)
    assert meja.site.post(f"/kuota/sesi/{meja.session}/tutup", data={"csrf": meja.csrf}).status_code in (303, 403)
    meja.as_("kepala").send(f"/kuota/sesi/{meja.session}/tutup")
    answer = meja.as_("vaksinator").send(
        f"{meja.to}/kertas", **{"nomor": str(uuid7()), "jam-0": f"{at:%H:%M}", "nik-0": nik}
    )
    assert "1 orang tercatat" in words_of(answer), words_of(answer)
    moved = meja.done(lambda desk: desk.db.get_one(Booking, booked))
    assert (moved.state, moved.session_id, moved.late) == (BookingState.VACCINATED, meja.session, True)


def test_who_does_not_serve_there_has_no_desk(meja: Meja) -> None:
    booking, _ = meja.booked()
    for username in ("gudang", "auditor"):
        meja.as_(username)
        assert meja.site.get(meja.to).status_code in (403, 404)
        assert meja.site.get(f"/meja/orang/{booking}").status_code in (403, 404)
        assert meja.send(f"/meja/orang/{booking}/suntik").status_code in (403, 404)
        assert meja.site.get("/meja").status_code == 200
    meja.csrf = "not the token"
    assert meja.as_("vaksinator").site.post(f"{meja.to}/cari", data={"csrf": "wrong", "siapa": "x"}).status_code == 403
