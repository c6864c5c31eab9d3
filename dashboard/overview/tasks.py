"""What waits for hands at one place of work, the most pressing first; each line opens its task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from dashboard.frame.texts import Texts, mark
from dashboard.shipments.queries import ShipmentRow
from dashboard.stock.queries import OpenedVial
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.adverse.queries import count_waiting
from tracker.adverse.rules.words import Level
from tracker.catalog.models import Batch, Presentation
from tracker.kit.days import local_day
from tracker.network.models import Equipment, Facility
from tracker.network.queries import path_of
from tracker.network.rules.words import CARRIERS
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.untold import unreminded_at
from tracker.quota.rules.words import SessionState
from tracker.shipments.rules.words import ON_THE_ROAD, ShipmentState
from tracker.stock.models import StockBalance
from tracker.stock.queries.counting import open_sheets
from tracker.stock.rules.counting import COUNT_EVERY
from tracker.stock.rules.words import Account, Status, WasteReason

# Shipments named one by one; the rest is told as a number.
NAMED = 3

_SENDS = {
    ShipmentState.REQUESTED: mark("Setujui permintaan"),
    ShipmentState.APPROVED: mark("Ambil dan kemas"),
    ShipmentState.PACKED: mark("Kirimkan"),
    ShipmentState.UNCONFIRMED: mark("Konfirmasi kiriman"),
}
_TAKES = {
    **dict.fromkeys(ON_THE_ROAD, mark("Terima kiriman")),
    ShipmentState.DISPUTED: mark("Selesaikan kiriman yang dibantah"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do: its words, where it is done, how many of it, and how pressing (a state's name: out, low, ok)."""

    word: str
    href: str
    about: str
    tone: str = "low"


