"""Every page there is, on a phone and on a desk, in both languages: quiet, fitting, short, and open to everybody."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from dashboard.app import ROUTERS
from tests.browser.conftest import DESK, PHONE, SECRET, Site, Size, Visit
from tests.support.axe import axe_script
from tests.support.quota import VAULT, Desk
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.adverse.commands import TellAdverse, Told
from tracker.adverse.models import AdverseEvent
from tracker.adverse.rules.words import Outcome
from tracker.adverse.service import tell_adverse
from tracker.database.engine import transaction
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.service import NewWebhook, add_webhook
from tracker.edge.services import Services
from tracker.events import KINDS
from tracker.handsets.commands import Enrol
from tracker.handsets.models import HandsetStep
from tracker.handsets.rules import NOTHING, hash_of
from tracker.handsets.taking import enrol, take_steps
from tracker.hotline.commands import BeginCall
from tracker.hotline.queries import open_call
from tracker.hotline.service import begin_call
from tracker.interest.service import Willing, be_told
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.vaccinating import vaccinate
from tracker.registration.service.cards import issue_card
from tracker.registration.service.tickets import TicketOffice
from tracker.sealing.keyring import Keyring
from tracker.settings import load_settings
from tracker.shipments.models import Shipment
from tracker.shipments.service.commands import Came, CreateShipment, TellDelivery, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.unannounced import tell_delivery
from tracker.stock.models import OpenVial, StockEvent
from tracker.stock.rules.lines import Line, NamedLine, Reference
from tracker.stock.rules.witnesses import Witness
from tracker.stock.rules.words import Kind, OpenWaste
from tracker.stock.service.commands import DiscardDoses, OpenSheet, PostEvent, RecordEvent, RecordTally
from tracker.stock.service.counting import open_sheet, record_tally
from tracker.stock.service.opening import discard_doses, open_vials
from tracker.stock.service.recording import record_event
from tracker.trace.recalls import StartRecall, start_recall

Open = Callable[..., Visit]
# What stands for the blanks of a route.
BLANKS = {
    "code": "pkm-cipondoh",
    "product": "penta-5",
    "job": "pindah",
    "sensor": "S-pkm-cipondoh-k1",
    "ref:path": "penta-5/PB002",
}
RECALL = UUID("01920000-0000-7000-8000-00000000beef")
APPROVED = UUID("01920000-0000-7000-8000-00000000cafe")
CHILD = UUID("01920000-0000-7000-8000-00000000babe")
CAME = UUID("01920000-0000-7000-8000-00000000d00d")
# Pages somebody without a log-in sees.
PUBLIC = ("/daftar", "/daftar/bersedia", "/daftar/peta", "/daftar/tiket-hilang", "/masuk")
# Answers that are no pages: files, pictures, figures, a cookie and a way back.
NOT_PAGES = re.compile(r"\.(json|csv|xlsx|svg|png|html)$|^/(static|tanda|bahasa)/|sw\.js$|webmanifest$|favicon")
MOST_SCREENS = 5
# Tables whose columns stand outside what a phone shows; they can be pushed aside, but nobody knows that. Papers are for A4.
_CUT_TABLES = """[...document.querySelectorAll(".table:not(:has(table.paper))")].filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.getAttribute("aria-label") ?? one.className)"""
# "best-practice" is more than the guidelines ask for.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def routes() -> list[str]:
    """The address of every page that can be asked for by GET."""
    found = {
        route.path  # type: ignore[attr-defined]  # every route of ours is an APIRoute
        for router in ROUTERS
        for route in router.routes
        if "GET" in getattr(route, "methods", ())
    }
    return sorted(path for path in found if not NOT_PAGES.search(path))


def address(path: str, site: Site) -> str:
    """The route with its blanks filled; KeyError for one nobody thought of here."""
    blanks = {
        **BLANKS,
        "session_id": str(site.world.sessions[1]),
        "booking_id": str(site.world.booking),
        "code_id": "5f0c9f62-4e0e-4b58-9f4e-5d6c0a1b2c3d",
        "recall_id": str(_recalled(site)),
        "batch_id": str(site.world.world.batches["penta-5/PB002"].id),
        "vial_id": str(_opened(site)),
        "event_id": str(_told(site)),
        "step_id": str(_refused(site)),
        "sheet_id": str(_counted(site)),
        "secret": TicketOffice.from_secret(SECRET).sealed(site.world.booking),
        "person_id": str(_child(site)),
    }
    if "{card_id}" in path:
        blanks["card_id"] = str(_carded(site))
    if path.startswith("/daftar/bersedia/{"):
        blanks["secret"] = TicketOffice.from_secret(SECRET).sealed(_willing(site))
    if "{call_id}" in path:
        blanks["call_id"] = str(_called(site))
    if path.endswith("/kartu"):
        blanks["booking_id"] = str(_dosed(site))
        blanks["secret"] = TicketOffice.from_secret(SECRET).sealed(_dosed(site))
    if "{webhook_id}" in path:
        blanks["webhook_id"] = str(_subscribed(site))
    if "{adverse_id}" in path:
        blanks["adverse_id"] = str(_followed(site))
    if path == "/penarikan/mulai":
        return f"{path}?batch=penta-5/PB002"
    if path == "/lot-salah":
        return f"{path}?fasilitas=kota-tangerang&lot=penta-5/PB002"
    if path == "/kuota/minggu":
        return f"{path}?fasilitas=pkm-cipondoh"
    if path == "/kuota/rencana":
        return f"{path}?fasilitas=pkm-cipondoh&produk=mr-10"
    if path.startswith("/stok/{code}/kerja/"):
        path = f"{path}?tempat=pkm-cipondoh-k2"
    if path.endswith("/berita-acara"):
        blanks["event_id"] = str(_destroyed(site))
    if path.startswith("/perangkat/"):
        blanks["code"] = BLANKS["sensor"]
    if path == "/pengiriman/kirim":
        return f"{path}?dari=kota-tangerang&cara=retur"
    if path == "/pengiriman/tiba":
        return f"{path}?untuk=pkm-tanah-tinggi"
    if path.startswith("/pengiriman/"):
        packs = path.endswith(("/kemas", "/daftar-ambil"))
        blanks["ref"] = _approved(site) if packs else site.world.shipment
        if path.endswith("/konfirmasi"):
            blanks["ref"] = _came(site)
    return re.sub(r"\{([^}]+)\}", lambda blank: blanks[blank[1]], path)


def _child(site: Site) -> UUID:
    """A child that is told through the phone of whoever has the booking; registered once."""
    with transaction(site.engine) as db:
        head = db.get_one(Person, db.get_one(Booking, site.world.booking).person_id)
        head.phone = head.phone or "+6281234567890"
        child = NewPerson(
            id=CHILD,
            name="Anak Rekaan",
            without_nik=WithoutNik.INFANT,
            birth_date=(site.world.now - timedelta(days=400)).date(),
            sex=Sex.FEMALE,
            guardian_id=head.id,
            unit_id=site.world.world.puskesmas.id,
        )
        return register_person(db, SYSTEM, child, vault=VAULT, now=utc_now()).person.id


def _followed(site: Site) -> UUID:
    """What somebody had after a dose; told once."""
    dose = _dosed(site)
    with transaction(site.engine) as db:
        known = db.scalar(select(AdverseEvent.id).limit(1))
        if known is not None:
            return known
        now = utc_now()
        told = Told(onset_at=now, symptoms=("fever",), words=None, serious=False, outcome=Outcome.RECOVERING)
        return tell_adverse(db, SYSTEM, TellAdverse(id=uuid7(), booking_id=dose, told=told), now=now)[0].id


def _subscribed(site: Site) -> UUID:
    """A webhook that was sent something, refused and taken; made once."""
    with transaction(site.engine) as db:
        known = db.scalar(select(Webhook.id).limit(1))
        if known is not None:
            return known
        now = utc_now()
        hook = add_webhook(
            db,
            site.world.world.who(Role.NATIONAL),
            NewWebhook(url="https://jaki.example.id/rantai/kabar", kinds=("quota.*", "stock.short")),
            known=KINDS,
            private_allowed=False,
            keyring=Keyring((SECRET,)),
            now=now,
        )
        # It is off: no worker sends from here.
        hook.stopped_at = now
        for error in ("status 503", None, "no answer in time"):
            one = WebhookDelivery(
                id=uuid7(), webhook_id=hook.id, after=3, up_to=9, events=4, sent_at=now, answered_at=now, error=error
            )
            db.add(one)
        return hook.id


def _dosed(site: Site) -> UUID:
    """A booking whose dose was given; one for all pages."""
    with transaction(site.engine) as db:
        known = db.scalar(select(Booking.id).where(Booking.vaccinated_at.is_not(None)).order_by(Booking.id).limit(1))
        if known is not None:
            return known
        now = utc_now()
        desk = Desk(db, replace(site.world.world, now=now), now)
        desk.stock("az-10/AZ003", 2)
        dose = desk.confirmed(desk.session())
        return vaccinate(db, SYSTEM, Vaccinate(booking_id=dose.id, override="datang sehari lebih awal"), now=now).id


def _carded(site: Site) -> UUID:
    """The card of that dose."""
    dose = _dosed(site)
    with transaction(site.engine) as db:
        return issue_card(
            db, load_settings(database_url="postgresql://nowhere", secret_key=SECRET), dose, now=utc_now()
        ).card.id


def _willing(site: Site) -> UUID:
    """The wish of whoever has the booking; said once."""
    with transaction(site.engine) as db:
        person = db.get_one(Booking, site.world.booking).person_id
        wish = Willing(vaccine="mr", nik="", name="", phone="", residence="36.71.05.1001")
        return be_told(db, person, wish, now=utc_now()).id


def _called(site: Site) -> UUID:
    """A call of the ministry's that is not over, from somebody with a booking; taken once."""
    with transaction(site.engine) as db:
        who = site.world.world.who(Role.NATIONAL)
        standing = open_call(db, who)
        if standing is not None:
            return standing.id
        office, now = TicketOffice.from_secret(SECRET), utc_now()
        call = begin_call(db, who, BeginCall(id=uuid7(), phone=None), vault=VAULT, office=office, now=now).call
        call.booking_id = site.world.booking
        call.person_id = db.get_one(Booking, site.world.booking).person_id
        return call.id


