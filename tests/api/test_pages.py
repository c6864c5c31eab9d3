"""Pages over HTTP: who gets in, what they see, and what is refused."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from tests.browser.page_world import PageWorld
from tests.db.test_network_facilities import collection, square
from tests.support.page_site import HTML, app_services, book_on_the_web, csrf_of, log_in, made, site, world
from tests.support.world import PASSWORD
from tracker.access.models import Login
from tracker.access.principal import SYSTEM
from tracker.api.body_limit import LONGEST_FORM
from tracker.coldchain.models import Alarm
from tracker.database.engine import transaction
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.models import StoredAnswer
from tracker.edge.services import Services
from tracker.feed.models import FeedEvent
from tracker.feed.queries import last_position
from tracker.kit.ids import uuid7
from tracker.network.areas import import_areas
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.models import Bucket
from tracker.quota.rules.words import BucketKind
from tracker.reactions import runners
from tracker.retention import Standing, let_go_next, rules_of, standings
from tracker.stock.models import Availability

__all__ = ["app_services", "made", "site", "world"]


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
        db.execute(update(Facility).where(Facility.code == "pkm-cipondoh").values(name="＝HYPERLINK(1)"))
    log_in(site, "kepala")
    for path in ("/fasilitas.csv", "/kuota.csv", "/pengiriman.csv"):
        answer = site.get(path)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(site.get("/fasilitas.csv").content.decode("utf-8-sig"))))
    assert {line[0] for line in lines[1:]} == {"pkm-cipondoh"}
    assert {line[1] for line in lines[1:]} == {"'＝HYPERLINK(1)"}


def test_a_file_of_shipments_is_whole_however_many_there_are(site: TestClient, app_services: Services) -> None:
    more = (
        "INSERT INTO shipment SELECT made.* FROM shipment s, generate_series(1, 2500) n, "
        "jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'code', 'BANYAK-' || n, "
        "'created_at', s.created_at - n / 3 * interval '1 minute')) made "
        "WHERE s.code = (SELECT min(code) FROM shipment)"
    )
    with transaction(app_services.engine) as db:
        db.execute(text(more))
        codes = set(db.scalars(text("SELECT code FROM shipment")))
    lines = list(csv.reader(io.StringIO(log_in(site, "pusat").get("/pengiriman.csv").content.decode("utf-8-sig"))))[1:]
    assert len(lines) == len(codes) > 2_500
    assert {line[0] for line in lines} == codes


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


def test_a_receipt_of_two_hundred_lines_outlives_the_log_in_too(site: TestClient) -> None:
    batches = [uuid7() for _ in range(200)]
    names = ("accepted", "rejected", "missing", "surplus", "alasan", "vvm", "tempat", "catatan", "nota")
    fields = {f"{name}-{batch}": "1" for batch in batches for name in names}
    kept = site.post("/pengiriman/SJ-0000-0000/terima", data={"csrf": "old", **fields})
    assert kept.status_code == 401
    waiting = html.unescape(re.search(r'name="tunda" value="([^"]*)"', kept.text)[1])  # type: ignore[index]  # red when it is missing
    again = site.post("/masuk", data={"username": "kepala", "password": PASSWORD, "tunda": waiting})
    assert again.status_code == 200
    assert f'name="nota-{batches[-1]}" value="1"' in again.text
    site.cookies.clear()
    site.cookies.set(LOGIN_COOKIE, "ended")  # or one that the browser still shows
    assert site.post("/pengiriman/SJ-0000-0000/terima", data={"csrf": "old", **fields}).status_code == 401
    without_end = site.post("/pengiriman/SJ-0000-0000/terima", data={"catatan": "x" * LONGEST_FORM})
    assert without_end.status_code == 413


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
    person = {"nik": "3671015506920022", "name": "Siti Rekaan", "phone": "0812-3456-7822", "residence": "sukasari"}
    asked = site.post(session, data=person)
    assert (asked.status_code, asked.text.count('type="radio"')) == (422, 3)
    book_on_the_web(site, world.sessions[1], **{**person, "residence": "Sukasari (36.71.06.1001)"})
    with transaction(app_services.engine) as db:
        assert "36.71.06.1001" in db.scalars(select(Person.residence)).all()


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


def test_what_could_not_be_handled_is_for_the_nation_alone(site: TestClient) -> None:
    assert site.get("/tertunda").status_code == 303
    log_in(site)
    assert site.get("/tertunda").status_code == 403
    assert "/tertunda" not in site.get("/").text


def test_what_is_kept_how_long_is_told_to_the_nation_as_the_command_tells_it(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    answers = next(rule for rule in rules_of(app_services.settings.retention) if rule.setting == "answers_days")
    with transaction(app_services.engine) as db:
        old = app_services.clock() - timedelta(days=8)
        db.add_all(
            StoredAnswer(account_id=uuid7(), key=str(n), fingerprint="", answer=None, created_at=old) for n in range(3)
        )
    assert site.get("/masa-simpan").status_code == 303
    log_in(site, "pusat")
    assert 'href="/masa-simpan"' in site.get("/").text

    def told() -> tuple[str, ...]:
        row = re.search(r"Jawaban untuk permintaan berulang.*?</tr>", site.get("/masa-simpan").text, re.DOTALL)
        assert row is not None
        return tuple(" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row[0].split("<td")[1:5])

    def said() -> Standing:
        with transaction(app_services.engine) as db:
            return standings(db, [answers], now=app_services.clock())[0]

    kept, due, ran, gone = (re.sub("^[^>]*> ?", "", cell) for cell in told())
    assert (due, kept, ran, gone, said().due) == ("3", "7 hari", "belum pernah", "–", 3)
    now, more = app_services.clock(), True
    while more:
        with transaction(app_services.engine) as db:
            more = let_go_next(db, answers, due_since=now, now=now)
    _, due, ran, gone = (re.sub("^[^>]*> ?", "", cell) for cell in told())
    assert (due, gone, said().due) == ("0", "3", 0)
    assert ran.endswith("WIB")


def test_what_is_kept_how_long_is_for_the_nation_alone(site: TestClient) -> None:
    log_in(site)
    assert site.get("/masa-simpan").status_code == 403
    assert "/masa-simpan" not in site.get("/").text
