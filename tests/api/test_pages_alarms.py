"""Pages of alarms and holds over HTTP: who answers, how, and what is refused."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient
from sqlalchemy import select, update

from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tracker.coldchain.models import Alarm, Episode
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.network.models import Equipment
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.stock.models import StockKeep

__all__ = ["app_services", "made", "site", "world"]


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


def test_the_seconds_of_a_door_are_no_temperature(site: TestClient, app_services: Services) -> None:
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm).where(Alarm.rule == "HEAT")).one()
        alarm.rule = "DOOR"
        db.execute(update(Episode).where(Episode.alarm_id == alarm.id).values(rule="DOOR", peak=455.0))
        opened = f"/alarm?buka={alarm.id}"
    log_in(site)
    assert re.search(r"455\s+detik", site.get(opened).text)
    for path in (opened, "/", "/fasilitas/pkm-cipondoh"):
        assert not re.search(r"455[.,]?0?\s*°", site.get(path).text), path


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
    for forged, status in (({"putusan-none": "release"}, 422), ({f"putusan-{alarm}": "whatever"}, 400)):
        assert site.post(f"/alarm/{alarm}/tutup", data={"csrf": token, **forged}).status_code == status


def test_what_an_alarm_held_on_when_it_was_closed_is_decided_on_its_card_and_stands_on_the_home_till_then(
    site: TestClient, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        alarm = db.scalars(select(Alarm).where(Alarm.rule == "HEAT")).one()
        alarm.ended_at = alarm.raised_at
        batches = sorted(db.scalars(select(Hold.batch_id).where(Hold.alarm_id == alarm.id).distinct()))
        way = f"/alarm/{alarm.id}"
        opened = f"/alarm?tampil=held&buka={alarm.id}"
    token = csrf_of(log_in(site, "kepala").get("/alarm").text)
    assert "/putuskan" not in site.get(opened).text, "decided when it is closed"
    kept = {f"putusan-{one}": "hold" for one in batches} | {f"alasan-{one}": "tunggu dinas" for one in batches}
    site.post(f"{way}/tutup", data={"csrf": token, **kept})
    assert 'href="/alarm?tampil=held"' in site.get("/").text
    assert f'id="a-{way[7:]}"' in site.get("/alarm?tampil=held").text
    assert f'action="{way}/putuskan"' in site.get(opened).text

    def decided(**fields: str) -> str:
        return site.get(site.post(f"{way}/putuskan", data={"csrf": token, **fields}).headers["location"]).text

    assert "paling sedikit satu batch" in decided()
    first, *others = batches
    assert "Tulis alasan" in decided(**{f"putusan-{first}": "release"})
    decided(**{f"putusan-{first}": "discard", f"alasan-{first}": "VVM berubah"})
    for one in others:
        decided(**{f"putusan-{one}": "release", f"alasan-{one}": "dinas: VVM baik"})
    with transaction(app_services.engine) as db:
        holds = db.scalars(select(Hold).where(Hold.batch_id.in_(batches))).all()
        assert {hold.state for hold in holds if hold.batch_id == first} == {HoldState.DISCARDED}
        assert {(hold.state, hold.reason) for hold in holds if hold.batch_id != first} <= {
            (HoldState.RELEASED, "dinas: VVM baik")
        }
        assert db.scalars(select(StockKeep)).all() == []
    assert 'href="/alarm?tampil=held"' not in site.get("/").text
    assert "/putuskan" not in site.get(opened).text
    site.cookies.clear()
    token = csrf_of(log_in(site, "vaksinator").get("/alarm").text)
    assert site.post(f"{way}/putuskan", data={"csrf": token, f"putusan-{first}": "release"}).status_code == 403


def test_held_stock_shows_on_facility_batch_and_quota(site: TestClient) -> None:
    log_in(site)
    assert "Ditahan" in site.get("/fasilitas/pkm-cipondoh").text
    assert "Penahanan" in site.get("/batch/penta-5/PB002").text
    quota = site.get("/kuota").text
    assert "kurang 3" in quota  # vials that were promised and are held now
    assert "Sesi kekurangan vial" in quota


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
    assert f'id="a-{warm}"' in site.get("/alarm?tampil=all").text
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