def _recalled(site: Site) -> UUID:
    """A recall that still waits for everybody; started once."""
    with transaction(site.engine) as db:
        command = StartRecall(id=RECALL, batch="mr-10/MR101", reason="partikel asing", recall_class=1)
        return start_recall(db, SYSTEM, command, now=utc_now())[0].id


def _approved(site: Site) -> str:
    """A shipment that is still to be packed; made once."""
    line = Wanted(product="penta-5", vials=2)
    command = CreateShipment(id=APPROVED, from_facility="kota-tangerang", to_facility="pkm-tanah-tinggi", lines=(line,))
    with transaction(site.engine) as db:
        return create_shipment(db, SYSTEM, command, now=utc_now()).shipment.code


def _came(site: Site) -> str:
    """A delivery that nobody announced and whose sender has not answered; told once."""
    line = Came(vials=2, batch="penta-5/PB002", place="pkm-tanah-tinggi-k1")
    with transaction(site.engine) as db:
        known = db.get(Shipment, CAME)
        if known is not None:
            return known.code
        command = TellDelivery(
            id=CAME, from_facility="kota-tangerang", to_facility="pkm-tanah-tinggi", arrived_at=utc_now(), lines=(line,)
        )
        return tell_delivery(db, SYSTEM, command, now=utc_now()).shipment.code


