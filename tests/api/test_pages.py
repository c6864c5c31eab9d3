"""Pages over HTTP: who gets in, what they see, and what is refused."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from dashboard.app import mount_pages
from tests.browser.page_world import PageWorld, page_template
from tests.db.test_network_facilities import collection, square
from tests.support import databases
from tests.support.services import Services as Servers
from tests.support.world import PASSWORD
from tracker.access.models import Login
from tracker.access.principal import SYSTEM
from tracker.api.app import create_app
from tracker.coldchain.models import Alarm
from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.edge.services import Services
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.feed.queries import last_position
from tracker.feed.waiting import step_aside
from tracker.kit.ids import uuid7
from tracker.network.areas import import_areas
from tracker.network.models import Equipment, Facility
from tracker.people.models import Person
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.words import BucketKind
from tracker.quota.service.displacing import displace
from tracker.quota.service.offering import make_offer
from tracker.reactions import runners
from tracker.registration.service.tickets import ticket_office
from tracker.settings import load_settings
from tracker.stock.models import Availability

SECRET = "a secret for tests only, at least 32 characters"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def made(services: Servers, template: str) -> Iterator[tuple[str, PageWorld]]:
    """The world of the pages as a template of its own: every test gets a copy."""
    with page_template(services, template) as found:
        yield found


@pytest.fixture
def world(made: tuple[str, PageWorld]) -> PageWorld:
    """What stands in the copy."""
    return made[1]


@pytest.fixture
def app_services(services: Servers, made: tuple[str, PageWorld]) -> Iterator[Services]:
    """What the application is made of, on a copy of the world."""
    with (
        databases.copied_database(services.postgres.url("postgres"), made[0]) as url,
        databases.engine_of(url) as engine,
    ):
        # The clock stands still: a page and its charts would else differ from one minute to the next.
        now = made[1].now + timedelta(minutes=1)
        yield Services(engine=engine, settings=load_settings(database_url=url, secret_key=SECRET), clock=lambda: now)


@pytest.fixture
def site(app_services: Services) -> Iterator[TestClient]:
    """A browser without scripts, not logged in."""
    app = create_app(app_services)
    mount_pages(app, app_services)
    with TestClient(app, headers=HTML, follow_redirects=False) as client:
        yield client


def log_in(site: TestClient, username: str = "kota") -> TestClient:
    answer = site.post("/masuk", data={"username": username, "password": PASSWORD, "ke": "/"})
    assert answer.status_code == 303
    return site


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


PAGES = ("/", "/peta", "/alarm", "/pengiriman", "/kuota", "/scan", "/fasilitas/pkm-cipondoh", "/batch/penta-5/PB002")


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_the_log_in_and_comes_back_after_it(site: TestClient, path: str) -> None:
    sent = site.get(path)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/masuk?ke=%2F")
    form = site.get(sent.headers["location"])
    assert f'name="ke" value="{path}"' in form.text
    answer = site.post("/masuk", data={"username": "kota", "password": PASSWORD, "ke": path})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert site.get(path).status_code == 200


def test_a_wrong_password_says_so_in_both_languages_and_keeps_the_name(site: TestClient) -> None:
    wrong = {"username": "kota", "password": "bukan ini", "ke": "/"}
    answer = site.post("/masuk", data=wrong)
    assert answer.status_code == 401
    assert "tidak cocok" in answer.text
    assert 'value="kota"' in answer.text
    assert site.get("/bahasa/en?ke=/masuk").headers["location"] == "/masuk"
    assert "do not match" in site.post("/masuk", data=wrong).text


def test_the_log_in_never_sends_to_another_host(site: TestClient) -> None:
    data = {"username": "kota", "password": PASSWORD, "ke": "//evil.example/"}
    assert site.post("/masuk", data=data).headers["location"] == "/"
    assert site.get("/bahasa/en?ke=https://evil.example").headers["location"] == "/"


def test_guessing_passwords_ends_after_ten_tries_a_minute(site: TestClient) -> None:
    answers = [site.post("/masuk", data={"username": "kota", "password": str(n)}).status_code for n in range(11)]
    assert answers == [401] * 10 + [429]


def test_logging_out_needs_the_page_s_own_form_and_ends_the_log_in(site: TestClient) -> None:
    token = csrf_of(log_in(site).get("/").text)
    assert site.post("/keluar", data={"csrf": "guess"}).status_code == 403
    assert site.get("/").status_code == 200
    assert site.post("/keluar", data={"csrf": token}).headers["location"] == "/masuk"
    assert site.get("/").status_code == 303


def test_a_facility_outside_the_subtree_has_no_page(site: TestClient) -> None:
    log_in(site, "kepala")
    assert site.get("/fasilitas/pkm-cipondoh").status_code == 200
    assert site.get("/fasilitas/pkm-tanah-tinggi").status_code == 404
    assert site.get("/suhu/S-pkm-tanah-tinggi-k1").status_code == 404
    assert site.get("/suhu/S-pkm-tanah-tinggi-k1/gambar.json").status_code == 404
    overview = site.get("/").text
    assert "Puskesmas Cipondoh" in overview
    assert "Tanah Tinggi" not in overview


def test_an_unknown_page_is_an_honest_page_for_people_and_a_problem_for_machines(site: TestClient) -> None:
    page = site.get("/tidak/ada")
    assert page.status_code == 404
    assert "Halaman ini tidak ada" in page.text
    site.get("/bahasa/en")
    assert "There is no such page" in site.get("/tidak/ada").text
    machine = site.get("/api/v1/tidak/ada")
    assert machine.headers["content-type"] == "application/problem+json"


def test_every_page_carries_the_policy_and_is_not_kept_by_caches(site: TestClient) -> None:
    for path in ("/masuk", "/tidak/ada", "/daftar"):
        headers = site.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_answers_about_people_over_http_are_not_kept_by_caches(site: TestClient) -> None:
    log_in(site, "pusat")
    for path in ("/api/v1/me", "/api/v1/bookings", "/api/v1/displacements"):
        answer = site.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), path


def test_static_files_are_kept_for_ever_and_plotly_comes_compressed(site: TestClient) -> None:
    page = log_in(site).get("/peta").text
    plotly = re.search(r'data-plotly="(/static/plotly[^"]+)"', page)
    assert plotly is not None
    answer = site.get(plotly.group(1), headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert site.get("/static/../app.py").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/peta/gambar.json", "/peta/gambar.json?datar=1", "/kuota/gambar.json", "/batch/penta-5/PB002/gambar.json",
     "/suhu/S-pkm-cipondoh-k1/gambar.json?rentang=30h"],
)  # fmt: skip
def test_an_unchanged_figure_costs_a_header(site: TestClient, path: str) -> None:
    first = log_in(site).get(path)
    assert first.status_code == 200
    assert first.json()["data"]
    again = site.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_acknowledging_needs_the_token_and_a_comment_and_stays_on_the_card(
    site: TestClient, app_services: Services
) -> None:
    token = csrf_of(log_in(site, "kepala").get("/alarm").text)
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
    way = f"/alarm/{alarm}/tanggapi"
    assert site.post(way, data={"comment": "pindah ke K2"}).status_code == 403
    refused = site.post(way, data={"csrf": token, "comment": "  "})
    assert "Pilih atau tulis dahulu apa yang dilakukan" in site.get(refused.headers["location"]).text
    done = site.post(way, data={"csrf": token, "comment": "pindah ke <b>K2</b>"})
    assert done.status_code == 303
    page = site.get("/alarm").text
    assert "pindah ke &lt;b&gt;K2&lt;/b&gt;" in page
    with transaction(app_services.engine) as db:
        assert db.get_one(Alarm, alarm).acknowledged_name == "Kepala"


def test_an_alarm_is_answered_by_tapping_what_was_done_and_where_the_vials_went(
    site: TestClient, app_services: Services
) -> None:
    page = log_in(site, "kepala").get("/alarm").text
    # K2 is of the same kind, in service, calm and read just now; the freezer is none for these vials.
    (refuge,) = set(re.findall(r'name="pindah"\s+value="([^"]+)"', page))
    assert "Vaksin dipindahkan ke" in page
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
    fields = {
        "csrf": csrf_of(page),
        "pindah": refuge,
        "tindakan": ["called_technician", "no_such_act"],
        "comment": "cek lagi",
    }
    assert site.post(f"/alarm/{alarm}/tanggapi", data=fields).status_code == 303
    with transaction(app_services.engine) as db:
        comment = db.get_one(Alarm, alarm).comment or ""
        place = db.scalar(select(Equipment.name).where(Equipment.id == refuge))
    assert comment == f"Vaksin dipindahkan ke {place}; Teknisi dipanggil; cek lagi"


def test_the_worst_alarm_stands_first_and_what_is_over_is_not_red(site: TestClient, app_services: Services) -> None:
    def order() -> list[tuple[str, str]]:
        page = site.get("/alarm").text
        return re.findall(r'<article class="card alarm (\w+)".*?id="t-[^"]+">\s*([^·]+?) ·', page, re.DOTALL)

    log_in(site)
    assert order()[0][1] == "Terlalu panas"
    with transaction(app_services.engine) as db:
        # A door rang after it: newer, and nothing spoils.
        db.execute(update(Alarm).where(Alarm.rule == "SILENT").values(rule="DOOR", ended_at=Alarm.raised_at))
    assert order()[0] == ("open", "Terlalu panas")
    assert ("seen", "Pintu terbuka") in order()


def test_a_link_to_an_alarm_opens_it_whatever_the_list_shows(site: TestClient, app_services: Services) -> None:
    log_in(site)
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
        db.execute(update(Alarm).where(Alarm.id == alarm).values(withdrawn_at=Alarm.raised_at))
    assert str(alarm) not in site.get("/alarm").text
    assert re.search(rf'id="d-{alarm}" class="whole"\s+open', site.get(f"/alarm?buka={alarm}").text)


def test_a_fridge_names_what_harms_most_not_what_comes_first_by_letter(
    site: TestClient, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        heat = db.scalars(select(Alarm).where(Alarm.rule == "HEAT")).one()
        hot = db.scalar(select(Equipment.name).where(Equipment.id == heat.equipment_id))
        heat.rule = "FRZE"
        db.execute(
            update(Alarm).where(Alarm.equipment_id == heat.equipment_id, Alarm.rule == "WARM").values(rule="COLD")
        )
    page = log_in(site).get("/fasilitas/pkm-cipondoh").text
    tile = page[page.index(f"<h3>{hot}</h3>") :]
    assert tile.index("Membeku") < tile.index("</article>")
    assert "Mendekati beku" not in tile[: tile.index("</article>")]


def test_a_health_office_is_not_asked_whether_it_called_itself(site: TestClient) -> None:
    assert "Dinkes kota dihubungi" in log_in(site, "kepala").get("/alarm").text
    assert "Dinkes kota dihubungi" not in log_in(site, "kota").get("/alarm").text


def test_each_role_has_a_home_of_its_own(site: TestClient) -> None:
    assert "Stok fasilitas" in log_in(site, "kota").get("/").text
    head = log_in(site, "kepala").get("/").text
    assert "<h1>Puskesmas Cipondoh</h1>" in head
    assert head.index("Lemari es dan tempat simpan") < head.index("Sesi terdekat") < head.index("Kiriman berjalan")


def test_a_facility_with_a_hot_fridge_stands_above_an_empty_one(site: TestClient) -> None:
    page = log_in(site).get("/fasilitas").text
    names = re.findall(r'<a href="/fasilitas/([\w-]+)">', page)
    assert names[0] == "pkm-cipondoh"
    assert "Terlalu panas" in page
    assert re.search(r'<a href="/fasilitas/pkm-cipondoh">', site.get("/fasilitas?keadaan=low").text) is None


def test_search_finds_what_one_may_see_and_nothing_else(site: TestClient) -> None:
    log_in(site, "kepala")
    found = site.get("/cari?q=cipondoh").text
    assert "/fasilitas/pkm-cipondoh" in found
    assert "/suhu/S-pkm-cipondoh-k1" in found
    assert "Puskesmas Tanah Tinggi" not in site.get("/cari?q=tanah").text
    assert "PB002" in site.get("/cari?q=pb0").text
    assert "CV999" not in site.get("/cari?q=%25").text  # a sign of the database's own is a letter like others
    assert "sedikitnya dua huruf" in site.get("/cari?q=a").text
    assert site.get("/cari", params={"q": "x" * 101}).status_code == 422


def test_lists_leave_as_files_a_spreadsheet_reads_and_never_runs(site: TestClient, app_services: Services) -> None:
    with transaction(app_services.engine) as db:
        db.execute(update(Facility).where(Facility.code == "pkm-cipondoh").values(name="=HYPERLINK(1)"))
    log_in(site, "kepala")
    for path in ("/fasilitas.csv", "/kuota.csv", "/pengiriman.csv"):
        answer = site.get(path)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(site.get("/fasilitas.csv").content.decode("utf-8-sig"))))
    assert {line[0] for line in lines[1:]} == {"pkm-cipondoh"}
    assert {line[1] for line in lines[1:]} == {"'=HYPERLINK(1)"}


def test_what_was_typed_outlives_the_log_in(site: TestClient, app_services: Services) -> None:
    log_in(site, "kepala").get("/alarm")
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
        db.execute(update(Login).values(expires_at=Login.created_at))
    way = f"/alarm/{alarm}/tanggapi"
    kept = site.post(way, data={"csrf": "old", "comment": 'dipindah "tadi"', "tindakan": ["called_city"]})
    assert kept.status_code == 401
    waiting = html.unescape(re.search(r'name="tunda" value="([^"]*)"', kept.text)[1])  # type: ignore[index]  # red when it is missing
    wrong = site.post("/masuk", data={"username": "kepala", "password": "salah sekali", "tunda": waiting})
    assert 'name="tunda"' in wrong.text
    again = site.post("/masuk", data={"username": "kepala", "password": PASSWORD, "tunda": waiting})
    assert again.status_code == 200
    assert f'action="{way}"' in again.text
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', again.text.split(way)[1])
    }
    assert fields.pop("csrf") != "old"
    assert fields == {"comment": 'dipindah "tadi"', "tindakan": "called_city"}
    assert site.post(way, data={**fields, "csrf": csrf_of(again.text)}).status_code == 303


def test_a_password_is_no_text_that_waits(site: TestClient, app_services: Services) -> None:
    log_in(site, "kepala").get("/akun")
    with transaction(app_services.engine) as db:
        db.execute(update(Login).values(expires_at=Login.created_at))
    secret = {"csrf": "old", "current_password": PASSWORD, "new_password": "sebuah kalimat baru"}
    answer = site.post("/akun", data=secret)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/masuk?")
    assert "sebuah kalimat baru" not in answer.text


@pytest.mark.parametrize(
    "forged", ["x", "[]", '["https://example.org/", "/", []]', '["//example.org", "/", [["a", "b"]]]', "[1, 2, 3]"]
)
def test_a_form_that_waits_leads_to_no_other_host(site: TestClient, forged: str) -> None:
    answer = site.post("/masuk", data={"username": "kepala", "password": PASSWORD, "tunda": forged})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_one_changes_one_s_own_password_and_other_devices_are_out(site: TestClient, app_services: Services) -> None:
    other = TestClient(site.app, headers=HTML, follow_redirects=False)
    log_in(other, "kepala")
    token = csrf_of(log_in(site, "kepala").get("/akun").text)
    sent = {"csrf": token, "current_password": PASSWORD, "new_password": "sebuah kalimat baru"}
    assert site.post("/akun", data={**sent, "csrf": "x"}).status_code == 403
    assert "tidak cocok" in site.post("/akun", data={**sent, "current_password": "bukan ini"}).text
    assert site.post("/akun", data={**sent, "new_password": "pendek"}).status_code == 422
    assert site.post("/akun", data=sent).headers["location"] == "/akun?berhasil=1"
    assert site.get("/akun").status_code == 200
    assert other.get("/akun").status_code == 303
    refused = other.post("/masuk", data={"username": "kepala", "password": PASSWORD})
    assert refused.status_code == 401


def test_places_of_residents_are_shown_to_residents_alone(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        db.execute(update(Bucket).values(kind=BucketKind.KELURAHAN))
        db.get_one(Facility, world.world.puskesmas.id).code_kemendagri = "36.71.05.1001"
    session = f"/daftar/{world.sessions[1]}"
    stranger = site.get("/daftar").text
    assert session not in stranger
    assert "mungkin ada tempat yang disisihkan bagi warga" in stranger
    assert session not in site.get("/daftar?rumah=36.71.06.1001").text
    # No area was imported: the puskesmas that serves them is named instead.
    for home in ("36.71.05.1001", "Cipondoh", "PKM cipondoh"):
        shown = site.get("/daftar", params={"rumah": home}).text
        assert f"{session}?dosis=1&amp;rumah=" in shown, home
        assert "Puskesmas Cipondoh (36.71.05.1001)" in shown or home[0] == "3"
    assert "tidak kami kenal" in site.get("/daftar?rumah=Entah").text
    person = {"nik": "3671015506920021", "name": "Siti Rekaan", "phone": "0812-3456-7821", "dose": "1"}
    assert site.post(session, data={**person, "residence": "Entah"}).status_code == 422
    assert site.post(session, data={**person, "residence": "Puskesmas Cipondoh (36.71.05.1001)"}).status_code == 303


def test_kelurahan_of_one_name_are_told_apart_by_what_lies_above_them(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        file = collection(
            ("36.71", "Kota Tangerang", square(106.6, -6.2)),
            ("36.71.05", "Cipondoh", square(106.6, -6.2)),
            ("36.71.05.1001", "Sukasari", square(106.6, -6.2)),
            ("36.71.06.1001", "Sukasari", square(106.7, -6.2)),
        )
        import_areas(db, SYSTEM, file, now=app_services.clock())
    page = site.get("/daftar?rumah=sukasari").text
    assert "Sukasari, Cipondoh, Kota Tangerang" in page
    assert "36.71.06.1001" in page
    session = f"/daftar/{world.sessions[1]}"
    person = {"nik": "3671015506920022", "name": "Siti Rekaan", "dose": "1", "residence": "sukasari"}
    asked = site.post(session, data=person)
    assert (asked.status_code, asked.text.count('type="radio"')) == (422, 3)
    assert site.post(session, data={**person, "residence": "Sukasari (36.71.06.1001)"}).status_code == 303
    with transaction(app_services.engine) as db:
        assert "36.71.06.1001" in db.scalars(select(Person.residence)).all()


def test_places_are_chosen_by_vaccine_day_dose_age_and_name(site: TestClient, world: PageWorld) -> None:
    session = f"/daftar/{world.sessions[1]}"
    days = re.findall(r'<option value="(\d{4}-\d\d-\d\d)"', site.get("/daftar").text)
    assert len(days) == 3
    assert session in site.get(f"/daftar?hari={days[2]}&dosis=2").text
    assert session in site.get("/daftar?vaksin=coronavac&tempat=pkm%20cipondoh&umur=30").text
    for nothing in ("hari=2020-01-01", "hari=besok", "dosis=7", "tempat=Entah", "vaksin=x", "umur=3"):
        assert session not in site.get(f"/daftar?{nothing}").text, nothing
    assert "Tidak ada yang cocok" in site.get("/daftar?dosis=7").text
    assert site.get("/daftar?dosis=-1").status_code == 422
    assert site.get("/daftar?dari=x").status_code == 422


def test_an_auditor_sees_alarms_and_has_no_form(site: TestClient) -> None:
    page = log_in(site, "auditor").get("/alarm").text
    assert "Terlalu panas" in page
    assert "/tanggapi" not in page


def test_an_alarm_still_going_on_cannot_be_closed(site: TestClient, app_services: Services) -> None:
    token = csrf_of(log_in(site, "kepala").get("/alarm").text)
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
    sent = site.post(f"/alarm/{alarm}/tutup", data={"csrf": token})
    assert "masih berlangsung" in site.get(sent.headers["location"]).text


def test_a_forged_disposition_is_refused_and_no_fault_of_ours(site: TestClient, app_services: Services) -> None:
    token = csrf_of(log_in(site, "kepala").get("/alarm").text)
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
    for forged in ({"putusan-none": "release"}, {f"putusan-{alarm}": "whatever"}):
        assert site.post(f"/alarm/{alarm}/tutup", data={"csrf": token, **forged}).status_code == 400


def test_held_stock_shows_on_facility_batch_and_quota(site: TestClient) -> None:
    log_in(site)
    assert "Ditahan" in site.get("/fasilitas/pkm-cipondoh").text
    assert "Penahanan" in site.get("/batch/penta-5/PB002").text
    quota = site.get("/kuota").text
    assert "kurang 3" in quota  # vials that were promised and are held now
    assert "Sesi kekurangan vial" in quota


def test_a_citizen_books_confirms_and_cancels_without_a_log_in(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    session = world.sessions[1]
    found = site.get("/daftar").text
    assert f"/daftar/{session}?dosis=1" in found
    assert str(world.sessions[0]) not in found  # its vials are on hold: no place is offered
    person = {"nik": "3671015506920001", "name": "Siti Rekaan", "phone": "0812-3456-7890", "dose": "1"}
    sent = site.post(f"/daftar/{session}", data=person)
    assert sent.status_code == 303
    ticket = sent.headers["location"]
    assert "3671015506920001" not in ticket
    assert "Menunggu konfirmasi" in site.get(ticket).text
    assert site.get(f"{ticket}/kode.svg").status_code == 404  # not the person's own yet
    assert site.post(f"{ticket}/pasti").status_code == 303
    assert "Terkonfirmasi" in site.get(ticket).text
    code = site.get(f"{ticket}/kode.svg")
    assert (code.headers["content-type"], code.text.count("</svg>")) == ("image/svg+xml", 1)
    assert site.post(f"{ticket}/batal").status_code == 303
    assert "Dibatalkan" in site.get(ticket).text
    with transaction(app_services.engine) as db:
        booking = ticket_office(app_services.settings).booking_of(ticket.rsplit("/", 1)[1])
        assert db.get_one(Booking, booking).state.value == "cancelled"
    assert str(booking) not in ticket
    # The booking's id stands on the feed: whoever read it there opens nothing, and is told a way.
    for way in ("", "/kode.svg"):
        refused = site.get(f"/daftar/tiket/{booking}{way}")
        assert (refused.status_code, "datang ke puskesmas" in refused.text) == (404, True)
    for step in ("pasti", "batal"):
        assert site.post(f"/daftar/tiket/{booking}/{step}").status_code == 404


def test_who_knows_a_number_learns_and_moves_nothing_of_its_owner(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    session = f"/daftar/{world.sessions[1]}"
    owner = {"nik": "3671015506920011", "name": "Siti Rekaan", "phone": "0812-3456-7891", "dose": "1"}
    mine = site.post(session, data=owner).headers["location"]
    site.post(f"{mine}/pasti")
    with transaction(app_services.engine) as db:
        booking = ticket_office(app_services.settings).booking_of(mine.rsplit("/", 1)[1])
        db.execute(update(Booking).where(Booking.id == booking).values(state="vaccinated", vaccinated_at=world.now))
    answers = []
    for nik in ("3671015506920011", "3671015506920012"):  # vaccinated; never seen
        for phone in ("", "0812-9999-9999"):
            sent = site.post(session, data={"nik": nik, "name": "Orang Asing", "phone": phone, "dose": "1"})
            theirs = sent.headers["location"]
            answers.append((sent.status_code, len(theirs), "Menunggu konfirmasi" in site.get(theirs).text))
            assert site.post(f"{theirs}/batal").status_code == 303
    assert set(answers) == {(303, len(mine), True)}
    assert "Sudah divaksin" in site.get(mine).text
    told = site.post(session, data=owner)  # number and phone: the one sentence, whatever became of the booking
    assert (told.status_code, "sudah ada pendaftaran" in told.text) == (422, True)


def test_a_citizen_s_mistake_gets_its_sentence_and_books_nothing(site: TestClient, world: PageWorld) -> None:
    typed = {"nik": "123", "name": " ", "phone": "08", "dose": "1"}
    answer = site.post(f"/daftar/{world.sessions[1]}", data=typed)
    assert (answer.status_code, answer.headers["cache-control"]) == (422, "private, no-store")
    assert "3 isian perlu diperbaiki" in answer.text
    for field, given in (("nik", "123"), ("name", " "), ("phone", "08")):
        (tag,) = re.findall(rf'<input\s[^>]*id="{field}"[^>]*>', answer.text)
        assert 'aria-invalid="true"' in tag, field
        assert f'aria-describedby="{field}-fault' in tag, field
        assert f'value="{given}"' in tag, field
        assert f'id="{field}-fault"' in answer.text
    assert "autofocus" in re.findall(r'<input\s[^>]*id="nik"[^>]*>', answer.text)[0]
    # One field that is right is not marked; what was typed stays whatever was wrong.
    right = site.post(f"/daftar/{world.sessions[1]}", data={**typed, "nik": "3671015506920009", "phone": ""})
    assert 'value="3671015506920009"' in right.text
    assert right.text.count('aria-invalid="true"') == 1
    long = site.post(f"/daftar/{world.sessions[1]}", data={**typed, "nik": "3" * 60})
    assert 'id="nik-fault"' in long.text


def test_an_address_with_a_slip_says_so_and_shows_a_way_on(site: TestClient) -> None:
    for path in ("/daftar/x", "/daftar/x?dosis=1"):
        broken = site.get(path)
        assert broken.status_code == 404, path
        assert "terpotong atau salah ketik" in broken.text
        assert 'href="/daftar"' in broken.text.split("<main")[1]
    for path, repaired in (
        ("/daftar?dosis=-1", "/daftar"),
        ("/daftar?vaksin=PENTA&amp;lat=999&amp;lon=1", "/daftar?vaksin=PENTA&amp;lon=1"),
        ("/daftar?dosis=dua", "/daftar"),
    ):
        broken = site.get(html.unescape(path))
        assert broken.status_code == 422, path
        assert f'href="{repaired}"' in broken.text.split("<main")[1], path
        assert site.get(html.unescape(repaired)).status_code == 200
    log_in(site)
    wrong = site.get("/kuota?semua=mungkin")
    assert (wrong.status_code, 'href="/kuota"' in wrong.text) == (422, True)
    site.get("/bahasa/en")
    assert "cannot be right" in site.get("/kuota?semua=mungkin").text


def test_without_vials_a_citizen_is_shown_the_refusal_not_a_promise(site: TestClient, world: PageWorld) -> None:
    person = {"nik": "3671015506920002", "name": "Ani Rekaan", "dose": "1"}
    assert site.post(f"/daftar/{world.sessions[0]}", data=person).status_code == 422
    again = site.post(f"/daftar/{world.sessions[1]}", data=person)
    assert again.status_code == 303


def test_a_ticket_nobody_made_is_not_there(site: TestClient) -> None:
    assert site.get("/daftar/tiket/01920000-0000-7000-8000-000000000000").status_code == 404
    assert site.post("/daftar/tiket/01920000-0000-7000-8000-000000000000/pasti").status_code == 404
    assert site.get("/daftar/not-a-uuid").status_code == 404


def test_one_address_cannot_book_without_end(site: TestClient, world: PageWorld) -> None:
    codes = {site.post(f"/daftar/{world.sessions[1]}", data={"nik": "1", "name": "x"}).status_code for _ in range(20)}
    assert codes == {422}
    last = site.post(f"/daftar/{world.sessions[1]}", data={"nik": "3671015506920003", "name": "Ira", "dose": "1"})
    assert last.status_code == 422
    assert "Terlalu" in last.text


def test_a_shipment_shows_what_was_sent_and_what_arrived(site: TestClient, world: PageWorld) -> None:
    log_in(site)
    assert "Terlambat" in site.get("/pengiriman").text
    assert "Seharusnya sudah tiba" in site.get(f"/pengiriman/{world.shipment}").text
    assert "selisih 2" in site.get("/pengiriman?tampil=done").text


def test_a_long_span_of_readings_reaches_the_page_merged(site: TestClient) -> None:
    page = log_in(site).get("/suhu/S-pkm-cipondoh-k1?rentang=180h")
    assert page.status_code == 200
    figure = site.get("/suhu/S-pkm-cipondoh-k1/gambar.json?rentang=180h")
    assert len(figure.content) < 300_000


def test_pages_do_not_stand_in_the_description_of_the_api(site: TestClient) -> None:
    paths = site.get("/openapi.json").json()["paths"]
    assert not any(path.startswith(("/masuk", "/daftar", "/static", "/alarm")) for path in paths)


def test_an_event_no_reaction_can_handle_is_seen_and_tried_again_until_it_is_settled(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    with transaction(app_services.engine) as db:
        newest = last_position(db)
        db.add(
            FeedEvent(
                position=newest + 1, id=uuid7(), kind="stock.short", subject="x", unit_id=None, data={"short": "two"},
                occurred_at=world.now, recorded_at=world.now,
            )
        )  # fmt: skip
    displacing = next(
        one for one in runners(app_services.engine, app_services.clock) if one.reaction.name == "displace"
    )
    while displacing.run_once():
        pass
    assert "rantai_feed_set_aside 1.0" in site.get("/metrics").text
    log_in(site, "pusat")
    assert 'href="/tertunda"' in site.get("/").text
    shown = site.get("/tertunda").text
    assert "stock.short" in shown
    again = re.search(r'action="(/tertunda/[^"]+/ulangi)"', shown)
    assert again is not None
    assert site.post(again[1], data={"csrf": "wrong"}).status_code == 403
    assert site.post(again[1], data={"csrf": csrf_of(shown)}).headers["location"] == "/tertunda?hasil=gagal"
    with transaction(app_services.engine) as db:
        pool = db.execute(select(Availability.facility_id, Availability.presentation_id).limit(1)).one()
        mended = {"facility_id": str(pool.facility_id), "presentation_id": str(pool.presentation_id), "short": 0}
        db.execute(update(FeedEvent).where(FeedEvent.position == newest + 1).values(data={**mended, "days": []}))
    assert site.post(again[1], data={"csrf": csrf_of(shown)}).headers["location"] == "/tertunda?hasil=selesai"
    assert "/ulangi" not in site.get("/tertunda").text
    assert "rantai_feed_set_aside 0.0" in site.get("/metrics").text


def test_an_event_that_waits_for_a_locked_facility_is_seen(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    log_in(site, "pusat")
    assert "Tidak ada kejadian yang menunggu." in site.get("/tertunda").text
    number_pending(app_services.engine)
    with transaction(app_services.engine) as db:
        row = db.scalars(select(FeedEvent).limit(1)).one()
        step_aside(db, "hold", row, error="LockNotAvailable", detail="", now=world.now)
    shown = site.get("/tertunda").text
    assert row.kind in shown
    assert "Tidak ada kejadian yang menunggu." not in shown
    assert "rantai_feed_waiting 1.0" in site.get("/metrics").text


def test_what_could_not_be_handled_is_for_the_nation_alone(site: TestClient) -> None:
    assert site.get("/tertunda").status_code == 303
    log_in(site)
    assert site.get("/tertunda").status_code == 403
    assert "/tertunda" not in site.get("/").text


def test_a_person_responsible_gets_to_the_displaced_people(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        session = db.get_one(VaccinationSession, world.sessions[0])
        gone = displace(db, session.facility_id, session.presentation_id, now=world.now)
        assert len(gone.bookings) > 2
        for booking in gone.bookings:
            make_offer(db, booking, now=world.now)
        person = db.get_one(Person, db.get_one(Booking, gone.bookings[0]).person_id)
        person.phone = "+6281234567890"
        name = person.name
        told = db.get_one(Booking, gone.bookings[1]).person_id
        db.execute(
            update(OutMessage)
            .where(OutMessage.recipient_ref == str(told))
            .values(state=MessageState.SENT, sent_at=world.now)
        )
    log_in(site, "kepala")
    assert 'href="/kuota/tergeser"' in site.get("/kuota").text
    everybody = site.get("/kuota/tergeser").text
    assert f"Menunggu {len(gone.bookings)}<" in everybody
    assert f"Belum dikabari {len(gone.bookings) - 1}<" in everybody
    assert name in everybody
    assert "tel:+6281234567890" in everybody
    untold = site.get("/kuota/tergeser?tampil=untold").text
    assert str(gone.bookings[0]) in untold
    assert str(gone.bookings[1]) not in untold
    rest = site.get(f"/kuota/tergeser?tampil=all&sesudah={gone.bookings[0]}")
    assert rest.status_code == 200
    assert site.get("/kuota/tergeser?sesudah=x&tampil=unknown").status_code == 200
    # Somebody of another place, or whose role books nobody, sees none of them.
    stranger = TestClient(site.app, headers=HTML, follow_redirects=False)
    auditor = log_in(stranger, "auditor").get("/kuota/tergeser")
    assert "tel:" not in auditor.text
    assert name not in auditor.text


def test_a_warning_that_became_an_alarm_is_one_matter(site: TestClient, app_services: Services) -> None:
    with transaction(app_services.engine) as db:
        both = {a.rule: a for a in db.scalars(select(Alarm).where(Alarm.rule.in_(("HEAT", "WARM"))))}
        assert set(both) == {"HEAT", "WARM"}
        warm, heat = both["WARM"].id, both["HEAT"].id
        assert both["WARM"].equipment_id == both["HEAT"].equipment_id
    log_in(site, "kepala")
    found = site.get("/alarm").text
    assert (f'id="a-{heat}"' in found, f'id="a-{warm}"' in found) == (True, False)
    assert "Peringatan dini" in found
    assert f'id="a-{warm}"' in site.get("/alarm?tampil=all&semua=1").text
    before = int(re.findall(r'data-say="(\d+) alarm', site.get("/alarm").text)[0])
    with transaction(app_services.engine) as db:
        db.execute(update(Alarm).where(Alarm.id == heat).values(withdrawn_at=Alarm.alarmed_at))
    # The alarm was none after all: then the warning stands for itself.
    again = site.get("/alarm").text
    assert f'id="a-{warm}"' in again
    assert int(re.findall(r'data-say="(\d+) alarm', again)[0]) == before


def test_who_may_not_answer_an_alarm_is_told_who_may(site: TestClient) -> None:
    nurse = log_in(site, "vaksinator").get("/alarm").text
    assert "Beri tahu sekarang juga" in nurse
    assert "Kepala" in nurse.split("Beri tahu sekarang juga")[1][:400]
    assert "Tanggapi alarm</button>" not in nurse
