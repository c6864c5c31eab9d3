"""A vaccination card on pages and over HTTP: at the desk, behind the ticket's secret, and for whoever checks it."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID, uuid4

from sqlalchemy import func, select

from tests.api.test_adverse_pages import given
from tests.api.test_desk_pages import Meja, app_services, made, meja, site, words_of, world
from tests.support.accounts import signed_in
from tests.support.page_site import SECRET
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.people.models import PersonRecord
from tracker.people.rules.words import PersonAct
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import TakeBack
from tracker.quota.service.correcting import take_back
from tracker.registration.service.tickets import TicketOffice

__all__ = ["app_services", "given", "made", "meja", "site", "world"]


def test_desk_and_owner_have_the_card_and_a_stranger_sees_what_is_true_of_it(meja: Meja, given: UUID) -> None:
    assert f"/meja/orang/{given}/kartu" in meja.site.get(f"/meja/orang/{given}").text
    own = f"/daftar/tiket/{TicketOffice.from_secret(SECRET).sealed(given)}"
    assert f"{own}/kartu" in meja.site.get(own).text
    for path in (f"/meja/orang/{given}/kartu", f"{own}/kartu"):
        page = meja.site.get(path)
        assert (page.status_code, page.headers["cache-control"]) == (200, "private, no-store")
        assert "Rahmat Hidayat" in words_of(page)
        assert 'class="code matrix"' in page.text
    checked = re.search(r'href="(/kartu/[0-9a-f-]+)"', page.text)
    assert checked is not None
    meja.site.cookies.clear()
    shown = meja.site.get(unescape(checked[1]))
    assert "Berlaku" in words_of(shown)
    assert "R••• H•••" in words_of(shown)
    assert "Rahmat" not in shown.text
    assert meja.site.get(f"/meja/orang/{given}/kartu").status_code == 303
    assert meja.site.get(f"/kartu/{uuid4()}").status_code == 404
    assert meja.site.get(f"/kartu/{given}").status_code == 404

    def undo(desk: object) -> None:
        back = TakeBack(booking_id=given, state=BookingState.REFUSED, reason="salah orang")
        take_back(desk.db, SYSTEM, back, now=desk.now)  # type: ignore[attr-defined]  # a desk

    meja.done(undo)
    assert "Ditarik kembali" in words_of(meja.site.get(checked[1]))
    assert meja.site.get(f"{own}/kartu").status_code == 409


def test_a_card_shown_at_the_desk_opens_its_owner_and_that_they_were_looked_at_is_kept(meja: Meja, given: UUID) -> None:
    nurse = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    code = meja.site.get(f"/api/v1/bookings/{given}/card", headers=nurse).json()["code"]
    found = meja.send(f"{meja.to}/cari", siapa=code)
    assert found.status_code == 200, words_of(found)
    assert "Rahmat Hidayat" in words_of(found)
    person = meja.done(lambda desk: desk.db.get_one(Booking, given).person_id)
    seen = select(func.count()).where(PersonRecord.person_id == person, PersonRecord.act == PersonAct.SEARCHED)
    assert meja.done(lambda desk: desk.db.scalar(seen)) == 1
    changed = meja.send(f"{meja.to}/cari", siapa=f"{code[:-4]}AAAA")
    assert changed.status_code == 422


def test_other_systems_read_a_card_and_anybody_checks_one(meja: Meja, given: UUID) -> None:
    nurse = signed_in(meja.services, meja.world.world, Role.VACCINATOR)
    looker = signed_in(meja.services, meja.world.world, Role.AUDITOR)
    meja.site.cookies.clear()
    card = meja.site.get(f"/api/v1/bookings/{given}/card", headers=nurse)
    assert (card.status_code, card.json()["name"]) == (200, "Rahmat Hidayat")
    assert meja.site.get(f"/api/v1/bookings/{given}/card", headers=looker).status_code == 404
    assert meja.site.get(f"/api/v1/bookings/{given}/card").status_code == 401
    (key,) = meja.site.get("/api/v1/cards/keys").json()["items"]
    assert (key["crv"], len(key["x"])) == ("Ed25519", 43)
    checked = meja.site.post("/api/v1/cards/check", json={"card": card.json()["code"]})
    assert checked.json() == {"state": "valid", "version": 1, "newest": 1}
    refused = meja.site.post("/api/v1/cards/check", json={"card": card.json()["code"][:-4]})
    assert (refused.status_code, refused.json()["code"]) == (422, "registration.bad_card")
    fresh = meja.booked()[0]
    assert meja.done(lambda desk: desk.db.get_one(Booking, fresh).vaccinated_at) is None
    assert meja.site.get(f"/api/v1/bookings/{fresh}/card", headers=nurse).json()["code"] == "registration.no_dose_yet"