def _opened(site: Site) -> UUID:
    """A vial that was opened, of which doses were thrown away; opened once."""
    small, now = site.world.world, utc_now()
    with transaction(site.engine) as db:
        known = db.scalar(select(OpenVial.id).where(OpenVial.discarded > 0).order_by(OpenVial.id).limit(1))
        if known is not None:
            return known
        room = small.equipment["kota-tangerang-r1"].id
        line = Line(batch_id=small.batches["penta-5/PB002"].id, vials=1, place_id=room)
        event = PostEvent(id=uuid7(), kind=Kind.OPENING, facility_id=small.city.id, occurred_at=now, lines=(line,))
        open_vials(db, SYSTEM, event, now=now)
        vial = db.scalars(select(OpenVial.id).where(OpenVial.event_id == event.id)).one()
        waste = DiscardDoses(open_vial_id=vial, occurred_at=now, reason=OpenWaste.CONTAMINATION, doses=2)
        discard_doses(db, SYSTEM, waste, now=now)
        return vial


def _counted(site: Site) -> UUID:
    """A sheet on which somebody counted one of the batches; begun once."""
    now = utc_now()
    begin = OpenSheet(id=uuid7(), facility="pkm-cipondoh", place="pkm-cipondoh-k2")
    with transaction(site.engine) as db:
        sheet, fresh = open_sheet(db, SYSTEM, begin, now=now)
        if fresh:
            lines = (NamedLine(batch_id=Reference("AZ101"), vials=3),)
            record_tally(db, SYSTEM, RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=now, lines=lines), now=now)
        return sheet.id


