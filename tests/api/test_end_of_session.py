"""The end of a session on its page: doses left, whom to call, what is thrown away on a word, and how it went."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from tests.api.test_adverse_pages import given
from tests.api.test_desk_pages import Meja, app_services, made, meja, site, words_of, world
from tests.support.accounts import signed_in
from tracker.access.rules import Role
from tracker.kit.ids import uuid7
from tracker.people.models import PersonRecord
from tracker.people.rules.words import PersonAct
from tracker.quota.models import VaccinationSession
from tracker.stock.models import OpenVial

__all__ = ["app_services", "given", "made", "meja", "site", "world"]


def test_whom_to_call_is_asked_at_the_desk_drawn_once_and_called_from_the_page(meja: Meja, given: UUID) -> None:
    person, nik = meja.person(name="Dewi Lestari", phone="081234567890")
    end = f"{meja.to}/selesai"
    assert "Minta dipanggil bila ada sisa" in words_of(meja.send(f"{meja.to}/cari", siapa=nik))
    assert meja.send(f"{meja.to}/siaga", orang=str(person), dosis="1").status_code == 303
    assert "1 orang meminta dipanggil" in words_of(meja.site.get(end))
    on_list = meja.send(f"{meja.to}/cari", siapa=nik)
    assert "Minta dipanggil bila ada sisa" not in words_of(on_list)
    number = re.search(r'name="siaga" value="([^"]+)"', on_list.text)
    assert number is not None
    assert meja.send(f"{meja.to}/siaga/akhir", siaga=number[1]).status_code == 303
    assert "0 orang meminta dipanggil" in words_of(meja.site.get(end))
    assert meja.send(f"{meja.to}/siaga/akhir", siaga="x").status_code == 404
    assert meja.send(f"{meja.to}/siaga", orang=str(person), dosis="1").status_code == 303
    assert "Dewi" not in meja.site.get(end).text
    assert meja.send(f"{end}/undi").status_code == 303
    shown = meja.site.get(end)
    assert "Dewi Lestari" in words_of(shown)
    assert "tel:" in shown.text
    seen = select(func.count()).where(PersonRecord.person_id == person, PersonRecord.act == PersonAct.READ)
    assert meja.done(lambda desk: desk.db.scalar(seen)) == 1, "who saw name and number is known"
    head = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    told = meja.site.get(f"/api/v1/sessions/{meja.session}/standby", headers=head).json()
    assert told["seed"] in shown.text
    (one,) = told["items"]
    assert (one["person"], one["said"]) == (str(person), None)
    assert meja.send(f"{end}/panggil", siaga=one["id"], kata="coming").status_code == 303
    assert "Dewi Lestari: Akan datang" in words_of(meja.site.get(end))
    # Tapped by mistake, or called once more: said otherwise, that counts.
    assert meja.send(f"{end}/panggil", siaga=one["id"], kata="unreached").status_code == 303
    assert "Dewi Lestari: Tidak tersambung" in words_of(meja.site.get(end))
    assert meja.send(f"{end}/panggil", siaga=one["id"], kata="x").status_code == 404
    assert meja.send(f"{meja.to}/siaga", orang=str(person), dosis="7").status_code == 422


def test_who_has_not_come_stands_there_with_a_phone_and_after_the_end_nobody_is_called(meja: Meja, given: UUID) -> None:
    end = f"{meja.to}/selesai"
    meja.booked(name="Siti Aminah", phone="081234567891")
    asked, _ = meja.person(name="Dewi Lestari")
    meja.send(f"{meja.to}/siaga", orang=str(asked), dosis="1")
    meja.send(f"{end}/undi")
    shown = meja.site.get(end)
    assert re.search(r"Belum datang 1 Siti Aminah \+?\d+", words_of(shown)), words_of(shown)
    assert "Dewi Lestari" in words_of(shown)
    past = meja.services.clock() - timedelta(minutes=1)
    change = update(VaccinationSession).where(VaccinationSession.id == meja.session).values(closes_at=past)
    meja.done(lambda desk: desk.db.execute(change))
    over = words_of(meja.site.get(end))
    assert "Tidak datang 1 Siti Aminah" in over
    assert "tidak ada lagi yang dipanggil" in over
    assert "Dewi Lestari" not in over


def test_what_is_left_is_proposed_with_its_reason_and_thrown_away_on_a_word(meja: Meja, given: UUID) -> None:
    end = f"{meja.to}/selesai"
    assert "Masih dapat dipakai" in words_of(meja.site.get(end))
    assert "Diusulkan dibuang" not in words_of(meja.site.get(end))
    past = meja.services.clock() - timedelta(minutes=1)
    change = update(VaccinationSession).where(VaccinationSession.id == meja.session).values(closes_at=past)
    meja.done(lambda desk: desk.db.execute(change))
    assert "9 dosis, sesi selesai" in words_of(meja.site.get(end))
    for _ in range(2):
        assert meja.send(f"{end}/buang").status_code == 303
    shown = words_of(meja.site.get(end))
    assert "Diusulkan dibuang" not in shown
    assert "Dosis terbuang: sesi selesai 9" in shown
    vials = select(OpenVial).where(OpenVial.session_id == meja.session)
    assert meja.done(lambda desk: [one.discarded for one in desk.db.scalars(vials)]) == [9]


def test_the_report_is_a_page_a_file_and_an_answer_with_the_same_numbers(meja: Meja, given: UUID) -> None:
    meja.send(f"/kipi/baru/{given}", **{"g-fever": "1", "nomor": str(uuid7())})
    shown = words_of(meja.site.get(f"{meja.to}/selesai"))
    for words in ("Sasaran (tempat yang direncanakan) 40", "Diberi dosis 1 1", "Dosis tersisa 9", "KIPI 1"):
        assert words in shown
    file = meja.site.get(f"{meja.to}/selesai.csv").text
    assert "Diberi dosis 1,1" in file
    head = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    told = meja.site.get(f"/api/v1/sessions/{meja.session}/report", headers=head).json()
    assert (told["target"], told["given"], told["doses_left"], told["adverse"]) == (40, {"1": 1}, 9, 1)
    assert meja.as_("auditor").site.get(f"{meja.to}/selesai").status_code == 403
