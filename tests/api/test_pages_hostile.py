"""Pages met by hostile hands: every blank of every page, filled with what nobody should send."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote
from uuid import UUID

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select

from dashboard.app import ROUTERS
from tests.browser.page_world import PageWorld
from tests.support.page_site import SECRET, app_services, csrf_of, log_in, made, site, world
from tests.support.quota import VAULT
from tracker.access.principal import SYSTEM
from tracker.access.throttle import LoginThrottle
from tracker.database.engine import transaction
from tracker.edge.hop import Route
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.registration.service.tickets import TicketOffice
from tracker.telemetry.models import Assignment, Channel, Device
from tracker.trace.recalls import StartRecall, start_recall

__all__ = ["app_services", "made", "site", "world"]

# No text of a database, no text at all, no number of a machine, no day of ours, and another page's words.
HOSTILE = ("a\0b", "\ud800", "9" * 40, "0001-01-01T00:00", "<script>alert(1)</script>//evil.example\r\nX-Evil: 1")
NOBODY = UUID(int=7)
# Logging in and out are tested by themselves, and what is no page takes no words.
ELSEWHERE = ("/masuk", "/keluar", "/static", "/tanda", "/pencatat")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def forms() -> list[APIRoute]:
    """The routes of the pages."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if not route.path.startswith(ELSEWHERE)]


def filled(path: str, blanks: dict[str, str]) -> str:
    return re.sub(r"\{([^}]+)\}", lambda blank: escaped(blanks.get(blank[1], str(NOBODY))), path)


def escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture
def blanks(world: PageWorld, app_services: Services) -> dict[str, str]:
    """What stands for the blanks of a route, and for the fields of its form."""
    with transaction(app_services.engine) as db:
        command = StartRecall(id=uuid7(), batch="mr-10/MR101", reason="partikel asing", recall_class=1)
        recall = start_recall(db, SYSTEM, command, now=app_services.clock())[0].id
        owner = db.get_one(Booking, world.booking).person_id
        child = NewPerson(
            id=uuid7(), name="Anak Rekaan", without_nik=WithoutNik.INFANT, birth_date=world.now.date(), sex=Sex.MALE,
            guardian_id=owner, unit_id=world.world.puskesmas.id,
        )  # fmt: skip
        register_person(db, SYSTEM, child, vault=VAULT, now=world.now)
        channel = db.scalars(select(Channel.id).order_by(Channel.id)).first()
    return {
        "code": "pkm-cipondoh", "product": "penta-5", "sensor": "S-pkm-cipondoh-k1", "ref:path": "penta-5/PB002",
        "ref": world.shipment, "session_id": str(world.sessions[1]), "booking_id": str(world.booking), "language": "id",
        "recall_id": str(recall), "batch_id": str(world.world.batches["penta-5/PB002"].id), "act": "koreksi",
        "secret": TicketOffice.from_secret(SECRET).sealed(world.booking), "step": "x", "person_id": str(child.id),
        "alasan": "alasan baik", "kanal": str(channel), "tempat": "pkm-cipondoh-k2", "kelas": "1", "batch": "penta-5/PB002",
        "yakin": "true", "aturan": "age", "vaksin": "pentabio", "mulai": "2027-01-01", "paling_cepat": "2", "dosis": "1",
        "nik": "3671015506920031", "name": "Siti Rekaan", "phone": "0812-3456-7831", "dose": "1", "akun": "jaki",
        "label": "x", "hari": "30", "area": "36.71.05.1001", "nama": "Nama", "session": str(world.sessions[0]),
    }  # fmt: skip


def test_no_page_stumbles_over_what_is_sent_to_it(site: TestClient, blanks: dict[str, str]) -> None:
    assert isinstance(site.app, object)
    site.app.state.citizen_throttle = LoginThrottle(10**6)  # type: ignore[attr-defined]  # an application
    log_in(site, "pusat")
    blanks["csrf"] = csrf_of(site.get("/akun").text)
    wrong, asked = [], 0
    for route in forms():
        writes = "POST" in (route.methods or ())
        fields = [one.alias for one in (*route.dependant.query_params, *route.dependant.body_params)]
        names = re.findall(r"\{([^}]+)\}", route.path)
        form = {name: blanks[name] for name in fields if writes and name in blanks}
        trials = [(name, text) for name in {*names, *fields} - {"csrf"} for text in HOSTILE]
        for name, text in trials:
            here = {
                **blanks,
                "code": blanks["sensor"] if route.path.startswith("/perangkat") else blanks["code"],
                name: text,
            }
            path = filled(route.path, here)
            sent = {**form, name: text} if name in fields else form
            words = "&".join(f"{key}={escaped(value)}" for key, value in sent.items())
            answer = site.post(path, content=words, headers=FORM) if writes else site.get(f"{path}?{words}")
            asked += 1
            location = answer.headers.get("location", "")
            if answer.status_code >= 500 or "<script>alert(1)" in answer.text or "x-evil" in answer.headers:
                wrong.append(f"{route.path} {name}={text[:10]!r}: {answer.status_code}")
            if (not location.startswith("/") and location) or location.startswith("//"):
                wrong.append(f"{route.path} {name} leads to {location}")
    assert wrong == []
    assert asked > 500


READ_NO_FORM = frozenset(
    {"/daftar/tiket/{secret}/{step}", "/daftar/tiket/{secret}/kabar/berhenti", "/daftar/bersedia/{secret}"}
)