def _destroyed(site: Site) -> UUID:
    """A destruction at the puskesmas, seen by two; told once."""
    small, now = site.world.world, utc_now()
    with transaction(site.engine) as db:
        known = db.scalar(select(StockEvent.id).where(StockEvent.kind == Kind.DESTRUCTION).limit(1))
        if known is not None:
            return known
        line = NamedLine(batch_id=Reference("AZ101"), vials=1, place_id=Reference(f"{small.fridge2.code}"))
        command = RecordEvent(
            id=uuid7(),
            kind=Kind.DESTRUCTION,
            facility=small.puskesmas.code,
            occurred_at=now,
            lines=(line,),
            witnesses=(Witness(name="Rina", position="Dinkes"), Witness(name="Budi")),
        )
        return record_event(db, SYSTEM, command, now=now).event_id


def _told(site: Site) -> UUID:
    """The last event that somebody told of the first place of the blanks."""
    with transaction(site.engine) as db:
        told = select(StockEvent.id).join(Facility, Facility.id == StockEvent.facility_id)
        return db.scalars(
            told.where(Facility.code == BLANKS["code"], StockEvent.kind == Kind.SUPPLY)
            .order_by(StockEvent.number)
            .limit(1)
        ).one()


def _refused(site: Site) -> UUID:
    """A step of a phone that the house refused; told once."""
    with transaction(site.engine) as db:
        known = db.scalar(select(HandsetStep.id).where(HandsetStep.state == "conflict").limit(1))
        if known is not None:
            return known
        who, now = site.world.world.who(Role.MANAGER), utc_now()
        command = Enrol(id=uuid7(), facility=BLANKS["code"], name="Ponsel gudang")
        handset, _ = enrol(db, who, command, now=now)
        line = {"batch": "penta-5/PB002", "place": "pkm-cipondoh-k1", "vials": 5000, "reason": "broken"}
        body = {"id": str(uuid7()), "kind": "waste", "facility": BLANKS["code"], "occurred_at": now.isoformat()}
        said = {"number": 1, "id": str(uuid7()), "at": now.isoformat(), "kind": "stock.event"}
        words = json.dumps({**said, "body": {**body, "lines": [line]}})
        settings = load_settings(database_url="postgresql://x", mqtt_url="mqtt://x", secret_key=SECRET)
        shared = Services(engine=site.engine, settings=settings)
        return take_steps(db, who, handset.id, [(words, hash_of(NOTHING, words))], shared=shared, now=now)[1][0].id


