"""A session at the desk on a phone, its network cut in the middle: nobody is lost, doubled or readable on the phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from dashboard.frame.texts import texts_of
from tests.browser.conftest import PHONE, SECRET, Site, Visit
from tests.browser.phone_page import feels, scan, take
from tests.browser.test_every_page import violations
from tests.support.axe import axe_script
from tests.support.quota import Desk, fresh_nik
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.handsets.models import HandsetStep
from tracker.kit.clock import utc_now
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.people.models import Person
from tracker.quota.models import Booking
from tracker.quota.service.claims import interval_of
from tracker.quota.service.commands import NewBucket, PlanSession
from tracker.quota.service.sessions import plan_session
from tracker.registration.rules.tickets import Ticket
from tracker.registration.service.tickets import TicketOffice, ticket_of
from tracker.stock.rules.words import Kind

ZONE = ZoneInfo("Asia/Jakarta")
LOT = "az-10/AZ003"
NAMES = ("Siti Aminah", "Budi Santoso", "Dewi Lestari")


class Session:
    """One of today at the puskesmas, with three people; their tickets."""

    def __init__(self, site: Site) -> None:
        self.site, now = site, utc_now()
        world = replace(site.world.world, now=now)
        today = local_day(now, "Asia/Jakarta")
        opens = max(datetime.combine(today, time(0), tzinfo=ZONE), now - timedelta(hours=1))
        plan = PlanSession(
            id=uuid7(),
            facility="pkm-cipondoh",
            day=today,
            opens=opens,
            closes=now + timedelta(hours=3),
            presentation="az-10",
            doses=(1, 2),
            capacity=40,
            buckets=(NewBucket(kind="general", share=1),),
        )
        self.niks = [fresh_nik() for _ in NAMES]
        self.office = TicketOffice.from_secret(SECRET)
        with transaction(site.engine) as db:
            desk = Desk(db, world, now)
            line = desk.ledger.line(LOT, 4, place=world.equipment["pkm-cipondoh-k2"])
            desk.ledger.post(Kind.SUPPLY, line, at=opens - timedelta(hours=1))
            plan_session(db, SYSTEM, plan, now=now)
            people = [desk.person(nik=nik, name=name) for nik, name in zip(self.niks, NAMES, strict=True)]
            booked = [desk.confirmed(plan.id, person) for person in people]
            self.bookings = [one.id for one in booked]
            self.tickets = [self.office.sign(ticket_of(db, one)) for one in booked]
            interval = interval_of(db, "astrazeneca", 2, today)
            assert interval is not None
            self.due = today + timedelta(days=interval.due_days)
        self.today = today
        self.label = f"(01){world.presentations['az-10'].gtin}(10)AZ003"

    def states(self) -> list[str]:
        with transaction(self.site.engine) as db:
            return [db.get_one(Booking, one).state.value for one in self.bookings]

    def of_nik(self, name: str) -> str:
        with transaction(self.site.engine) as db:
            query = select(Booking.state).join(Person, Person.id == Booking.person_id).where(Person.name == name)
            return db.scalars(query).one().value


@pytest.fixture
def phone(browser: Browser, site: Site) -> Page:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, locale="id-ID")
    page = context.new_page()
    Visit(page=page, site=site).log_in("vaksinator")
    return page


def clean(page: Page) -> None:
    """Fits the phone, and keeps nobody out."""
    page.evaluate(axe_script())
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations(page)] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def tap(page: Page, words: str) -> None:
    page.locator("#job").get_by_role("button", name=words).first.click()


def test_a_session_whose_network_is_cut_in_the_middle(phone: Page, site: Site) -> None:
    session = Session(site)
    page = phone
    page.goto(f"{site.address}/scan")
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
    )
    take(page, "desk")
    tap(page, "–")
    expect(page.locator("#job")).to_contain_text("3 ditunggu · 0 di sini · 0 selesai")
    page.context.set_offline(True)

    other = Ticket(booking=UUID(int=9), facility="pkm-neglasari", day=session.today, dose=1)
    scan(page, session.office.sign(other))
    feels(page, "out", "Tiket ini untuk pkm-neglasari")
    forger = TicketOffice.from_secret("somebody else's secret, of 32 letters")
    scan(page, forger.sign(replace(other, facility="pkm-cipondoh")))
    feels(page, "out", "Bukan tiket yang sah")
    scan(page, session.tickets[0])
    expect(page.locator("#job")).to_contain_text("Siti Aminah")
    feels(page, "ok", "Hadir")
    scan(page, session.tickets[0])
    feels(page, "low", "Siti Aminah sudah di sini")
    tap(page, "Layak")
    expect(page.locator("#job")).to_contain_text("Boleh divaksin")
    scan(page, session.label)
    feels(page, "low", "belum dibuka")
    tap(page, "Buka vial baru AZ003")
    clean(page)
    tap(page, "Suntik dari AZ003, sisa 10")
    expect(page.locator("#job")).to_contain_text("Observasi: masih 30 menit")
    expect(page.locator("#job")).to_contain_text(f"Dosis 2: {texts_of('id').date(session.due)}")
    expect(page.get_by_role("link", name="Kartu vaksinasi")).to_have_count(0)

    page.reload()
    take(page, "desk")
    expect(page.locator("#job")).to_contain_text("2 ditunggu · 0 di sini · 1 selesai")
    scan(page, session.niks[1][-4:])
    expect(page.locator("#job h3")).to_have_text("Budi Santoso")
    tap(page, "Catat hadir")
    tap(page, "Tunda")
    feels(page, "out", "Tulis alasannya")
    page.get_by_label("Alasan (bila ditunda atau ditolak)").fill("tekanan darah tinggi")
    tap(page, "Tunda")
    expect(page.locator("#job")).to_contain_text("Ditunda")
    tap(page, "Kembali")

    walker, name = fresh_nik(), "Rina Tanpa Janji"
    tap(page, "Datang tanpa janji")
    page.get_by_label("Nama").fill(name)
    page.get_by_label("NIK", exact=True).fill("123")
    tap(page, "Catat datang")
    feels(page, "out", "NIK ini tidak mungkin")
    page.get_by_label("NIK", exact=True).fill(walker)
    clean(page)
    tap(page, "Catat datang")
    expect(page.locator("#job h3")).to_have_text(name)
    # Of several opened vials the one that ends first is offered; a label that is scanned chooses its own.
    scan(page, session.label)
    tap(page, "Suntik dari AZ003, sisa 9")
    expect(page.locator("#job")).to_contain_text("Observasi: masih 30 menit")
    tap(page, "Kembali")
    clean(page)
    kept = page.evaluate(
        "new Promise((done) => { const asked = indexedDB.open('rantai-langkah'); asked.onsuccess = () => {"
        " const all = asked.result.transaction('steps').objectStore('steps').getAll();"
        " all.onsuccess = () => done(JSON.stringify(all.result)); }; })"
    )
    assert not any(word in kept for word in (walker, name, "Siti", *session.niks))

    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#book-state")).to_have_text("Semua langkah terkirim.", timeout=20_000)
    assert session.states() == ["vaccinated", "deferred", "confirmed"]
    assert session.of_nik(name) == "vaccinated"
    with transaction(site.engine) as db:
        steps = db.scalars(select(HandsetStep).where(HandsetStep.kind.in_(["booking.vaccinate", "session.walk_in"])))
        assert not any(walker in step.text or name in step.text for step in steps)
    expect(page.locator("#job")).to_contain_text("1 ditunggu · 0 di sini · 2 selesai")
