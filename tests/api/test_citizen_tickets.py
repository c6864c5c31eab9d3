"""A citizen's tickets by their pages: lost and had again, shown after the dose, and the next dose booked from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from dashboard.app import mount_pages
from tests.browser.page_world import PageWorld
from tests.support.page_site import HTML, app_services, book_on_the_web, code_at, made, site, world
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.edge.hop import BEAT_S
from tracker.edge.services import Services
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.service.claims import claim_of
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.ending import cancel_session
from tracker.quota.service.offering import make_offer
from tracker.quota.service.vaccinating import vaccinate
from tracker.registration.models import TicketCode
from tracker.registration.service.addresses import link_of
from tracker.registration.service.codes import MOST_ASKED, MOST_TRIES
from tracker.registration.service.tickets import TicketOffice
from tracker.sealing.keyring import Keyring

__all__ = ["app_services", "made", "site", "world"]

PERSON = {"nik": "3671015506920031", "name": "Siti Rekaan", "phone": "0812-3456-7831"}
LOST = "/daftar/tiket-hilang"


@pytest.fixture
def silent(app_services: Services) -> Iterator[TestClient]:
    """The site of a house that has no gateway for messages."""
    settings = app_services.settings.model_copy(deep=True)
    settings.delivery.sms_url = None
    services = replace(app_services, settings=settings)
    app = create_app(services)
    mount_pages(app, services)
    with TestClient(app, headers=HTML, follow_redirects=False) as client:
        yield client


def book(site: TestClient, world: PageWorld) -> str:
    return book_on_the_web(site, world.sessions[1], **PERSON)


def test_a_lost_ticket_is_had_again_by_its_old_address(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    ticket = book(site, world)
    assert LOST in site.get("/daftar").text
    asked = site.post(LOST, data={"nik": PERSON["nik"], "phone": "+62 812 3456 7831"})
    assert asked.status_code == 303
    address = asked.headers["location"]
    assert "3671" not in address
    assert "enam angka" in site.get(address).text
    office = TicketOffice.of(Keyring.of(app_services.settings))
    code = office.code_of(UUID(address.rsplit("/", 1)[1]))
    wrong = site.post(address, data={"kode": f"{(int(code) + 1) % 1_000_000:06d}"})
    assert (wrong.status_code, "tidak cocok" in wrong.text) == (422, True)
    with transaction(app_services.engine) as db:
        assert db.get_one(TicketCode, UUID(address.rsplit("/", 1)[1])).tries == 1  # kept although the answer was no
    right = site.post(address, data={"kode": code})
    assert (right.status_code, right.headers["location"]) == (303, ticket)
    again = site.post(address, data={"kode": code})  # a double tap
    assert (again.status_code, again.headers["location"]) == (303, ticket)


def code_for(site: TestClient) -> tuple[str, str]:
    """Ask for a code; where it is typed, and what the message says."""
    where = site.post(LOST, data={"nik": PERSON["nik"], "phone": PERSON["phone"]}).headers["location"]
    return where, code_at(where)


def test_an_address_that_others_know_is_changed_with_a_code(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    known = book(site, world)
    where, code = code_for(site)
    assert 'name="ganti"' in site.get(where).text
    new = site.post(where, data={"kode": code, "ganti": "ya"}).headers["location"]
    assert new != known
    assert site.get(new).status_code == 200
    for opened in (site.get(known), site.get(f"{known}/kode.svg"), site.post(f"{known}/batal")):
        assert opened.status_code == 404
    office = TicketOffice.of(Keyring.of(app_services.settings))
    booking = office.unsealed(known.rsplit("/", 1)[1])[0]
    # Messages that leave from now on lead to the new one.
    with transaction(app_services.engine) as db:
        assert link_of(db, office, booking).endswith(new)
    # A second change makes another again; to ask without it changes nothing.
    where, code = code_for(site)
    assert site.post(where, data={"kode": code}).headers["location"] == new
    where, code = code_for(site)
    third = site.post(where, data={"kode": code, "ganti": "ya"}).headers["location"]
    assert len({known, new, third}) == 3
    assert [site.get(one).status_code for one in (known, new, third)] == [404, 404, 200]


def test_a_wrong_code_changes_no_address(site: TestClient, world: PageWorld, app_services: Services) -> None:
    known = book(site, world)
    where, code = code_for(site)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert site.post(where, data={"kode": wrong, "ganti": "ya"}).status_code == 422
    assert site.get(known).status_code == 200


def test_a_code_that_was_wrong_too_often_leads_to_a_new_one_and_that_to_when_or_to_the_puskesmas(
    site: TestClient, world: PageWorld
) -> None:
    book(site, world)
    where, code = code_for(site)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    tried = [site.post(where, data={"kode": wrong}).text for _ in range(MOST_TRIES)]
    assert ["terlalu sering" in text for text in tried] == [False] * (MOST_TRIES - 1) + [True]
    spent = site.get(where).text
    assert ('name="kode"' in spent, f'href="{LOST}"' in spent) == (False, True)
    booking = site.get(where.replace(LOST, "/daftar/kode")).text
    assert ("terlalu sering" in booking, 'name="kode"' in booking) == (True, False)
    again, right = code_for(site)
    assert site.post(again, data={"kode": right}).status_code == 303
    asked = {"nik": PERSON["nik"], "phone": PERSON["phone"]}
    refused = [site.post(LOST, data=asked) for _ in range(MOST_ASKED)][-1]
    assert re.search(r"Coba lagi (59|60) menit lagi, .* puskesmas", refused.text)


def test_who_asks_learns_nothing_of_anybody(site: TestClient, world: PageWorld) -> None:
    book(site, world)
    answers = []
    for nik, phone in (
        (PERSON["nik"], PERSON["phone"]), (PERSON["nik"], "0812-9999-999"), ("3671015506920099", PERSON["phone"]),
    ):  # fmt: skip
        asked = site.post(LOST, data={"nik": nik, "phone": phone})
        page = site.get(asked.headers["location"])
        tried = site.post(asked.headers["location"], data={"kode": "x"})
        texts = [re.sub(r"[0-9a-f-]{36}", "ID", answer.text) for answer in (page, tried)]
        answers.append((asked.status_code, len(asked.headers["location"]), page.status_code, tried.status_code, *texts))
    assert len(set(answers)) == 1
    never = site.get(f"{LOST}/{uuid4()}")
    assert re.sub(r"[0-9a-f-]{36}", "ID", never.text) == answers[0][4]
    for bad in ({"nik": "1", "phone": "08"}, {}):
        refused = site.post(LOST, data=bad)
        assert (refused.status_code, refused.text.count('class="fault"')) == (422, 2)


def test_codes_cannot_be_asked_for_without_end(site: TestClient) -> None:
    asked = {"nik": PERSON["nik"], "phone": PERSON["phone"]}
    assert [site.post(LOST, data=asked).status_code for _ in range(6)] == [303] * 5 + [422]
    other = {**asked, "nik": "3671015506920098"}
    for number in range(20):
        site.post(LOST, data={**other, "phone": f"0812-3456-{number + 100}"})
    assert "Terlalu" in site.post(LOST, data={**other, "phone": "0812-3456-799"}).text
    assert site.post(f"{LOST}/{uuid4()}", data={"kode": "1"}).status_code == 422


def test_where_no_message_can_be_sent_the_way_to_the_puskesmas_is_named(silent: TestClient, world: PageWorld) -> None:
    there = f"/daftar/{world.sessions[1]}"
    for page in (silent.get(LOST), silent.get(there), silent.post(there, data=PERSON)):
        assert "belum ada layanan pesan" in page.text
        assert "puskesmas dengan KTP" in page.text
        assert "<form" not in page.text.split("<main")[1].split("</main")[0]


def test_several_tickets_are_listed(site: TestClient, world: PageWorld, app_services: Services) -> None:
    ticket = book(site, world)
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        first = db.get_one(
            Booking, TicketOffice.of(Keyring.of(app_services.settings)).unsealed(ticket.rsplit("/", 1)[1])[0]
        )
        desk.stock("mr-10/MR101", 2)
        desk.confirmed(desk.session(product="mr-10", ahead=2), first.person_id)
    address = site.post(LOST, data={"nik": PERSON["nik"], "phone": PERSON["phone"]}).headers["location"]
    code = TicketOffice.of(Keyring.of(app_services.settings)).code_of(UUID(address.rsplit("/", 1)[1]))
    listed = site.post(address, data={"kode": code})
    assert listed.status_code == 200
    assert listed.headers["cache-control"] == "private, no-store"
    assert listed.text.count('href="/daftar/tiket/') == 2


def test_after_the_dose_the_ticket_shows_it_and_books_the_next(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    ticket = book(site, world)
    office = TicketOffice.of(Keyring.of(app_services.settings))
    booking_id = office.unsealed(ticket.rsplit("/", 1)[1])[0]
    for answer in (site.get(f"{ticket}/berikutnya"), site.post(f"{ticket}/berikutnya", data={"session": str(uuid4())})):
        assert (answer.status_code, answer.headers["location"]) == (303, ticket)  # no dose was given yet
    with transaction(app_services.engine) as db:
        now = app_services.clock()
        desk = Desk(db, replace(world.world, now=now), now)
        vaccinate(db, SYSTEM, Vaccinate(booking_id=booking_id, override="hari ini atas permintaan"), now=now)
        given = db.get_one(Booking, booking_id)
        claim = claim_of(db, given.person_id, given.vaccine_id, 2)
        assert claim is not None
        desk.stock("coronavac-1/CV101", 3)
        early = desk.session(product="coronavac-1", ahead=4, capacity=10, doses=(2,))
        due = desk.session(product="coronavac-1", ahead=(claim.due_day - desk.today).days, capacity=10, doses=(2,))
    page = site.get(ticket).text
    assert "Sudah divaksin" in page
    assert "CV" in page
    assert f'href="{ticket}/berikutnya"' in page
    listed = site.get(f"{ticket}/berikutnya")
    assert (str(due) in listed.text, str(early) in listed.text) == (True, False)
    assert str(due) not in site.get(f"{ticket}/berikutnya?tempat=Entah").text
    refused = site.post(f"{ticket}/berikutnya", data={"session": str(early)})
    assert refused.status_code == 422
    booked = site.post(f"{ticket}/berikutnya", data={"session": str(due)})
    assert booked.status_code == 303
    second = booked.headers["location"]
    assert second != ticket
    assert "Dosis 2" in site.get(second).text
    assert f'href="{second}"' in site.get(ticket).text
    assert site.get(f"/daftar/tiket/{booking_id}/berikutnya").status_code == 404
    assert site.post(f"{ticket}/berikutnya", data={"session": "x"}).status_code == 422
    # Months later, too: the session is over, and the dose stays where it was given.
    with transaction(app_services.engine) as db:
        long_ago = app_services.clock() - timedelta(days=90)
        db.execute(
            update(VaccinationSession)
            .where(VaccinationSession.id == given.session_id)
            .values(day=long_ago.date(), opens_at=long_ago, closes_at=long_ago + timedelta(hours=6))
        )
    assert "Puskesmas Cipondoh" in site.get(ticket).text


def test_an_offer_s_deadline_is_shown_with_its_date(site: TestClient, world: PageWorld, app_services: Services) -> None:
    ticket = book(site, world)
    office = TicketOffice.of(Keyring.of(app_services.settings))
    with transaction(app_services.engine) as db:
        now = app_services.clock()
        desk = Desk(db, replace(world.world, now=now), now)
        lost = db.get_one(Booking, office.unsealed(ticket.rsplit("/", 1)[1])[0])
        desk.stock("coronavac-1/CV101", 5, place="pkm-tanah-tinggi-k1")
        desk.session(product="coronavac-1", ahead=4, facility=desk.world.neighbour)
        cancel_session(db, SYSTEM, lost.session_id, reason="vaksinator sakit", now=now)
        assert make_offer(db, lost.id, now=now) is not None
        offer = db.scalars(select(Displacement.offer_id).where(Displacement.booking_id == lost.id)).one()
        assert offer is not None
        expires = db.get_one(Booking, offer).expires_at
    assert expires is not None
    offered = f"/daftar/tiket/{office.sealed(offer)}"
    assert f'href="{offered}"' in site.get(ticket).text
    page = site.get(offered).text
    assert "Ini tempat pengganti" in page
    assert re.search(rf"disimpan sampai {(expires + timedelta(hours=7)).day} \w+ \d{{4}} \d\d\.\d\d WIB", page)


def test_how_long_an_answer_takes_tells_nothing(site: TestClient, world: PageWorld) -> None:
    """Trap: to find somebody and queue their message takes longer than to find nobody; both leave at the next beat."""
    book(site, world)
    for nik in (PERSON["nik"], "3671015506920099", "1"):
        began = monotonic()
        site.post(LOST, data={"nik": nik, "phone": PERSON["phone"]})
        assert monotonic() - began >= BEAT_S * 0.95