def test_every_route_has_an_address(site: Site) -> None:
    pages = [address(path, site) for path in routes()]
    assert len(pages) > 15
    assert "/alarm" in pages


# Each page is brought once in a language and looked at in both sizes; once it is brought to a phone, once to a desk.
@pytest.mark.parametrize(("language", "sizes"), [("id", (PHONE, DESK)), ("en", (DESK, PHONE))], ids=["id", "en"])
def test_every_page_is_quiet_fits_is_short_and_keeps_nobody_out(
    visit: Open, site: Site, language: str, sizes: tuple[Size, Size]
) -> None:
    window = visit(sizes[0])
    window.go(f"/bahasa/{language}")
    wrong = [fault for path in PUBLIC for fault in faults(window, path, language, *sizes)]
    # The ministry sees every page there is; what a worker's home looks like has a visit of its own below.
    window.log_in_by_form("pusat")
    for route in routes():
        path = address(route, site)
        if path not in PUBLIC:
            wrong += faults(window, path, language, *sizes)
    assert wrong == []
    window.check_quiet()


@pytest.mark.parametrize("username", ["kepala", "gudang", "vaksinator"])
def test_a_worker_s_home_is_quiet_fits_is_short_and_keeps_nobody_out(visit: Open, username: str) -> None:
    window = visit(PHONE)
    window.log_in(username)
    assert faults(window, "/", "id", PHONE) == []
    window.check_quiet()


def faults(window: Visit, path: str, language: str, *sizes: Size) -> list[str]:
    """What is wrong with a page in each of the sizes, of which the first is the one it is brought to."""
    window.resize(sizes[0])
    page = window.go(path)
    found = []
    spoken, headings = page.evaluate("[document.documentElement.lang, document.querySelectorAll('h1').length]")
    if spoken != language:
        found.append("speaks another language")
    if headings != 1:
        found.append("has not one h1")
    page.evaluate(axe_script())
    for size in sizes:
        window.resize(size)
        found += [f"{fault} at {size['width']} px" for fault in misfits(page, size)]
    return [f"{path} {fault}" for fault in found]


def misfits(page: Page, size: Size) -> list[str]:
    """What runs out of the page as it stands, and what keeps people out of it."""
    found = []
    width, height, wide = page.evaluate(
        "[innerWidth, document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    assert width == size["width"]
    if wide > width:
        found.append(f"is {wide} px wide")
    if size is PHONE and height > MOST_SCREENS * PHONE["height"]:
        found.append(f"is {height / PHONE['height']:.1f} screens long")
    if size is PHONE:
        found += [f"has a table out of its frame: {one}" for one in page.evaluate(_CUT_TABLES)]
    return found + [f"{one['id']}: {one['nodes'][0]['html'][:100]}" for one in violations(page)]


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds; only that is carried over, for what is in order is many times as much.

    Style sheets are not fetched once more for it (only rules outside ours read them), nor a selector made for each element.
    """
    ask = """rules => axe.run({ runOnly: rules, resultTypes: ['violations'], preload: false, selectors: false })
        .then(found => found.violations)"""
    found: list[dict[str, Any]] = page.evaluate(ask, RULES)
    return found


def test_a_page_that_keeps_people_out_would_be_noticed(visit: Open) -> None:
    window = visit(PHONE)
    window.go("/masuk")
    window.page.evaluate("document.querySelector('label').remove()")
    window.page.evaluate(axe_script())
    assert "label" in {one["id"] for one in violations(window.page)}
