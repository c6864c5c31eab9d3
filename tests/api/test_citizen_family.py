"""What a ticket's owner does with it besides coming: another day, the family, and what they have had."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.browser.page_world import PageWorld
from tests.support.accounts import signed_in
from tests.support.page_site import SECRET, app_services, book_on_the_web, made, site, world
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.edge.services import Services
from tracker.people.models import Person
from tracker.people.queries import phone_of
from tracker.quota.models import Booking
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.vaccinating import vaccinate
from tracker.registration.service.family import MOST_RELATIVES
from tracker.registration.service.tickets import TicketOffice

__all__ = ["app_services", "made", "site", "world"]

OFFICE = TicketOffice.from_secret(SECRET)
MOTHER = {"nik": "3671015506920051", "name": "Siti Rekaan", "phone": "0812-3456-7851"}


def booking_of(ticket: str) -> object:
    return OFFICE.unsealed(ticket.rsplit("/", 1)[1])[0]


@pytest.fixture
def ticket(site: TestClient, world: PageWorld) -> str:
    return book_on_the_web(site, world.sessions[1], **MOTHER)


def test_the_day_is_changed_from_the_ticket_which_keeps_its_address_and_its_owner_is_told(
    site: TestClient, world: PageWorld, app_services: Services, ticket: str
) -> None:
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        other, small = (
            desk.session(product="coronavac-1", ahead=5, capacity=9),
            desk.session(product="coronavac-1", ahead=6, capacity=1),
        )
        before = desk.read(world.sessions[1]).taken
    assert f'href="{ticket}/ganti"' in site.get(ticket).text
    listed = site.get(f"{ticket}/ganti").text
    assert (str(other) in listed, str(small) in listed, str(world.sessions[1]) in listed) == (True, True, False)
    assert str(world.sessions[0]) not in listed  # another vaccine
    with transaction(app_services.engine) as db:
        Desk(db, replace(world.world, now=app_services.clock()), app_services.clock()).booked(small, 1)
    full = site.post(f"{ticket}/ganti", data={"session": str(small)})
    assert full.status_code == 422
    wrong = site.post(f"{ticket}/ganti", data={"session": str(world.sessions[0])})
    assert (wrong.status_code, "Internal" in wrong.text) == (422, False)
    for _ in range(2):  # a double tap changes once
        moved = site.post(f"{ticket}/ganti", data={"session": str(other)})
        assert (moved.status_code, moved.headers["location"]) == (303, ticket)
    assert "Terkonfirmasi" in site.get(ticket).text
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        assert (desk.read(world.sessions[1]).taken, desk.read(other).taken, desk.read(small).taken) == (
            before - 1,
            1,
            1,
        )
        told = db.scalars(select(OutMessage).where(OutMessage.template == "quota_moved")).all()
        assert [one.params["booking"] for one in told] == [str(booking_of(ticket))]
    site.post(f"{ticket}/batal")
    assert site.get(f"{ticket}/ganti").status_code == 303
    assert site.post(f"{ticket}/ganti", data={"session": str(world.sessions[1])}).status_code in (303, 422)
    assert "Dibatalkan" in site.get(ticket).text
    assert site.get(f"/daftar/tiket/{booking_of(ticket)}/ganti").status_code == 404


def test_another_system_changes_the_day_of_what_it_booked(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        small = desk.session(product="coronavac-1", ahead=5, capacity=1)
        other = desk.session(product="coronavac-1", ahead=6, capacity=5)
        desk.booked(small, 1)
        mine = desk.confirmed(world.sessions[1]).id
    address, head = f"/api/v1/bookings/{mine}/change-day", signed_in(app_services, world.world, Role.NATIONAL)
    head = {**head, "Accept": "application/json"}
    full = site.post(address, json={"session": str(small)}, headers=head)
    assert (full.status_code, full.json()["code"]) == (409, "quota.exhausted")
    assert full.json()["params"]["alternatives"]
    told = site.post(address, json={"session": str(other)}, headers=head)
    assert (told.status_code, told.json()["session"], told.json()["state"]) == (200, str(other), "confirmed")


def test_whoever_holds_a_ticket_books_for_a_child_without_a_number_and_is_told(
    site: TestClient, world: PageWorld, app_services: Services, ticket: str
) -> None:
    family = f"{ticket}/keluarga"
    assert f'href="{family}"' in site.get(ticket).text
    born = app_services.clock().date().replace(year=app_services.clock().year - 3)
    child = {"name": "Anak Rekaan", "birth_date": born.isoformat(), "sex": "female"}
    for wrong, marks in (
        ({"name": ""}, 3), ({**child, "sex": ""}, 1), ({**child, "birth_date": "1990-01-01"}, 1),
        ({"name": "Ayah", "nik": "123"}, 1), ({**child, "birth_date": "kemarin"}, 1),
    ):  # fmt: skip
        refused = site.post(family, data=wrong)
        assert (refused.status_code, refused.text.count('class="fault"')) == (422, marks), wrong
    added = site.post(family, data=child)
    assert added.status_code == 303
    places = added.headers["location"]
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        desk.stock("mr-10/MR101", 2)
        fits = desk.session(product="mr-10", ahead=2, capacity=5)
    listed = site.get(places).text
    assert str(fits) in listed
    assert str(world.sessions[1]) not in listed  # not for a child of three
    young = site.post(places, data={"session": str(world.sessions[1])})
    assert (young.status_code, 'role="alert"' in young.text) == (422, True)
    booked = site.post(places, data={"session": str(fits)})
    assert booked.status_code == 303
    theirs = booked.headers["location"]
    assert "Terkonfirmasi" in site.get(theirs).text
    assert f'href="{theirs}"' in site.get(family).text
    assert f'href="{theirs}/keluarga"' in site.get(theirs).text  # the same family, from the child's ticket
    assert f'href="{theirs}"' in site.get(f"{theirs}/keluarga").text
    with transaction(app_services.engine) as db:
        own = db.get_one(Booking, booking_of(theirs))
        assert phone_of(db, own.person_id) == "+6281234567851"
        told = db.scalars(select(OutMessage).where(OutMessage.recipient_ref == str(own.person_id))).all()
        assert [one.template for one in told] == ["quota_confirmed"]


def test_a_relative_s_number_gives_no_power_over_who_has_it_and_is_found_again(
    site: TestClient, world: PageWorld, app_services: Services, ticket: str
) -> None:
    stranger = {"nik": "3671015506500052", "name": "Bapak Lain", "phone": "0812-3456-7852"}
    mine = book_on_the_web(site, world.sessions[1], **stranger)
    family = f"{ticket}/keluarga"
    first = site.post(family, data={"nik": stranger["nik"], "name": "Bapak Rekaan"})
    again = site.post(family, data={"nik": stranger["nik"], "name": "Bapak Rekaan"})
    assert first.headers["location"] == again.headers["location"]
    with transaction(app_services.engine) as db:
        assert first.headers["location"].rsplit("/", 1)[1] != str(db.get_one(Booking, booking_of(mine)).person_id)
        other = db.get_one(Booking, booking_of(mine)).person_id
    # Who is not of this family cannot be booked for by writing their id.
    assert site.get(f"{family}/{other}").status_code == 404
    assert site.post(f"{family}/{other}", data={"session": str(world.sessions[1])}).status_code == 404
    assert site.post(family, data={"nik": MOTHER["nik"], "name": "Saya"}).status_code == 422
    assert "Terkonfirmasi" in site.get(mine).text
    with transaction(app_services.engine) as db:
        head = db.get_one(Booking, booking_of(ticket)).person_id
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        for _ in range(MOST_RELATIVES - 1):
            desk.person(guardian_id=head)
    full = site.post(family, data={"nik": "3671015506500053", "name": "Satu Lagi"})
    assert (full.status_code, str(MOST_RELATIVES) in full.text) == (422, True)
    with transaction(app_services.engine) as db:
        assert len(db.scalars(select(Person).where(Person.guardian_id == head)).all()) == MOST_RELATIVES


def test_a_ticket_tells_its_owner_what_they_have_had(
    site: TestClient, world: PageWorld, app_services: Services, ticket: str
) -> None:
    assert "Dosis yang sudah Anda terima" not in site.get(ticket).text
    now = app_services.clock()
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=now), now)
        owner = db.get_one(Booking, booking_of(ticket)).person_id
        desk.stock("mr-10/MR101", 1)
        had = desk.confirmed(desk.session(product="mr-10", ahead=1), owner)
        vaccinate(db, SYSTEM, Vaccinate(booking_id=had.id, override="diminta hari ini"), now=now)
    page = site.get(ticket).text
    assert "Dosis yang sudah Anda terima" in page
    assert re.search(r"MR, Dosis 1|Dosis 1", page.split('id="riwayat"')[1])
    assert "MR101" in page


def test_a_ticket_is_saved_as_one_file_that_fetches_nothing_and_its_code_opens_the_door(
    site: TestClient, ticket: str
) -> None:
    assert f'href="{ticket}/simpan.html"' in site.get(ticket).text
    saved = site.get(f"{ticket}/simpan.html")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert "Puskesmas Cipondoh" in saved.text
    assert saved.text.count("</svg>") == 1
    assert [one.endswith(ticket) for one in re.findall(r'(?:src|href)="([^"]+)"', saved.text)] == [True]
    assert not re.search(r"<(script|link|img)", saved.text)
    # The same squares, however large they are drawn.
    asked, kept = (re.search(r'<path d="([^"]+)"', text) for text in (site.get(f"{ticket}/kode.svg").text, saved.text))
    assert asked is not None
    assert kept is not None
    assert re.sub(r"\s", "", asked[1]) == re.sub(r"\s", "", kept[1])
    site.post(f"{ticket}/batal")
    assert site.get(f"{ticket}/simpan.html").status_code == 404
