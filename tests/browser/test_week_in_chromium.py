"""The head of a puskesmas plans a week with a thumb: copied, changed, shared out, and one session called off."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from uuid import UUID

from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.browser.conftest import PHONE
from tests.browser.test_every_page import misfits
from tests.browser.test_store_in_chromium import Open
from tests.support.axe import axe_script
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.quota.models import Booking, Bucket, Displacement, VaccinationSession
from tracker.quota.rules.words import BookingState, BucketKind, OfferState
from tracker.quota.service.commands import PlanSession
from tracker.quota.service.offering import make_offer
from tracker.quota.service.sessions import plan_session

LOT = "az-10/AZ003"
WEEK = timedelta(days=7)


def clean(page: Page) -> None:
    page.evaluate("scrollTo(0, 0)")  # else a link lies half under the head
    page.evaluate(axe_script())
    assert misfits(page, PHONE) == []


def test_a_week_is_copied_changed_and_shared_out_and_who_was_booked_in_what_is_called_off_is_moved_and_told(
    visit: Open,
) -> None:
    window = visit(PHONE)
    page, site, now = window.log_in("kepala"), window.site, utc_now()
    with transaction(site.engine) as db:
        desk = Desk(db, replace(site.world.world, now=now), now)
        plan = PlanSession(
            id=uuid7(),
            facility="pkm-cipondoh",
            day=desk.day(2),
            opens=time(9, 13),
            closes=time(10, 47),
            presentation="az-10",
            doses=(1,),
            capacity=11,
        )
        plan_session(db, SYSTEM, plan, now=now)

    week = f"/kuota/minggu?fasilitas=pkm-cipondoh&mulai={(plan.day + WEEK).isoformat()}"
    window.go(week)
    page.get_by_text("sesi pekan lalu").click()
    for box in page.locator("input[name=sesi]").all():
        box.set_checked(box.get_attribute("value") == str(plan.id))
    clean(page)
    page.get_by_role("button", name="Rencanakan yang dipilih").click()
    page.locator(f"#h-{(plan.day + WEEK).isoformat()}").get_by_role("link", name="09.13–10.47").click()
    copied = UUID(page.url.rsplit("/", 1)[1])

    page.get_by_text("Jam dan kapasitas").click()
    page.get_by_label("Selesai").fill("11:30")
    page.get_by_label("Kapasitas").fill("16")
    clean(page)
    page.locator("form[action$='/ubah']").get_by_label("Alasan").fill("petugas bertambah")
    page.get_by_role("button", name="Simpan").click()
    expect(page.get_by_text("09.13–11.30")).to_be_visible()
    page.get_by_role("link", name="Untuk siapa tempatnya").click()
    page.locator("#orang-nakes").fill("5")
    page.get_by_label("Alasan").fill("nakes dahulu")
    clean(page)
    page.get_by_role("button", name="Simpan").click()
    expect(page.get_by_role("heading", name="Ubah sesi")).to_be_visible()
    with transaction(site.engine) as db:
        session = db.get_one(VaccinationSession, copied)
        rows = db.execute(select(Bucket.kind, Bucket.places).where(Bucket.session_id == copied, Bucket.places > 0))
        shares = {row[0]: row[1] for row in rows}
        assert (session.capacity, shares) == (16, {BucketKind.GENERAL: 11, BucketKind.NAKES: 5})
        desk = Desk(db, replace(site.world.world, now=now), now)
        desk.stock(LOT, 1, place="pkm-cipondoh-k2")
        desk.stock(LOT, 1, place="pkm-tanah-tinggi-k1")
        desk.session(facility=desk.world.neighbour, ahead=8)
        booked = [desk.confirmed(copied, desk.person(name=name)).id for name in ("Ayu Pekan", "Bima Pekan")]

    page.reload()
    page.get_by_text("Batalkan sesi").first.click()
    page.locator("form[action$='/batal']").get_by_label("Alasan").fill("listrik padam")
    clean(page)
    page.get_by_role("button", name="Batalkan sesi").click()
    expect(page.get_by_text("Dibatalkan: listrik padam")).to_be_visible()
    window.go(week)
    expect(page.locator(f"#h-{(plan.day + WEEK).isoformat()}")).to_contain_text("dibatalkan")
    with transaction(site.engine) as db:
        # What the worker does next with each of them.
        for booking in booked:
            make_offer(db, booking, now=utc_now())
        told = db.execute(
            select(Booking.state, Displacement.state, OutMessage.template)
            .join(Displacement, Displacement.booking_id == Booking.id)
            .join(OutMessage, OutMessage.recipient_ref == Booking.person_id.cast(OutMessage.recipient_ref.type))
            .where(Booking.id.in_(booked), OutMessage.template.like("quota_%"))
        ).all()
    moved = (BookingState.DISPLACED, OfferState.OFFERED, "quota_offer")
    assert [tuple(row) for row in told] == [moved, moved]
