"""What goes wrong at the desk's pages, case by case: a sentence that says what to do, and nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from tests.api.test_desk_pages import Meja, app_services, made, meja, site, words_of, world
from tests.support.page_site import SECRET
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch, Presentation
from tracker.kit.ids import uuid7
from tracker.quota.models import Booking, BookingStep
from tracker.quota.rules.words import BookingState
from tracker.registration.service.tickets import TicketOffice, ticket_of
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import DiscardDoses, StatusChange, StatusLine
from tracker.stock.service.opening import discard_doses
from tracker.trace.recalls import StartRecall, start_recall

__all__ = ["app_services", "made", "meja", "site", "world"]

OFFICE = TicketOffice.from_secret(SECRET)


def ticket(meja: Meja, booking: UUID, office: TicketOffice = OFFICE) -> str:
    return meja.done(lambda desk: office.sign(ticket_of(desk.db, desk.db.get_one(Booking, booking))))


def doses(meja: Meja) -> int:
    return meja.done(lambda desk: desk.db.scalar(select(func.coalesce(func.sum(OpenVial.given), 0)))) or 0


def opened(meja: Meja) -> UUID:
    """A vial that was opened for somebody at this desk."""
    first, _ = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(first))
    assert meja.send(f"/meja/orang/{first}/suntik").status_code == 303
    found = meja.done(lambda desk: desk.db.get_one(Booking, first).open_vial_id)
    assert found is not None
    return found


def held(desk: Desk, vial: UUID) -> None:
    row = desk.db.get_one(OpenVial, vial)
    place = row.facility_id
    line = StatusLine(
        batch_id=row.batch_id, holder_id=place, from_status=Status.USABLE, to_status=Status.HELD, account=Account.OPEN
    )
    change = StatusChange(id=uuid7(), facility_id=place, lines=(line,), cause=uuid7(), reason="hold:HEAT")
    change_status(desk.db, SYSTEM, change, now=desk.now)


def recalled(desk: Desk, vial: UUID) -> None:
    batch = desk.db.get_one(OpenVial, vial).batch_id
    start_recall(desk.db, SYSTEM, StartRecall(id=uuid7(), batch=batch, reason="mutu"), now=desk.now)


def past_its_time(desk: Desk, vial: UUID) -> None:
    row = desk.db.get_one(OpenVial, vial)
    row.opened_at, row.discard_by = row.opened_at - timedelta(hours=9), desk.now - timedelta(minutes=1)


def out_of_date(desk: Desk, vial: UUID) -> None:
    past_its_time(desk, vial)
    desk.db.get_one(Batch, desk.db.get_one(OpenVial, vial).batch_id).expiry = desk.today - timedelta(days=1)


def thrown_away(desk: Desk, vial: UUID) -> None:
    discard_doses(
        desk.db,
        SYSTEM,
        DiscardDoses(open_vial_id=vial, reason=OpenWaste.SESSION_END, occurred_at=desk.now),
        now=desk.now,
    )


STOPPED = [
    (held, "ditahan: sisihkan"),
    (recalled, "ditarik: sisihkan"),
    (past_its_time, "lewat waktunya sejak"),
    (thrown_away, "habis atau dibuang"),
]


@pytest.mark.parametrize(("befell", "sentence"), STOPPED, ids=lambda one: getattr(one, "__name__", ""))
def test_a_vial_that_was_chosen_and_may_not_be_used_gives_no_dose_and_no_other_is_taken_for_it(
    meja: Meja, befell: Callable[[Desk, UUID], None], sentence: str
) -> None:
    vial = opened(meja)
    booking, _ = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    meja.done(lambda desk: befell(desk, vial))
    refused = meja.send(f"/meja/orang/{booking}/suntik", vial=str(vial))
    assert refused.status_code == 422
    assert sentence in words_of(refused)
    assert "ambil vial lain" in words_of(refused)
    assert (meja.state(booking), doses(meja)) == (BookingState.ARRIVED, 1)


@pytest.mark.parametrize(
    ("befell", "sentence"),
    [(recalled, "ditarik: sisihkan"), (out_of_date, "kedaluwarsa")],
    ids=["recalled", "out of date"],
)
def test_the_label_of_a_lot_that_is_stopped_here_is_not_told_to_be_opened(
    meja: Meja, befell: Callable[[Desk, UUID], None], sentence: str
) -> None:
    vial = opened(meja)
    booking, _ = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    meja.done(lambda desk: befell(desk, vial))

    def label(desk: Desk) -> str:
        batch = desk.db.get_one(Batch, desk.db.get_one(OpenVial, vial).batch_id)
        return f"(01){desk.db.get_one(Presentation, batch.presentation_id).gtin}(10){batch.lot}"

    refused = meja.send(f"/meja/orang/{booking}/suntik", kode=meja.done(label))
    assert refused.status_code == 422
    assert sentence in words_of(refused)
    assert ": buka dahulu" not in words_of(refused)
    assert (meja.state(booking), doses(meja)) == (BookingState.ARRIVED, 1)


def test_a_vial_of_elsewhere_or_none_is_not_taken_for_one_of_here(meja: Meja) -> None:
    booking, _ = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    for named in (str(uuid7()), "x"):
        refused = meja.send(f"/meja/orang/{booking}/suntik", vial=named)
        assert refused.status_code == 422
        assert "pilih dari yang ada" in words_of(refused)
    assert (meja.state(booking), doses(meja)) == (BookingState.ARRIVED, 0)


def test_the_same_dose_told_again_with_its_last_vial_stands(meja: Meja) -> None:
    vial = opened(meja)
    booking, _ = meja.booked()
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    assert meja.send(f"/meja/orang/{booking}/suntik", vial=str(vial)).status_code == 303
    meja.done(lambda desk: thrown_away(desk, vial))
    assert meja.send(f"/meja/orang/{booking}/suntik", vial=str(vial)).status_code == 303
    assert doses(meja) == 2


def test_a_forged_ticket_and_one_of_another_house_check_nobody_in(meja: Meja) -> None:
    booking, _ = meja.booked()
    right = ticket(meja, booking)
    head, body, signature = right.split(".")
    bent = f"{head}.{body}.{signature[:40]}{'B' if signature[40] == 'A' else 'A'}{signature[41:]}"
    other = ticket(meja, booking, TicketOffice.from_secret("the secret of another installation, also long"))
    for forged in (bent, other):
        answer = meja.send(f"{meja.to}/cari", siapa=forged)
        assert answer.status_code == 422
        assert "bukan tiket kami" in words_of(answer)
        assert "Cari orangnya dengan NIK" in words_of(answer)
    assert meja.state(booking) is BookingState.CONFIRMED


def test_a_ticket_of_another_day_or_place_says_when_and_where_to_go(meja: Meja) -> None:
    elsewhere = meja.world.world.facilities["pkm-neglasari"]

    def booked(desk: Desk) -> list[UUID]:
        desk.ledger.post(
            Kind.SUPPLY,
            desk.ledger.line("penta-5/PB002", 4, place=meja.world.world.equipment["pkm-neglasari-k1"]),
            facility=elsewhere,
        )
        there = [desk.session(product="penta-5", ahead=days, facility=elsewhere) for days in (0, 3)]
        return [desk.confirmed(each).id for each in (desk.session(ahead=3), *there)]

    bookings = meja.done(booked)
    later, away, both = [words_of(meja.send(f"{meja.to}/cari", siapa=ticket(meja, each))) for each in bookings]
    assert "untuk Puskesmas Cipondoh pada" in later
    assert "cari orangnya dengan NIK" in later
    assert f"untuk {elsewhere.name}, dan hari ini di sini tidak ada" in away
    assert f"untuk {elsewhere.name} pada" in both
    assert {meja.state(each) for each in bookings} == {BookingState.CONFIRMED}


def test_a_ticket_shown_twice_or_after_the_dose_says_who_it_is_and_changes_nothing(meja: Meja) -> None:
    booking, _ = meja.booked()
    code = ticket(meja, booking)
    for _ in range(2):
        assert meja.at_the_desk(meja.send(f"{meja.to}/cari", siapa=code)) == booking
    meja.send(f"/meja/orang/{booking}/suntik")
    again = meja.send(f"{meja.to}/cari", siapa=code)
    assert again.status_code == 422
    assert "sudah divaksin" in words_of(again).lower() or "Sudah divaksin" in words_of(again)
    assert (meja.state(booking), doses(meja)) == (BookingState.VACCINATED, 1)


def test_what_is_screened_after_the_dose_is_refused_and_says_so(meja: Meja) -> None:
    booking, _ = meja.booked()
    page = f"/meja/orang/{booking}"
    meja.send(f"{meja.to}/datang", tempat=str(booking))
    meja.send(f"{page}/suntik")
    for act, more in (("layak", {}), ("tunda", {"catatan": "demam 38"}), ("tolak", {"catatan": "alergi berat"})):
        refused = meja.send(f"{page}/{act}", **more)
        assert refused.status_code == 422, act
        assert "kembalikan dahulu" in words_of(refused)
    assert (meja.state(booking), doses(meja)) == (BookingState.VACCINATED, 1)


def test_the_number_of_another_registers_nobody_and_changes_no_name(meja: Meja) -> None:
    person, nik = meja.person(name="Pemilik Nomor")
    answer = meja.send(f"{meja.to}/baru", nomor=str(uuid7()), nik=nik, nama="Orang Lain", dosis="1")
    assert answer.status_code == 422
    assert "sudah terdaftar" in words_of(answer)
    assert meja.done(lambda desk: desk.name_of(person)) == "Pemilik Nomor"
    assert meja.done(lambda desk: desk.db.scalar(select(func.count()).where(Booking.person_id == person))) == 0


def test_the_desk_of_a_session_of_tomorrow_gives_no_dose_today(meja: Meja) -> None:
    booking = meja.done(lambda desk: desk.confirmed(desk.session(ahead=1)).id)
    for act in ("hadir", "layak", "suntik"):
        answer = meja.send(f"/meja/orang/{booking}/{act}")
        assert answer.status_code == 422, act
    assert (meja.state(booking), doses(meja)) == (BookingState.CONFIRMED, 0)


def test_the_same_person_at_two_desks_at_once_has_one_number_and_one_dose(meja: Meja) -> None:
    booking, _ = meja.booked()
    vials = [opened(meja), None]
    code = ticket(meja, booking)

    def serve(vial: UUID | None) -> list[int]:
        came = meja.send(f"{meja.to}/cari", siapa=code)
        page = f"/meja/orang/{booking}"
        given = meja.send(f"{page}/suntik", **({"vial": str(vial)} if vial else {}))
        return [came.status_code, given.status_code]

    with ThreadPoolExecutor(2) as desks:
        answers = list(desks.map(serve, vials))
    assert all(code in (303, 422) for each in answers for code in each), answers
    assert any(each[1] == 303 for each in answers), answers
    assert (meja.state(booking), doses(meja)) == (BookingState.VACCINATED, 2)
    steps = select(BookingStep.to_state).where(BookingStep.booking_id == booking)
    told = list(meja.done(lambda desk: desk.db.scalars(steps).all()))
    assert [told.count(state) for state in (BookingState.ARRIVED, BookingState.VACCINATED)] == [1, 1]