# Where the work on a shipment has a page of its own; all else is done on the shipment's.
_PAGES = {
    **dict.fromkeys(ON_THE_ROAD, "/terima"),
    ShipmentState.APPROVED: "/kemas",
    ShipmentState.UNCONFIRMED: "/konfirmasi",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcels:
    """Vials that wait for the same work, and the code of a place where some of them lie."""

    vials: int
    place: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """What lies at a facility and waits: vials, and places to be counted. `held` by an alarm, `stopped` by hand or at receipt."""

    held: int
    stopped: Parcels
    spoiled: Parcels
    expired: Parcels
    carried: Parcels
    uncounted: int


def lying_at(db: Session, facility: Facility, now: datetime) -> Lying:
    """In one look at what lies there now."""
    counted_by = now - COUNT_EVERY
    uncounted = or_(StockBalance.counted_at.is_(None), StockBalance.counted_at < counted_by)
    usable = StockBalance.status == Status.USABLE
    vials, place = func.sum(StockBalance.vials), func.min(Equipment.code)
    held = StockBalance.status == Status.HELD
    by_alarm = exists().where(
        Hold.holder_id == StockBalance.holder_id,
        Hold.batch_id == StockBalance.batch_id,
        Hold.state == HoldState.HELD,
    )
    waiting = (
        and_(held, ~by_alarm),
        StockBalance.status == Status.UNUSABLE,
        and_(usable, Batch.expiry < local_day(now, facility.timezone)),
        Equipment.kind.in_(CARRIERS),
    )
    row = db.execute(
        select(
            vials.filter(held, by_alarm),
            *(each.filter(condition) for condition in waiting for each in (vials, place)),
            func.count(StockBalance.holder_id.distinct()).filter(uncounted, Equipment.kind.not_in(CARRIERS)),
        )
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .where(
            StockBalance.facility_id == facility.id,
            StockBalance.account == Account.PLACE,
            StockBalance.vials > 0,
        )
    ).one()
    # A sum with a filter that nothing meets is null, whatever stands within.
    by_hold, *pairs, places = row
    stopped, spoiled, expired, carried = (
        Parcels(vials=int(count or 0), place=at) for count, at in zip(pairs[::2], pairs[1::2], strict=True)
    )
    return Lying(
        held=int(by_hold or 0), stopped=stopped, spoiled=spoiled, expired=expired, carried=carried, uncounted=places
    )


def tasks_at(
    db: Session,
    principal: Principal,
    facility: Facility,
    now: datetime,
    texts: Texts,
    *,
    unanswered: int,
    opened: Sequence[OpenedVial],
    going: Sequence[ShipmentRow],
) -> list[Task]:
    """What this person may do here now; `unanswered` alarms, vials that are `opened`, shipments that are `going`."""
    path = path_of(db, facility.id)
    lying = lying_at(db, facility, now)
    found: list[Task] = []
    if unanswered and principal.may(Permission.ALARM_ACKNOWLEDGE, path):
        about = texts.ngettext("%(n)s alarm", "%(n)s alarms", unanswered)
        found.append(Task(word=texts.gettext("Tanggapi alarm"), href="/alarm", about=about, tone="out"))
    if principal.may(Permission.ADVERSE_ANSWER, path):
        found += _adverse(count_waiting(db, principal, Level.FACILITY, facility.id), texts)
    if lying.held and principal.may(Permission.HOLD_RELEASE, path):
        word = texts.gettext("Putuskan yang ditahan")
        found.append(Task(word=word, href="/alarm?tampil=held", about=_vials(lying.held, texts), tone="out"))
    if principal.may(Permission.BOOKING_SERVE, path):
        found += _sessions(db, facility, now, texts)
        found += _unreminded(db, facility, now, texts)
    writes = principal.may(Permission.STOCK_WRITE, path)
    if writes:
        found += _overdue(opened, now, texts)
    if principal.may(Permission.SHIPMENT_WRITE, path):
        found += _shipments(facility, going, texts)
    if writes:
        found += _of_shelf(facility, lying, texts)
        found += _counts(db, facility, lying, now, texts)
    return found


def _vials(count: int, texts: Texts) -> str:
    return texts.ngettext("%(n)s vial", "%(n)s vials", count)


def _adverse(waiting: int, texts: Texts) -> Iterator[Task]:
    if waiting:
        about = texts.ngettext("%(n)s orang", "%(n)s people", waiting)
        word = texts.gettext("Tindak lanjuti KIPI serius")
        yield Task(word=word, href="/kipi?tunggu=fasilitas", about=about, tone="out")


def _sessions(db: Session, facility: Facility, now: datetime, texts: Texts) -> Iterator[Task]:
    """Today's sessions whose doors are not shut yet: people stand before them."""
    today = db.execute(
        select(VaccinationSession, Presentation.name)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .where(
            VaccinationSession.facility_id == facility.id,
            VaccinationSession.day == local_day(now, facility.timezone),
            VaccinationSession.state != SessionState.CLOSED,
            VaccinationSession.closes_at > now,
        )
        .order_by(VaccinationSession.opens_at, VaccinationSession.id)
        .limit(2 * NAMED)
    )
    for session, product in today:
        hours = texts.hours(session.opens_at, session.closes_at, facility.timezone)
        word = texts.gettext("Layani sesi hari ini")
        yield Task(word=word, href=f"/meja/{session.id}", about=f"{product} · {hours}", tone="ok")


def _unreminded(db: Session, facility: Facility, now: datetime, texts: Texts) -> Iterator[Task]:
    """Whom the reminder of a next dose did not reach."""
    query = unreminded_at(facility.id, local_day(now, facility.timezone))
    count = db.scalar(select(func.count()).select_from(query.subquery())) or 0
    if count:
        href = f"/kuota/minggu?fasilitas={facility.code}#belum-dikabari"
        about = texts.ngettext("%(n)s orang", "%(n)s people", count)
        yield Task(word=texts.gettext("Kabari dosis berikutnya"), href=href, about=about)


def _of_shelf(facility: Facility, lying: Lying, texts: Texts) -> Iterator[Task]:
    for parcels, word, job, more in (
        (lying.carried, mark("Simpan yang kembali dari lapangan"), "kembali", ""),
        (lying.expired, mark("Buang yang kedaluwarsa"), "buang", f"&alasan={WasteReason.EXPIRED.value}"),
        (lying.spoiled, mark("Musnahkan atau kembalikan yang tak layak"), "musnah", ""),
        (lying.stopped, mark("Musnahkan atau kembalikan yang ditolak"), "musnah", ""),
    ):
        if parcels.vials:
            href = f"/stok/{facility.code}/kerja/{job}?tempat={parcels.place}{more}"
            yield Task(word=texts.gettext(word), href=href, about=_vials(parcels.vials, texts))


def _counts(db: Session, facility: Facility, lying: Lying, now: datetime, texts: Texts) -> Iterator[Task]:
    for sheet in open_sheets(db, facility.id)[:NAMED]:
        word = texts.gettext("Selesaikan penghitungan")
        yield Task(word=word, href=f"/hitung/{sheet.id}/selisih", about=texts.ago(sheet.opened_at, now))
    if lying.uncounted:
        about = texts.ngettext("%(n)s tempat", "%(n)s places", lying.uncounted)
        href = f"/stok/{facility.code}/hitung"
        yield Task(word=texts.gettext("Hitung stok"), href=href, about=about, tone="stale")


def _overdue(opened: Sequence[OpenedVial], now: datetime, texts: Texts) -> Iterator[Task]:
    late = [vial for vial in opened if vial.discard_by <= now]
    for vial in late[:NAMED]:
        word = texts.gettext("Buang sisa vial terbuka")
        yield Task(word=word, href=f"/vial/{vial.id}", about=f"{vial.product} {vial.lot}", tone="out")


def _shipments(facility: Facility, going: Sequence[ShipmentRow], texts: Texts) -> Iterator[Task]:
    named = 0
    for one in going:
        state = ShipmentState(one.state)
        comes = one.receiver_code == facility.code and state in _TAKES
        leaves = one.sender_code == facility.code and state in _SENDS
        if not comes and not leaves:
            continue
        named += 1
        if named > 2 * NAMED:
            yield Task(word=texts.gettext("Kiriman lain"), href="/pengiriman", about=texts.gettext("semua kiriman"))
            return
        word, other = (_TAKES[state], one.sender) if comes else (_SENDS[state], one.receiver)
        yield Task(
            word=texts.gettext(word),
            href=f"/pengiriman/{one.code}{_PAGES.get(state, '')}",
            about=f"{other} · {one.code}",
            tone="out" if one.late else "low",
        )
