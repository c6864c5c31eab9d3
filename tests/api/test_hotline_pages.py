"""The hotline's pages and routes: a call from its first word to the log; who may, what is refused, what is nowhere to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from tests.browser.page_world import PageWorld
from tests.support.accounts import signed_in
from tests.support.page_site import SECRET, app_services, csrf_of, log_in, made, site, world
from tests.support.quota import fresh_nik
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.hotline.models import HotlineCall
from tracker.kit.ids import uuid7
from tracker.people.models import PersonRecord
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault

__all__ = ["app_services", "made", "site", "world"]

VAULT = NikVault.from_secret(SECRET)


class Phone:
    """An operator's browser."""

    def __init__(self, site: TestClient, username: str = "operator") -> None:
        self.site = log_in(site, username)
        self.csrf = csrf_of(self.site.get("/akun").text)

    def send(self, path: str, **fields: str) -> Response:
        return self.site.post(path, data={"csrf": self.csrf, **fields})

    def take(self, number: str = "") -> str:
        answer = self.send("/hotline/panggilan", nomor=str(uuid7()), telepon=number, bahasa="id")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


def words_of(answer: Response) -> str:
    main = answer.text[answer.text.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def caller(services: Services, world: PageWorld) -> tuple[str, str, UUID]:
    nik = fresh_nik()
    phone = f"+62860{int(nik[-4:]):08d}"
    with transaction(services.engine) as db:
        unit = world.world.puskesmas.id
        command = NewPerson(id=uuid7(), nik=nik, name="Sumarni Rekaan", phone=phone, unit_id=unit)
        return nik, phone, register_person(db, SYSTEM, command, vault=VAULT, now=services.clock()).person.id


@pytest.fixture
def phone(site: TestClient) -> Phone:
    return Phone(site)


def test_an_operator_s_home_is_the_hotline_and_nothing_of_stock_opens(phone: Phone) -> None:
    home = phone.site.get("/")
    assert (home.status_code, home.headers["location"]) == (303, "/hotline")
    page = phone.site.get("/hotline")
    assert page.status_code == 200
    ways = set(re.findall(r'<a[^>]+href="(/[^"#?]*)', page.text))
    assert {way: phone.site.get(way).status_code for way in ways if not way.startswith("/bahasa")} == {
        way: 303 if way == "/" else 200 for way in ways if not way.startswith("/bahasa")
    }
    for way in ("/api/v1/stock", "/api/v1/sensors", "/api/v1/feed", "/fasilitas", "/meja"):
        answer = phone.site.get(way)
        assert answer.status_code in (403, 404) or "pkm-cipondoh" not in answer.text, way


def test_a_call_on_its_pages_from_the_first_word_to_the_log(
    phone: Phone, app_services: Services, world: PageWorld
) -> None:
    nik, number, person = caller(app_services, world)
    to = phone.take(number)
    first = phone.site.get(to)
    assert 'id="teks"' in first.text
    assert re.search(r'id="teks"[^>]*autofocus', first.text), "who types while listening begins where the answer goes"
    assert number[1:] not in first.text, "the number stands on no page"
    assert phone.send(f"{to}/jawab", nomor="1", teks=nik[-6:]).status_code == 303
    asked = phone.site.get(to)
    assert "kelurahan" in words_of(asked).lower()
    assert "Sumarni Rekaan" in asked.text, "who answered is who calls"
    found = phone.send(f"{to}/cari", siapa=nik)
    assert (found.status_code, "Sumarni Rekaan" in found.text, nik in found.text) == (200, True, False)
    assert phone.send(f"{to}/orang", orang=str(person)).status_code == 303
    assert "demam" in words_of(phone.site.get(f"{to}?kata=batuk")).lower()
    refused = phone.send(f"{to}/akhir", hasil="informed", catatan="0812 3456 7890")
    assert (refused.status_code, 'value="0812 3456 7890"' in refused.text) == (422, True)
    assert phone.send(f"{to}/akhir", hasil="informed", catatan="minta pagi").headers["location"] == "/hotline"
    log = words_of(phone.site.get("/hotline"))
    assert "Diberi keterangan" in log
    assert "minta pagi" in log
    assert "Sumarni" not in log
    with transaction(app_services.engine) as db:
        looks = select(func.count()).select_from(PersonRecord).where(PersonRecord.person_id == person)
        before = db.scalar(looks) or 0
    assert "Sumarni Rekaan" in phone.site.get(f"/hotline/orang/{person}").text
    with transaction(app_services.engine) as db:
        assert db.scalar(looks) == before + 1


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("jawab", {"teks": "  "}, 422),
        ("akhir", {"hasil": "menang"}, 422),
        ("tiket", {"lewat": "merpati"}, 422),
        ("tiket", {"lewat": "sms"}, 422),
        ("cari", {"siapa": "sumarni"}, 422),
        ("cari", {"siapa": "Tidak Ada 01-01-1950"}, 422),
        ("orang", {"orang": "bukan-id"}, 404),
    ],
)
def test_what_cannot_be_is_said_on_the_call_s_page(
    phone: Phone, path: str, fields: dict[str, str], status: int
) -> None:
    to = phone.take()
    answer = phone.send(f"{to}/{path}", **fields)
    assert answer.status_code == status
    assert ('role="alert"' in answer.text) is (status == 422)


