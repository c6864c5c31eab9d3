"""Pages for citizens and for those who serve them over HTTP: places, tickets, people who gave way."""

from __future__ import annotations

import base64
import gzip
import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from rantai.outgoing import phone_book
from tests.browser.page_world import PageWorld
from tests.support.page_site import HTML, app_services, book_on_the_web, code_at, log_in, made, site, world
from tests.support.quota import Desk
from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.edge.services import Services
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.feed.waiting import step_aside
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.service.commands import NewBucket
from tracker.quota.service.displacing import displace
from tracker.quota.service.offering import make_offer
from tracker.registration.models import TicketCode
from tracker.registration.service.tickets import TicketOffice
from tracker.sealing.keyring import Keyring

__all__ = ["app_services", "made", "site", "world"]


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


def test_where_a_phone_is_orders_the_list_and_stands_in_no_address(
    site: TestClient, world: PageWorld, app_services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        for ahead in range(1, 13):  # more than a page
            desk.session(product="coronavac-1", ahead=ahead, capacity=1)
    chosen = {"tempat": "", "rumah": "", "umur": "30", "vaksin": "coronavac", "hari": "", "dosis": "1"}
    said = site.post("/daftar", data={**chosen, "lat": "-6.2134567", "lon": "106.6554321"})
    assert (said.status_code, said.headers["location"]) == (303, "/daftar?umur=30&vaksin=coronavac")
    cookie = said.headers["set-cookie"].lower()
    assert "rantai_dekat=" in cookie
    for word in ('="-6.21\\054106.66"', "httponly", "samesite=lax", "path=/daftar", "max-age=1800"):
        assert word in cookie, word
    near = site.get(said.headers["location"])
    assert ("km dari Anda" in near.text, near.headers["cache-control"]) == (True, "no-store")
    assert site.get(said.headers["location"]).text == near.text  # a reload
    addresses = re.findall(r'(?:href|action|value)="([^"]*)"', near.text)
    following = html.unescape(next(one for one in addresses if "dari=" in one))
    cursor = following.partition("dari=")[2]
    held = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    for place in (*addresses, held):
        assert not re.search(r"6\.2|106\.6|\blat\b|\blon\b", place), place
    # Day, time and session: no distance, of which three would tell the same.
    assert re.fullmatch(r'\["\d{4}-[^"]+", "\d{4}-[^"]+", "[0-9a-f-]{36}"\]', held)
    first, second = (set(re.findall(r"/daftar/([0-9a-f-]{36})", site.get(one).text)) for one in (near.url, following))
    assert (len(first), bool(second), first & second) == (10, True, set())
    assert "km dari Anda" in site.get(following).text
    written = "".join(capfd.readouterr())
    assert ("6.21" in written, "106.6" in written) == (False, False)
    # Forgotten by its button; what is no point on earth is none, typed or in the cookie.
    assert site.post("/daftar", data=chosen).headers["location"] == said.headers["location"]
    assert "km dari Anda" not in site.get("/daftar").text
    assert site.post("/daftar", data={"lat": "91", "lon": "0"}).status_code == 422
    for forged in ("91,0", "x", "-6.2", "1e3,2", "nan,nan"):
        answer = site.get("/daftar", headers={"Cookie": f"rantai_dekat={forged}"})
        assert (answer.status_code, "km dari Anda" in answer.text) == (200, False), forged


def test_the_map_shows_each_place_once_with_the_number_of_the_list(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        desk.stock("coronavac-1/CV101", 40, place="pkm-tanah-tinggi-k1")
        buckets = (NewBucket(kind="kelurahan", share=6), NewBucket(kind="general", share=2))
        there = desk.session(product="coronavac-1", ahead=2, capacity=8, buckets=buckets, facility=desk.world.neighbour)
        desk.session(product="coronavac-1", ahead=3, capacity=8, buckets=buckets, facility=desk.world.neighbour)
        lives = desk.world.neighbour.code_kemendagri or "36.71.01.1002"
        db.get_one(Facility, desk.world.neighbour.id).code_kemendagri = lives
    for asked, number in (("vaksin=coronavac&tempat=tanah+tinggi", 2), (f"vaksin=coronavac&rumah={lives}", 8)):
        listed, shown = site.get(f"/daftar?{asked}").text, site.get(f"/daftar/peta?{asked}").text
        assert "/daftar/peta?" in listed
        (line,) = re.findall(rf'<li id="pkm-tanah-tinggi">.*?/daftar/{there}\?.*?</li>', shown, re.DOTALL)
        (sign,) = re.findall(r'<a href="#pkm-tanah-tinggi".*?</a>', shown)
        assert (f"{number} tempat" in line, f">{number}</text>" in sign) == (True, True)
        (card,) = re.findall(rf'<li class="card">(?:(?!</li>).)*/daftar/{there}\?.*?</li>', listed, re.DOTALL)
        assert f"{number} tempat" in card
    shown = site.get("/daftar/peta").text
    signs = re.findall(r'<a href="#([^"]+)" tabindex="-1"', shown)
    assert signs == re.findall(r'<li id="([^"]+)">', shown)  # once each, and the list leads where the signs do
    assert len(gzip.compress(shown.encode())) < 8_000
    # Nearer to one: the same, round a facility and nobody's position.
    assert "Peta seluruhnya" in site.get("/daftar/peta?di=pkm-cipondoh").text
    assert site.get("/daftar/peta?di=entah").status_code == 200
    assert "Tidak ada yang cocok" in site.get("/daftar/peta?tempat=Entah").text
    site.post("/daftar", data={"lat": "-6.18", "lon": "106.65"})
    assert 'class="here"' in site.get("/daftar/peta").text


def told_to(db: Session, template: str) -> list[OutMessage]:
    return list(db.scalars(select(OutMessage).where(OutMessage.template == template)))


def test_a_citizen_books_with_a_code_and_cancels_and_is_told_of_both(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    session = world.sessions[1]
    found = site.get("/daftar").text
    assert f"/daftar/{session}?dosis=1" in found
    assert str(world.sessions[0]) not in found  # its vials are on hold: no place is offered
    person = {"nik": "3671015506920001", "name": "Siti Rekaan", "phone": "0812-3456-7890", "dose": "1"}
    with transaction(app_services.engine) as db:
        before = (
            db.scalar(select(func.count()).select_from(Booking)),
            db.scalar(select(func.count()).select_from(Person)),
        )
    asked = site.post(f"/daftar/{session}", data=person)
    where = asked.headers["location"]
    assert (asked.status_code, where.startswith("/daftar/kode/")) == (303, True)
    assert "enam angka" in site.get(where).text
    wrong = site.post(where, data={"kode": f"{(int(code_at(where)) + 1) % 1_000_000:06d}"})
    assert (wrong.status_code, "tidak cocok" in wrong.text) == (422, True)
    with transaction(app_services.engine) as db:
        # Nothing is booked and nobody registered before the phone was shown; what was typed lies sealed.
        after = (
            db.scalar(select(func.count()).select_from(Booking)),
            db.scalar(select(func.count()).select_from(Person)),
        )
        assert after == before
        (code,) = told_to(db, "phone_code")
        row = db.scalars(select(TicketCode)).one()
        assert row.tries == 1
        for part in (b"3671015506920001", b"Siti", b"81234567890", b"0812"):
            assert part not in (row.typed or b"")
        assert "0812" not in str((code.params, code.recipient_ref))
        phone = phone_book(app_services.engine, app_services.settings)(code.recipient_ref, "web")
    assert phone == "+6281234567890"
    told = site.post(where, data={"kode": code_at(where)})
    assert told.status_code == 303
    ticket = told.headers["location"]
    assert "3671015506920001" not in ticket
    shown = site.get(ticket).text
    assert "Terkonfirmasi" in shown
    # A place is given up by two taps: the button lies behind a word that is not opened.
    behind = re.search(r"<details>\s*<summary>[^<]+</summary>.*?</details>", shown, re.DOTALL)
    assert behind is not None
    assert "Ya, batalkan" in behind.group()
    assert shown.count("Ya, batalkan") == 1
    # A double tap, or the button back and once more: the same ticket, and nothing is booked or told again.
    again = site.post(where, data={"kode": code_at(where)})
    assert (again.status_code, again.headers["location"]) == (303, ticket)
    assert site.post(where, data={"kode": "1"}).status_code == 422
    drawn = site.get(f"{ticket}/kode.svg")
    assert (drawn.headers["content-type"], drawn.text.count("</svg>")) == ("image/svg+xml", 1)
    assert site.post(f"{ticket}/batal").status_code == 303
    assert "Dibatalkan" in site.get(ticket).text
    with transaction(app_services.engine) as db:
        booking = TicketOffice.of(Keyring.of(app_services.settings)).unsealed(ticket.rsplit("/", 1)[1])[0]
        assert db.get_one(Booking, booking).state.value == "cancelled"
        assert db.scalars(select(TicketCode.typed)).all() == [None]
        db.execute(update(TicketCode).values(used_at=TicketCode.used_at - timedelta(minutes=3)))
        for template in ("quota_confirmed", "quota_cancelled"):
            assert [one.params["booking"] for one in told_to(db, template)] == [str(booking)]
    late = site.post(where, data={"kode": code_at(where)})
    assert (late.status_code, "tidak berlaku lagi" in late.text) == (422, True)
    assert str(booking) not in ticket
    # The booking's id stands on the feed: whoever read it there opens nothing, and is told a way.
    for way in ("", "/kode.svg"):
        refused = site.get(f"/daftar/tiket/{booking}{way}")
        assert (refused.status_code, "datang ke puskesmas" in refused.text) == (404, True)
    for step in ("pasti", "batal"):
        assert site.post(f"/daftar/tiket/{booking}/{step}").status_code == 404


def test_who_knows_number_and_phone_learns_and_moves_nothing_of_their_owner(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    session = world.sessions[1]
    owner = {"nik": "3671015506920011", "name": "Siti Rekaan", "phone": "0812-3456-7891"}
    mine = book_on_the_web(site, session, **owner)
    with transaction(app_services.engine) as db:
        booking = TicketOffice.of(Keyring.of(app_services.settings)).unsealed(mine.rsplit("/", 1)[1])[0]
        db.execute(update(Booking).where(Booking.id == booking).values(state="vaccinated", vaccinated_at=world.now))
    answers = []
    for nik in (owner["nik"], "3671015506920012"):  # vaccinated; never seen
        for phone in (owner["phone"], "0812-9999-9999"):
            asked = site.post(
                f"/daftar/{session}", data={"nik": nik, "name": "Orang Asing", "phone": phone, "dose": "1"}
            )
            where = asked.headers["location"]
            pages = (site.get(where).text, site.post(where, data={"kode": "x"}).text)
            answers.append((asked.status_code, *(re.sub(r"[0-9a-f-]{36}", "ID", one) for one in pages)))
    assert len(set(answers)) == 1
    # With the number and a phone of one's own: a record of one's own, and nothing of its owner's.
    theirs = book_on_the_web(site, session, nik=owner["nik"], name="Orang Asing", phone="0812-9999-9999")
    assert "Sudah divaksin" not in site.get(theirs).text
    assert "Sudah divaksin" in site.get(mine).text
    # Whoever holds the phone hears what they have had, and gets their tickets.
    where = site.post(f"/daftar/{session}", data={**owner, "dose": "1"}).headers["location"]
    told = site.post(where, data={"kode": code_at(where)})
    assert (told.status_code, f'href="{mine}"' in told.text) == (422, True)
    assert "Orang Asing" not in told.text


def test_a_place_that_went_while_the_code_came_is_had_elsewhere_with_the_same_code(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=app_services.clock()), app_services.clock())
        small = desk.session(product="coronavac-1", ahead=4, capacity=1)
    person = {"nik": "3671015506920013", "name": "Siti Rekaan", "phone": "0812-3456-7893", "dose": "1"}
    where = site.post(f"/daftar/{small}", data=person).headers["location"]
    with transaction(app_services.engine) as db:
        Desk(db, replace(world.world, now=app_services.clock()), app_services.clock()).booked(small, 1)
    full = site.post(where, data={"kode": code_at(where)})
    assert (full.status_code, f'value="{world.sessions[1]}"' in full.text) == (422, True)
    had = site.post(where, data={"kode": code_at(where), "session": str(world.sessions[1])})
    assert had.status_code == 303
    # One who asks for it now gets no code at all.
    again = site.post(f"/daftar/{small}", data={**person, "nik": "3671015506920014"})
    assert (again.status_code, f"/daftar/{world.sessions[1]}?dosis=1" in again.text) == (422, True)


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
    right = site.post(
        f"/daftar/{world.sessions[1]}", data={**typed, "nik": "3671015506920009", "phone": "0812-3456-789"}
    )
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
        ("/daftar?vaksin=PENTA&amp;dosis=99&amp;tempat=x", "/daftar?vaksin=PENTA&amp;tempat=x"),
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
    person = {"nik": "3671015506920002", "name": "Ani Rekaan", "phone": "0812-3456-782", "dose": "1"}
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
    last = site.post(
        f"/daftar/{world.sessions[1]}", data={"nik": "3671015506920003", "name": "Ira", "phone": "0812-3456-783"}
    )
    assert last.status_code == 422
    assert "Terlalu" in last.text


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
    assert site.get("/kuota/tergeser?tampil=unknown").status_code == 200
    assert site.get("/kuota/tergeser?sesudah=x").status_code == 422
    # Somebody of another place, or whose role books nobody, sees none of them.
    stranger = TestClient(site.app, headers=HTML, follow_redirects=False)
    auditor = log_in(stranger, "auditor").get("/kuota/tergeser")
    assert "tel:" not in auditor.text
    assert name not in auditor.text
