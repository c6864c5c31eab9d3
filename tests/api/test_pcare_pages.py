"""P-Care's pages and HTTP: states with counts, what was refused and the way out, differences, the file of a day and who took it."""

from __future__ import annotations

import io
import zipfile
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update

from rantai.cli import pcare as cli
from tests.api.test_adverse_pages import given
from tests.api.test_desk_pages import Meja, app_services, made, meja, site, words_of, world
from tests.support.accounts import signed_in
from tracker.access.rules import Role
from tracker.kit.clock import utc_now
from tracker.pcare.models import PcareDay, PcareRecord, PcareStranger
from tracker.pcare.rules.words import State, Why
from tracker.pcare.service.noting import note_dose
from tracker.people.models import Person, PersonRecord
from tracker.quota.models import Booking

__all__ = ["app_services", "given", "made", "meja", "site", "world"]


@pytest.fixture
def record(meja: Meja, given: UUID) -> UUID:
    """A dose noted for P-Care."""

    def note(desk: object) -> UUID:
        note_dose(desk.db, given, now=utc_now())  # type: ignore[attr-defined]  # a desk
        found: UUID = desk.db.scalars(select(PcareRecord.id).where(PcareRecord.booking_id == given)).one()  # type: ignore[attr-defined]  # same
        return found

    noted: UUID = meja.done(note)
    return noted


def test_what_was_refused_stands_with_its_reason_and_is_sent_again(meja: Meja, record: UUID, given: UUID) -> None:
    refused = update(PcareRecord).values(state=State.REFUSED, why=Why.REFUSED, words="kode vaksin tidak dikenal")
    meja.done(lambda desk: desk.db.execute(refused))
    meja.as_("kepala")
    shown = words_of(meja.site.get("/pcare"))
    assert "Ditolak (1)" in shown
    assert "kode vaksin tidak dikenal" in shown
    assert "Rahmat" not in shown
    assert f"/kuota/pendaftaran/{given}" in meja.site.get("/pcare").text
    assert meja.send(f"/pcare/{record}/lagi").status_code == 303
    assert "Menunggu (1)" in words_of(meja.site.get("/pcare?keadaan=menunggu"))
    accepted = update(PcareRecord).values(state=State.ACCEPTED, number="VAK1", next_at=None)
    meja.done(lambda desk: desk.db.execute(accepted))
    answer = meja.send(f"/pcare/{record}/lagi")
    assert (answer.status_code, "sudah selesai" in words_of(answer)) == (422, True)
    # It opens with what there is, and offers no state of which there is none.
    opened = words_of(meja.site.get("/pcare"))
    assert ("Diterima P-Care (1)" in opened, "Menunggu (" in opened, "Ditolak (" in opened) == (True, False, False)
    assert meja.site.get("/pcare?keadaan=entah").status_code == 404
    head = signed_in(meja.services, meja.world.world, Role.MANAGER)
    (one,) = meja.site.get("/api/v1/pcare/records?state=accepted", headers=head).json()["items"]
    assert (one["number"], one["booking"], one["given"]) == ("VAK1", str(given), True)
    assert meja.site.get("/api/v1/pcare", headers=head).json()["records"]["accepted"] == 1
    nurse = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    assert meja.site.get("/api/v1/pcare", headers=nurse).status_code == 403


def test_the_file_of_a_day_is_defused_and_says_who_took_it(meja: Meja, record: UUID, given: UUID) -> None:
    meja.done(lambda desk: desk.db.execute(update(Person).values(name="=1+1")))
    meja.as_("kepala")
    place = meja.done(lambda desk: desk.db.get_one(PcareRecord, record))
    code = "pkm-cipondoh"
    here = f"/pcare/fasilitas/{code}"
    wire = meja.send(f"{here}/berkas", hari=str(place.day))
    assert (wire.status_code, "terkirim sendiri" in words_of(wire)) == (422, True)
    assert meja.send(f"{here}/cara", cara="kawat lama").status_code == 422
    assert meja.send(f"{here}/cara", cara="berkas", kode="0114A026").status_code == 303
    for day in ("kemarin", "2999-01-01"):
        assert meja.send(f"{here}/berkas", hari=day).status_code == 422
    person = meja.done(lambda desk: desk.db.get_one(Booking, given).person_id)
    looks = select(func.count()).where(PersonRecord.person_id == person)
    before = meja.done(lambda desk: desk.db.scalar(looks))
    csv = meja.send(f"{here}/berkas", hari=str(place.day), bentuk="csv")
    assert csv.status_code == 200
    assert "TAMBAH,belum," in csv.text
    assert ",'=1+1," in csv.text
    assert ",0114A026," in csv.text
    book = meja.send(f"{here}/berkas", hari=str(place.day), bentuk="xlsx")
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
    assert meja.done(lambda desk: desk.db.scalar(looks)) == (before or 0) + 2
    assert meja.done(lambda desk: desk.db.get_one(PcareRecord, record).state) is State.HANDED
    assert "Lewat berkas (1)" in words_of(meja.site.get("/pcare?keadaan=berkas"))


def test_differences_are_listed_and_a_day_is_compared_when_asked(
    meja: Meja, record: UUID, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    meja.as_("kota")
    one = meja.done(lambda desk: desk.db.get_one(PcareRecord, record))
    assert meja.send("/pcare/beda/pkm-cipondoh", hari=str(one.day)).status_code == 303
    assert meja.send("/pcare/beda/pkm-cipondoh", hari="entah").status_code == 422

    def differ(desk: object) -> None:
        db = desk.db  # type: ignore[attr-defined]  # a desk
        db.execute(update(PcareDay).values(only_there=15, only_here=1, checked_at=utc_now()))
        rows = [
            {
                "number": f"VAK{n:03d}",
                "facility_id": one.facility_id,
                "day": one.day,
                "record_id": record if n == 0 else None,
                "seen_at": utc_now(),
            }
            for n in range(15)
        ]
        db.execute(insert(PcareStranger), rows)

    meja.done(differ)
    shown = words_of(meja.site.get("/pcare/beda"))
    assert "VAK000" in shown
    assert "hapus yang ini di P-Care" in shown
    assert "VAK012" not in shown, "the rest is on the next page"
    city = signed_in(meja.services, meja.world.world, Role.CITY)
    listed = meja.site.get("/api/v1/pcare/strangers?limit=20", headers=city).json()["items"]
    assert [row["number"] for row in listed] == [f"VAK{n:03d}" for n in range(15)]
    url = meja.services.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("RANTAI_DATABASE_URL", url)
    monkeypatch.setenv("RANTAI_SECRET_KEY", "a secret for tests only, at least 32 characters")
    cli.state()
    cli.look()
    told = capsys.readouterr().out
    assert "line: not connected; no trouble" in told
    assert "waiting: 1" in told
