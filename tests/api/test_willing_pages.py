"""`/daftar/bersedia`: willing without a place, proved by the code, one's own state and history, taken back; and what strangers learn."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from tests.support.page_site import SECRET, app_services, made, site, world
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.edge.services import Services
from tracker.interest.models import Interest
from tracker.registration.service.tickets import TicketOffice

__all__ = ["app_services", "made", "site", "world"]

OFFICE = TicketOffice.from_secret(SECRET)
FORM = {
    "nik": "3671015506920001",
    "name": "Siti Rekaan",
    "phone": "0812-3456-7890",
    "residence": "36.71.05.1002",
    "vaksin": "astrazeneca",
}


def asked(site: TestClient, **other: str) -> Response:
    return site.post("/daftar/bersedia", data={**FORM, **other})


def told(site: TestClient, where: str) -> Response:
    return site.post(where, data={"kode": OFFICE.codes_of(UUID(where.rsplit("/", 1)[1]))[0]})


def test_whoever_finds_no_place_is_led_there_and_keeps_what_was_looked_for(site: TestClient) -> None:
    found = site.get("/daftar?vaksin=astrazeneca&rumah=36.71.05.1002").text
    way = re.search(r'href="(/daftar/bersedia\?[^"]+)"', found)
    assert way is not None
    form = site.get(way[1].replace("&amp;", "&")).text
    assert re.search(r'value="astrazeneca"\s+selected', form)
    assert 'value="36.71.05.1002"' in form


def test_a_citizen_is_willing_proves_the_phone_sees_how_it_stands_and_takes_it_back(
    site: TestClient, app_services: Services
) -> None:
    first = asked(site)
    where = first.headers["location"]
    assert (first.status_code, where.startswith("/daftar/bersedia/kode/")) == (303, True)
    assert "enam angka" in site.get(where).text
    assert site.post(where, data={"kode": "000"}).status_code == 422
    with transaction(app_services.engine) as db:
        assert not db.scalars(select(Interest)).all(), "nothing is kept before the phone is shown"
        (message,) = db.scalars(select(OutMessage).where(OutMessage.template == "phone_code"))
        assert "0812" not in str((message.params, message.recipient_ref))
    opened = told(site, where)
    own = opened.headers["location"]
    assert opened.status_code == 303
    page = site.get(own)
    assert page.headers["cache-control"] == "private, no-store"
    assert "Anda yang pertama" in page.text
    for part in ("3671015506920001", "Siti", "34567890"):
        assert part not in page.text
        assert part not in own
    assert told(site, where).headers["location"] == own, "a double tap opens the same"
    assert site.post(f"/daftar/kode/{where.rsplit('/', 1)[1]}", data={"kode": "1"}).status_code == 422
    assert site.post(own).status_code == 303
    assert site.post(own).status_code == 303
    assert "Dicabut" in site.get(own).text
    with transaction(app_services.engine) as db:
        assert db.scalars(select(Interest)).one().withdrawn_at == app_services.clock()
    told(site, asked(site).headers["location"])
    assert "Menunggu sejak" in site.get(own).text


def test_a_code_for_a_wish_books_nothing_at_the_door_of_bookings(site: TestClient, app_services: Services) -> None:
    where = asked(site).headers["location"]
    elsewhere = told(site, where.replace("/bersedia", ""))
    assert elsewhere.status_code == 422
    with transaction(app_services.engine) as db:
        assert not db.scalars(select(Interest)).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nik", "123"),
        ("name", " "),
        ("phone", "12"),
        ("phone", "021 3456789"),
        ("residence", "Antah Berantah"),
        ("residence", ""),
        ("vaksin", "tidak-ada"),
        ("vaksin", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    site: TestClient, app_services: Services, field: str, value: str
) -> None:
    answer = asked(site, **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text or 'role="alert"' in answer.text
    assert 'value="Siti Rekaan"' in answer.text or field == "name"
    with transaction(app_services.engine) as db:
        assert not db.scalars(select(OutMessage).where(OutMessage.template == "phone_code")).all()


def test_the_answer_tells_nobody_who_is_known_and_no_address_can_be_made_up(site: TestClient) -> None:
    assert told(site, asked(site).headers["location"]).status_code == 303
    again = asked(site, nik="3671015506920002")
    assert again.status_code == 303, "the same for a stranger's number with that phone"
    for made_up in ("x" * 43, "0190a5d4-6b7f-7000-8000-000000000000"):
        assert site.get(f"/daftar/bersedia/{made_up}").status_code == 404
        assert site.post(f"/daftar/bersedia/{made_up}").status_code == 404
