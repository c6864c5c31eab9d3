"""The week of a facility on the pages: seen, planned session by session, copied; twice, out of reach, and typed wrongly."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from tests.browser.page_world import PageWorld
from tests.support.accounts import signed_in
from tests.support.copies import more_of
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.days import local_day
from tracker.quota.models import Bucket, SessionTemplate, VaccinationSession
from tracker.quota.rules.words import BucketKind
from tracker.quota.service.ending import cancel_session

__all__ = ["app_services", "made", "site", "world"]

HERE = "pkm-cipondoh"


def words_of(answer: Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def form(site: TestClient, **asked: str) -> dict[str, str]:
    """What the form of a plan would send as it is drawn."""
    drawn = site.get("/kuota/rencana", params={"fasilitas": HERE, **asked})
    assert drawn.status_code == 200, drawn.text[:400]
    fields = dict(re.findall(r'name="(csrf|nomor|fasilitas)"\s+value="([^"]*)"', drawn.text))
    return {
        **fields,
        "hari": asked.get("hari", ""),
        "mulai": "08:00",
        "selesai": "12:00",
        "produk": "penta-5",
        "dosis": "1",
        "kapasitas": "60",
    }


def planned(services: Services) -> list[VaccinationSession]:
    with transaction(services.engine) as db:
        rows = list(db.scalars(select(VaccinationSession).order_by(VaccinationSession.created_at)))
        db.expunge_all()
        return rows


@pytest.fixture
def day(world: PageWorld) -> date:
    """A day next week on which nothing is planned."""
    return local_day(world.now, "Asia/Jakarta") + timedelta(days=9)


def test_a_session_is_planned_once_however_often_the_form_is_sent_and_stands_in_its_week(
    site: TestClient, app_services: Services, day: date
) -> None:
    log_in(site, "kepala")
    before = len(planned(app_services))
    fields = {
        **form(site, hari=day.isoformat()),
        "bagian-kelurahan": "50",
        "lepas-kelurahan": "24",
        "bagian-walk_in": "10",
    }
    first, again = (site.post("/kuota/rencana", data=fields) for _ in range(2))
    assert first.status_code == again.status_code == 303, words_of(first)
    assert first.headers["location"] == again.headers["location"]
    made_here = planned(app_services)[before:]
    assert len(made_here) == 1
    session = made_here[0]
    assert (session.day, session.capacity, session.doses) == (day, 60, [1])
    with transaction(app_services.engine) as db:
        buckets = {b.kind: b for b in db.scalars(select(Bucket).where(Bucket.session_id == session.id))}
        assert {kind: bucket.places for kind, bucket in buckets.items()} == {
            "kelurahan": 30,
            "walk_in": 6,
            "general": 24,
        }
        assert buckets[BucketKind.KELURAHAN].release_at == session.opens_at - timedelta(hours=24)
    shown = site.get(first.headers["location"].partition("#")[0])
    assert f"/kuota/sesi/{session.id}" in shown.text
    assert "0 dari 60" in words_of(shown)


def test_staff_and_minutes_give_the_capacity_and_a_look_plans_nothing(
    site: TestClient, app_services: Services, day: date
) -> None:
    log_in(site, "kepala")
    before = len(planned(app_services))
    fields = {**form(site, hari=day.isoformat()), "kapasitas": "", "petugas": "3", "menit": "7", "hitung": "1"}
    looked = site.post("/kuota/rencana", data=fields)
    # Four hours are 34 times seven minutes; three nurses.
    assert looked.status_code == 200
    assert "102 orang" in words_of(looked)
    assert len(planned(app_services)) == before
    del fields["hitung"]
    assert site.post("/kuota/rencana", data=fields).status_code == 303
    assert planned(app_services)[-1].capacity == 102


def test_the_form_says_what_the_vials_bear_and_what_of_the_last_one_may_be_lost(site: TestClient, day: date) -> None:
    log_in(site, "kepala")
    told = words_of(
        site.post(
            "/kuota/rencana",
            data={**form(site, hari=day.isoformat()), "produk": "mr-10", "kapasitas": "63", "hitung": "1"},
        )
    )
    assert "vial siap pakai" in told
    assert "7 vial isi 10 dosis" in told
    assert "tersisa 7 dosis" in told
    assert "0 sampai 9" in told


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"hari": ""}, "Tulis tanggal."),
        ({"hari": "2020-01-06"}, "hari mendatang"),
        ({"mulai": "25:00"}, "Tulis jam"),
        ({"selesai": "08:00"}, "jam"),
        ({"produk": ""}, "Pilih produk."),
        ({"produk": "no-such"}, "Produk tidak dikenal."),
        ({"dosis": ""}, "Pilih paling sedikit satu dosis."),
        ({"kapasitas": "", "petugas": "2"}, "Tulis berapa orang"),
        ({"kapasitas": "enam"}, "Tulis bilangan bulat."),
        ({"bagian-city": "60", "bagian-kelurahan": "50"}, "paling banyak 100 %"),
        ({"bagian-city": "1e1"}, "Tulis bilangan bulat."),
        ({"wilayah": "abc"}, "abc"),
    ],
)
def test_what_is_typed_wrongly_is_said_beside_its_field_and_plans_nothing(
    site: TestClient, app_services: Services, day: date, fields: dict[str, str], sentence: str
) -> None:
    log_in(site, "kepala")
    before = len(planned(app_services))
    answer = site.post("/kuota/rencana", data={**form(site, hari=day.isoformat()), **fields})
    assert answer.status_code == 422
    assert sentence in words_of(answer)
    assert len(planned(app_services)) == before


def test_the_week_before_is_copied_once_without_what_was_called_off(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    with transaction(app_services.engine) as db:
        cancel_session(db, SYSTEM, world.sessions[2], "listrik padam", now=app_services.clock())
        first = db.get_one(VaccinationSession, world.sessions[0])
        monday = first.day - timedelta(days=first.day.weekday()) + timedelta(days=7)
    log_in(site, "kepala")
    address = {"fasilitas": HERE, "mulai": monday.isoformat()}
    drawn = site.get("/kuota/minggu", params=address)
    offered = re.findall(r'name="sesi"\s+value="([^"]+)"', drawn.text)
    assert str(world.sessions[0]) in offered
    assert str(world.sessions[2]) not in offered
    before = len(planned(app_services))
    sent = {**address, "csrf": csrf_of(drawn.text), "sesi": offered}
    for _ in range(2):
        assert site.post("/kuota/minggu/salin", data=sent).status_code == 303
    copies = planned(app_services)[before:]
    assert len(copies) == len(offered)
    copy = next(one for one in copies if one.presentation_id == first.presentation_id)
    assert (copy.day, copy.opens_at, copy.capacity) == (
        first.day + timedelta(days=7),
        first.opens_at + timedelta(days=7),
        first.capacity,
    )
    assert 'name="sesi"' not in site.get("/kuota/minggu", params=address).text


def test_of_a_week_with_more_sessions_than_one_form_holds_the_others_are_said_and_come_next(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    with transaction(app_services.engine) as db:
        first = db.get_one(VaccinationSession, world.sessions[0])
        monday = first.day - timedelta(days=first.day.weekday()) + timedelta(days=7)
        hours = {"opens_at": "opens_at + n * interval '1 second'", "closes_at": "closes_at + n * interval '1 second'"}
        empty = {"taken": "0", "live": "0", "vaccinated": "0"}
        more_of(db, VaccinationSession, 130, f"id = '{first.id}'", id="gen_random_uuid()", **empty, **hours)
    log_in(site, "kepala")
    address = {"fasilitas": HERE, "mulai": monday.isoformat()}
    drawn = site.get("/kuota/minggu", params=address).text
    offered = re.findall(r'name="sesi"\s+value="([^"]+)"', drawn)
    hidden = re.search(r"(\d+) sesi lagi tampak", drawn)
    assert len(offered) == 100
    assert hidden is not None
    site.post("/kuota/minggu/salin", data={**address, "csrf": csrf_of(drawn), "sesi": offered})
    rest = re.findall(r'name="sesi"\s+value="([^"]+)"', site.get("/kuota/minggu", params=address).text)
    assert len(rest) == int(hidden[1])
    assert not set(rest) & set(offered)


def test_who_only_looks_sees_the_week_and_no_form(site: TestClient, day: date) -> None:
    log_in(site, "auditor")
    shown = site.get("/kuota/minggu", params={"fasilitas": HERE, "mulai": day.isoformat()})
    assert shown.status_code == 200
    assert "/kuota/rencana" not in shown.text
    assert site.get("/kuota/rencana", params={"fasilitas": HERE}).status_code == 403
    sent = {"fasilitas": HERE, "mulai": day.isoformat(), "csrf": csrf_of(shown.text), "sesi": []}
    assert site.post("/kuota/minggu/salin", data=sent).status_code == 422


def test_another_ones_week_is_no_page_and_any_day_of_any_year_has_one(site: TestClient) -> None:
    log_in(site, "kepala")
    assert site.get("/kuota/minggu", params={"fasilitas": "pkm-neglasari"}).status_code == 404
    for text in ("0001-01-01", "9999-12-31", "kemarin", "2026-02-30"):
        assert site.get("/kuota/minggu", params={"fasilitas": HERE, "mulai": text}).status_code == 200


def test_holidays_are_named_in_the_language_of_the_page(site: TestClient) -> None:
    log_in(site, "kepala")
    asked = {"fasilitas": HERE, "mulai": "2026-12-25"}
    assert "Hari Raya Natal" in words_of(site.get("/kuota/minggu", params=asked))
    site.cookies.set("rantai_language", "en")
    assert "Christmas Day" in words_of(site.get("/kuota/minggu", params=asked))


def test_the_shares_of_a_planned_session_are_changed_on_their_page_and_over_http(
    site: TestClient, app_services: Services, world: PageWorld, day: date
) -> None:
    log_in(site, "kepala")
    assert (
        site.post("/kuota/rencana", data={**form(site, hari=day.isoformat()), "bagian-city": "50"}).status_code == 303
    )
    session = next(one for one in planned(app_services) if one.day == day)
    page = f"/kuota/sesi/{session.id}/bagian"
    assert page in site.get(f"/kuota/sesi/{session.id}").text
    assert 'value="30"' in site.get(page).text
    fields = {"csrf": csrf_of(site.get("/akun").text), "orang-nakes": "1", "lepas-nakes": "2"}

    def places() -> dict[str, int]:
        with transaction(app_services.engine) as db:
            rows = db.scalars(select(Bucket).where(Bucket.session_id == session.id, Bucket.places > 0))
            return {row.kind.value: row.places for row in rows}

    assert site.post(page, data=fields).status_code == 422
    assert places() == {"city": 30, "general": 30}
    for wrong in ({"orang-nakes": "banyak"}, {"orang-nakes": "61"}):
        assert site.post(page, data={**fields, **wrong, "alasan": "tenaga kesehatan"}).status_code == 422
    assert site.post(page, data={**fields, "alasan": "tenaga kesehatan"}).status_code == 303
    assert places() == {"nakes": 1, "general": 59}
    head = signed_in(app_services, world.world, Role.MANAGER)
    body = {"reason": "lagi", "buckets": [{"kind": "city", "share": 0.25}]}
    answer = site.patch(f"/api/v1/sessions/{session.id}", json=body, headers=head)
    assert answer.status_code == 200, answer.text
    assert places() == {"city": 15, "general": 45}
    log_in(site, "vaksinator")
    assert site.get(page).status_code == 403


def templates(services: Services) -> list[SessionTemplate]:
    with transaction(services.engine) as db:
        rows = list(db.scalars(select(SessionTemplate).order_by(SessionTemplate.saved_at)))
        db.expunge_all()
        return rows


def test_a_plan_is_kept_as_a_template_offered_on_its_weekday_and_removed_again(
    site: TestClient, app_services: Services, day: date
) -> None:
    log_in(site, "kepala")
    before = len(planned(app_services))
    fields = {
        **form(site, hari=day.isoformat()),
        "bagian-kelurahan": "50",
        "lepas-kelurahan": "24",
        "nama-pola": "Poli pagi",
        "hari-pola": "1",
    }
    nameless = site.post("/kuota/rencana/pola", data={**fields, "nama-pola": ""})
    assert nameless.status_code == 422
    assert "Beri pola ini nama." in words_of(nameless)
    kept, again = (site.post("/kuota/rencana/pola", data=fields) for _ in range(2))
    assert kept.status_code == again.status_code == 303, words_of(kept)
    (template,) = templates(app_services)
    assert (template.name, template.weekday, template.capacity) == ("Poli pagi", day.isoweekday(), 60)
    assert template.buckets == {"kelurahan": {"share": 0.5, "release_hours": 24}}
    assert len(planned(app_services)) == before, "a template plans nothing"

    later = day + timedelta(days=7)
    drawn = site.get("/kuota/rencana", params={"fasilitas": HERE, "hari": later.isoformat(), "pola": str(template.id)})
    for name, value in (("mulai", "08:00"), ("kapasitas", "60"), ("bagian-kelurahan", "50"), ("lepas-kelurahan", "24")):
        assert re.search(rf'name="{name}"[^>]*value="{value}"', drawn.text), name
    other_day = site.get("/kuota/rencana", params={"fasilitas": HERE, "hari": (day + timedelta(days=1)).isoformat()})
    assert "Poli pagi" not in words_of(other_day)

    taken_from = {**form(site, hari=later.isoformat()), "pola": str(template.id), "nama-pola": "Poli pagi"}
    assert site.post("/kuota/rencana/pola", data={**taken_from, "kapasitas": "40"}).status_code == 303
    assert [one.capacity for one in templates(app_services)] == [40], "the same name replaces it"
    taken = site.post("/kuota/rencana/pola", data={**form(site, hari=day.isoformat()), "nama-pola": "poli PAGI"})
    assert taken.status_code == 422
    assert "sudah punya pola lain" in words_of(taken)
    gone = {"csrf": fields["csrf"], "fasilitas": HERE, "hari": later.isoformat(), "pola": str(template.id)}
    assert site.post("/kuota/rencana/pola/hapus", data=gone).status_code == 303
    assert templates(app_services) == []