def test_no_form_takes_a_field_twice_that_is_not_a_list(site: TestClient, blanks: dict[str, str]) -> None:
    log_in(site, "pusat")
    token = csrf_of(site.get("/akun").text)
    deaf, asked = [], 0
    for route in forms():
        if "POST" not in (route.methods or ()) or route.path in READ_NO_FORM:
            continue
        answer = site.post(
            filled(route.path, blanks), content=f"csrf={token}&alasan=3&alasan=30", headers=FORM, follow_redirects=False
        )
        asked += 1
        if answer.status_code != 422 or "lebih dari sekali" not in answer.text:
            deaf.append(f"{route.path}: {answer.status_code}")
    assert deaf == []
    assert asked > 60


def test_no_form_takes_a_field_that_it_does_not_know(site: TestClient, blanks: dict[str, str]) -> None:
    log_in(site, "pusat")
    deaf, asked = [], 0
    for route in forms():
        if "POST" not in (route.methods or ()):
            continue
        for name in ("tidak-ada", "v-usable-bukan-lot"):
            answer = site.post(filled(route.path, blanks), data={name: "1"}, follow_redirects=False)
            asked += 1
            if answer.status_code != 422 or f"tidak mengenal isian {name}" not in answer.text:
                deaf.append(f"{route.path}: {answer.status_code}")
    assert deaf == []
    assert asked > 150


FORM_OF_PAGE = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
FIELD_OF_PAGE = re.compile(r'<(?:input|select|textarea|button)\b[^>]*?\sname="([^"]*)"')
ACTION_OF_PAGE = re.compile(r'\b(?:form)?action="([^"]*)"')


@pytest.mark.parametrize("who", ["pusat", "vaksinator", "kepala"])
def test_every_form_knows_the_fields_that_its_page_draws(site: TestClient, blanks: dict[str, str], who: str) -> None:
    log_in(site, who)
    every = [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]
    routes = [route for route in every if "POST" in (route.methods or ())]
    strange, seen = [], set()
    for page in forms():
        if "GET" not in (page.methods or ()) or "{language}" in page.path:
            continue
        address = filled(page.path, blanks)
        drawn = site.get(address).text
        for head, body in FORM_OF_PAGE.findall(drawn):
            if 'method="post"' not in head:
                continue
            for action in ACTION_OF_PAGE.findall(head + body) or [address]:
                to = next((one for one in routes if one.path_regex.match(unescape(action).partition("?")[0])), None)
                if to is None or to.form is None:
                    strange.append(f"{page.path}: nobody reads {action}")
                    continue
                seen.add(to.path)
                unknown = [name for name in map(unescape, FIELD_OF_PAGE.findall(body)) if not to.form.knows(name)]
                strange += [f"{to.path} does not know {name}" for name in unknown]
    assert strange == []
    assert len(seen) > 5, seen


def test_a_list_of_a_form_is_given_as_often_as_it_is_long(site: TestClient) -> None:
    log_in(site, "pusat")
    token = csrf_of(site.get("/akun").text)
    lists = {
        "/kuota/rencana": "dosis=1&dosis=2&wilayah=3671011001&wilayah=3671011002",
        "/kuota/rencana/pola": "dosis=1&dosis=2",
    }
    for path, words in lists.items():
        answer = site.post(path, content=f"csrf={token}&fasilitas=pkm-cipondoh&{words}", headers=FORM)
        assert "lebih dari sekali" not in answer.text


# Forms that everybody has for themselves, and those of citizens, who need no right.
FOR_ALL = ("/akun", "/daftar", "/bahasa")
ACTS = {
    "/perangkat/{code}/{act}": ("pindah", "pensiun", "pakai", "cabut", "sandi", "koreksi", "pasang"),
    "/kuota/sesi/{session_id}/{act}": ("ubah", "batal", "tutup", "buka", "buang"),
    "/kuota/pendaftaran/{booking_id}/{act}": ("kembalikan", "koreksi"),
    "/fasilitas/{code}/wilayah/{act}": ("tambah", "hapus"),
}


@pytest.mark.parametrize("who", ["auditor", "vaksinator", "kepala"])
def test_what_somebody_has_no_right_to_is_never_a_slip_in_their_form(
    site: TestClient, blanks: dict[str, str], who: str, app_services: Services
) -> None:
    log_in(site, who)
    with transaction(app_services.engine) as db:
        device = select(Device.id).where(Device.code == blanks["sensor"]).scalar_subquery()
        mine = select(Assignment.id, Channel.id).join(Channel, Channel.id == Assignment.channel_id)
        watch, channel = db.execute(mine.where(Channel.device_id == device)).first() or (None, None)
    blanks |= {"csrf": csrf_of(site.get("/akun").text), "unit": "kota-tangerang", "pantauan": str(watch)}
    blanks |= {"kanal": str(channel), "keadaan": "cancelled", "waktu": "2026-03-02T09:00"}
    answers = {}
    for route in forms():
        if "POST" not in (route.methods or ()):
            continue
        here = {**blanks, "code": blanks["sensor"] if route.path.startswith("/perangkat") else blanks["code"]}
        form = {one.alias: here[one.alias] for one in route.dependant.body_params if one.alias in here}
        if route.path.startswith("/kuota/sesi"):
            form.pop("mulai", None)
        for act in ACTS.get(route.path, ("",)):
            answer = site.post(filled(route.path, here | {"act": act}), data=form)
            of_rights = "Peran Anda tidak mengizinkan" in answer.text
            answers[route.path, act] = answer.status_code
            assert of_rights <= (answer.status_code == 403), (route.path, act, answer.status_code)
    assert sum(status == 403 for status in answers.values()) > 5
    if who == "auditor":
        let = {
            at: status for at, status in answers.items() if status not in (403, 404) and not at[0].startswith(FOR_ALL)
        }
        assert let == {}
