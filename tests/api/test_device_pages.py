"""Devices and their corrections by the pages: who may, what is shown of both versions, what is refused."""

from __future__ import annotations

import re
from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import func, select

from ingest.files.outline import MAX_BYTES
from tests.browser.page_world import PageWorld
from tests.support.logger_files import fridge_tag_2
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.network.models import Equipment
from tracker.telemetry.models import Assignment, Channel, DayFigures, Device, WatchCorrection
from tracker.telemetry.service.deadletters import Undeliverable, bury

__all__ = ["app_services", "made", "site", "world"]

SENSOR = "S-pkm-cipondoh-k1"
PATH = f"/perangkat/{SENSOR}"


def watch_in(text: str) -> str:
    """The id of the first watch the form offers."""
    found = re.search(r'<option value="([0-9a-f-]{36})"', text)
    assert found is not None
    return found[1]


def test_a_watch_is_corrected_by_the_page_and_both_versions_are_shown(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    log_in(site)
    page = site.get(PATH)
    assert page.status_code == 200
    form = {
        "csrf": csrf_of(page.text),
        "pantauan": watch_in(page.text),
        "tempat": "pkm-cipondoh-k2",
        "alasan": "label tertukar",
    }
    assert site.post(f"{PATH}/koreksi", data=form | {"csrf": "x"}).status_code == 403
    for wrong in ({"alasan": "  "}, {"tempat": "tidak-ada"}, {"tempat": ""}):
        answer = site.post(f"{PATH}/koreksi", data=form | wrong)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    foreign = form | {"pantauan": "00000000-0000-0000-0000-000000000001"}
    assert site.post(f"{PATH}/koreksi", data=foreign).status_code == 404
    assert site.post(f"{PATH}/koreksi", data=form).status_code == 303
    shown = site.get(PATH).text
    assert "label tertukar" in shown
    assert "<s>" in shown
    with transaction(app_services.engine) as db:
        correction = db.scalars(select(WatchCorrection)).one()
        assert correction.to_equipment_id == db.scalar(select(Equipment.id).where(Equipment.code == "pkm-cipondoh-k2"))
        evaluate_waiting(db, now=world.now)


def test_a_device_is_put_elsewhere_moved_retired_and_used_again(site: TestClient, app_services: Services) -> None:
    log_in(site)
    page = site.get(PATH)
    csrf = {"csrf": csrf_of(page.text)}
    with transaction(app_services.engine) as db:
        channel = db.scalars(
            select(Channel.id).join(Device, Device.id == Channel.device_id).where(Device.code == SENSOR)
        ).first()
    put = csrf | {"kanal": str(channel), "tempat": "pkm-cipondoh-k2"}
    for since in ("kemarin", "99999-01-01T00:00"):
        assert site.post(f"{PATH}/pasang", data=put | {"mulai": since}).status_code == 404
    assert site.post(f"{PATH}/pasang", data=put | {"mulai": "2001-01-01T00:00"}).status_code == 422
    assert site.post(f"{PATH}/pasang", data=put).status_code == 303
    assert site.post(f"{PATH}/pasang", data=csrf | {"kanal": str(channel)}).status_code == 303
    with transaction(app_services.engine) as db:
        watches = db.scalars(select(Assignment).where(Assignment.channel_id == channel)).all()
        assert all(watch.to_at is not None for watch in watches)
    assert site.post(f"{PATH}/pindah", data=csrf | {"unit": "tidak-ada"}).status_code == 422
    assert site.post(f"{PATH}/pindah", data=csrf | {"unit": "pkm-tanah-tinggi"}).status_code == 303
    told = site.post(f"{PATH}/sandi", data=csrf)
    assert told.status_code == 200
    assert told.headers["cache-control"] == "no-store"
    assert "hanya ditampilkan sekali" in told.text
    assert "hanya ditampilkan sekali" not in site.get(PATH).text
    assert site.post(f"{PATH}/cabut", data=csrf).status_code == 303
    assert site.post(f"{PATH}/pensiun", data=csrf).status_code == 303
    assert "Tidak dipakai sejak" in site.get(PATH).text
    assert site.post(f"{PATH}/sandi", data=csrf).status_code == 422
    assert site.post(f"{PATH}/pakai", data=csrf).status_code == 303
    assert site.post(f"{PATH}/apa", data=csrf).status_code == 404


def test_who_may_not_sees_no_form_and_is_refused(site: TestClient, app_services: Services) -> None:
    log_in(site, "vaksinator")
    page = site.get(PATH)
    assert page.status_code == 200
    assert '<form method="post"' not in page.text.split("<main", 1)[1].split("</main", 1)[0]
    csrf = csrf_of(site.get("/akun").text)
    with transaction(app_services.engine) as db:
        watch = db.scalars(
            select(Assignment.id)
            .join(Channel, Channel.id == Assignment.channel_id)
            .join(Device, Device.id == Channel.device_id)
            .where(Device.code == SENSOR)
        ).first()
    for act in ("pensiun", "cabut", "sandi"):
        assert site.post(f"{PATH}/{act}", data={"csrf": csrf}).status_code == 403
    form = {"csrf": csrf, "pantauan": str(watch), "tempat": "pkm-cipondoh-k2", "alasan": "coba saja"}
    assert site.post(f"{PATH}/koreksi", data=form).status_code == 403
    assert site.get("/fasilitas/pkm-cipondoh/pencatat").status_code == 403
    with transaction(app_services.engine) as db:
        assert db.scalar(select(func.count()).select_from(WatchCorrection)) == 0
        assert db.scalar(select(Device.retired_at).where(Device.code == SENSOR)) is None


def test_a_loggers_file_is_uploaded_by_the_page(site: TestClient, world: PageWorld, app_services: Services) -> None:
    log_in(site)
    path = "/fasilitas/pkm-cipondoh/pencatat"
    form = {"csrf": csrf_of(site.get(path).text), "tempat": "pkm-cipondoh-k2", "fasilitas": "pkm-cipondoh"}
    path = "/pencatat"
    day = world.now.date() - timedelta(days=3)
    file = fridge_tag_2([(day.isoformat(), "+3.0", "+14.0", 0, "", 900, "10:30")])
    for new in (1, 0):
        sent = site.post(path, data=form, files={"berkas": ("a.txt", file)})
        assert sent.status_code == 200
        assert f"1 hari dibaca, {new} yang baru." in sent.text
    link = re.search(r'href="(/suhu/\d+\?rentang=180h)"', sent.text)
    assert link is not None
    with transaction(app_services.engine) as db:
        evaluate_waiting(db, now=world.now)
    curve = site.get(link[1]).text
    assert "Angka harian dari pencatat" in curve
    assert "terlalu panas" in curve
    assert "angka harian pencatat" in site.get("/fasilitas/pkm-cipondoh").text
    for bad in (b"no logger", b"x" * (MAX_BYTES + 5)):
        refused = site.post(path, data=form, files={"berkas": ("a.txt", bad)})
        assert refused.status_code == 422
        assert 'role="alert"' in refused.text
    assert site.post(path, data=form, files={"berkas": ("a.txt", b"x" * (MAX_BYTES + 200_000))}).status_code == 413
    assert site.post(path, data=form | {"fasilitas": "tidak-ada"}, files={"berkas": ("a.txt", file)}).status_code == 404
    assert (
        site.post(path, data=form | {"tempat": "pkm-tanah-tinggi-k9"}, files={"berkas": ("a.txt", file)}).status_code
        == 422
    )
    assert site.post(path, data=form | {"csrf": ""}, files={"berkas": ("a.txt", file)}).status_code == 403
    with transaction(app_services.engine) as db:
        assert db.scalar(select(func.count()).select_from(DayFigures)) == 1


def test_devices_are_found_and_messages_that_failed_are_seen(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        device = db.scalars(select(Device.id).where(Device.code == SENSOR)).one()
        letter = Undeliverable(
            topic=f"rantai/v1/{SENSOR}/readings",
            payload=b"x" * 1_400_000,
            reason="oversized",
            detail="1400000 bytes, at most 1048576 are read",
            received_at=world.now,
            device_id=device,
        )
        bury(db, [letter])
    log_in(site)
    for path in ("/perangkat", PATH):
        text = site.get(path).text
        assert "oversized" in text
        assert "1400000 bytes" in text
    assert SENSOR in site.get("/perangkat?cari=cipondoh-k1").text
    assert f'href="{PATH}"' not in site.get("/perangkat?cari=tidak-ada%25").text
    assert 'rantai_dead_letters{reason="oversized"} 1.0' in site.get("/metrics").text
    assert site.get("/perangkat/tidak-ada").status_code == 404


def test_a_breach_that_met_no_alarm_is_not_shown_as_one_beside_one_that_did(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    """Trap: a missing instant in a frame is NaT, and NaT is true."""
    log_in(site)
    form = {
        "csrf": csrf_of(site.get("/fasilitas/pkm-cipondoh/pencatat").text),
        "tempat": "pkm-cipondoh-k2",
        "fasilitas": "pkm-cipondoh",
    }
    days = [(world.now.date() - timedelta(days=n)).isoformat() for n in (3, 5)]
    file = fridge_tag_2(
        [(days[0], "+3.0", "+14.0", 0, "", 900, "10:30"), (days[1], "+3.0", "+8.4", 0, "", 20, "")],
        serial="920000000001",
    )
    sent = site.post("/pencatat", data=form, files={"berkas": ("a.txt", file)})
    link = re.search(r'href="(/suhu/\d+\?rentang=180h)"', sent.text)
    assert link is not None
    with transaction(app_services.engine) as db:
        evaluate_waiting(db, now=world.now)
    breaches = site.get(link[1]).text.split('id="pelanggaran"')[1].split("</section>")[0]
    # HEAT twice, once as an alarm; WARM once as advice.
    assert breaches.count("Terlalu panas") == 2
    assert breaches.count("Pelanggaran</span>") == 1