def test_a_wrong_number_is_said_and_an_open_call_is_gone_on_with(phone: Phone) -> None:
    wrong = phone.send("/hotline/panggilan", nomor=str(uuid7()), telepon="12", bahasa="id")
    assert (wrong.status_code, 'value="12"' in wrong.text) == (422, True)
    to = phone.take()
    assert to in phone.site.get("/hotline").text
    assert phone.take() == to, "whoever begins another is led to the one that is open"


@pytest.mark.parametrize(("username", "opens"), [("auditor", 200), ("kota", 200), ("kepala", 403), ("gudang", 403)])
def test_who_oversees_reads_the_log_and_nobody_else_does(
    site: TestClient, app_services: Services, username: str, opens: int
) -> None:
    to = Phone(site).take()
    site.cookies.clear()
    other = Phone(site, username)
    page = other.site.get("/hotline")
    assert page.status_code == opens
    if opens == 200:
        assert 'id="terima"' not in page.text
    assert (other.site.get(to).status_code == 200) is (username == "auditor"), "the city oversees its city alone"
    assert other.send(f"{to}/jawab", nomor="1", teks="halo").status_code in (403, 404)
    with transaction(app_services.engine) as db:
        assert db.scalars(select(HotlineCall)).one().touched_at == app_services.clock()


def test_the_same_over_http(site: TestClient, app_services: Services, world: PageWorld) -> None:
    nik, number, person = caller(app_services, world)
    head = signed_in(app_services, world.world, Role.OPERATOR)
    body = {"id": str(uuid7()), "phone": number}

    def post(path: str, body: Mapping[str, str | None]) -> Response:
        return site.post(f"/api/v1/hotline/calls{path}", json=body, headers=head)

    made = post("", body)
    assert (made.status_code, post("", body).status_code) == (201, 200)
    assert number[1:] not in made.text
    call = f"/{made.json()['id']}"
    said = post(f"{call}/messages", {"id": "1", "text": nik[-6:]})
    assert said.json()["replies"]
    assert said.json()["ticket"] is None
    found = post(f"{call}/search", {"text": nik}).json()["items"]
    assert [one["id"] for one in found] == [str(person)]
    assert post(f"{call}/person", {"person": str(person)}).json()["person"] == str(person)
    assert post(f"{call}/ticket", {"by": "sms"}).json()["code"] == "hotline.no_ticket"
    assert post(f"{call}/end", {"outcome": "informed", "note": None}).json()["outcome"] == "informed"
    log = site.get("/api/v1/hotline/calls", headers=head).json()["items"]
    assert [one["id"] for one in log] == [call[1:]]
    assert site.get("/api/v1/hotline/calls", params={"of": "unit"}, headers=head).status_code == 403
    answers = site.get("/api/v1/hotline/answers", params={"words": "fever", "language": "en"}, headers=head).json()
    assert "unwell" in [one["key"] for one in answers["items"]]
