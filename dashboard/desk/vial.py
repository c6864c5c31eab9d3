"""The vial that is named at the desk, by a tap or by its label: which it is, or why no dose comes from it and what to do."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.desk.sessions import Served, vials_open
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Viewer
from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.models import Batch
from tracker.catalog.scanning import resolve_scan
from tracker.kit.days import local_day
from tracker.network.queries import as_id
from tracker.quota.models import Booking
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.rules.words import Account, Status

_NO_LABEL = mark("Label itu tidak terbaca. Pindai lagi, atau pilih vialnya.")
_OTHER_LABEL = mark(
    "Label ini %(lot)s. Tidak ada vial terbuka dari lot itu di sini: buka dahulu, atau ambil yang lain."
)
_EXPIRED = mark("Lot %(lot)s kedaluwarsa %(day)s: sisihkan, dan ambil vial lain.")
_STOPPED = {
    Status.HELD: mark("Vial lot %(lot)s sedang ditahan: sisihkan, jangan dipakai, dan ambil vial lain."),
    Status.RECALLED: mark("Lot %(lot)s ditarik: sisihkan, jangan dipakai, dan ambil vial lain."),
    Status.UNUSABLE: mark("Vial lot %(lot)s tidak layak pakai: sisihkan, dan ambil vial lain."),
}
_PAST = mark("Vial lot %(lot)s lewat waktunya sejak %(at)s: buang sisanya, dan ambil vial lain.")
_USED_UP = mark("Vial lot %(lot)s sudah habis atau dibuang: ambil vial lain.")
_NOT_HERE = mark("Vial itu tidak terbuka di sini: pilih dari yang ada.")


def named_vial(
    viewer: Viewer, db: Session, here: Served, booking: Booking, vial: str, label: str, now: datetime
) -> tuple[str, UUID | None]:
    """What is wrong with the vial that was named, and which it is; None leaves it to the house, but only where none was named."""
    if label.strip():
        return _by_label(viewer, db, here, booking, label.strip(), now)
    if not vial:
        return "", None
    found = db.execute(
        select(OpenVial, Batch.lot)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .where(
            OpenVial.id == as_id(vial),
            OpenVial.facility_id == here.facility.id,
            Batch.presentation_id == here.product.id,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return viewer.texts.gettext(_NOT_HERE), None
    # Told again, the dose is judged by what was told first.
    problem = "" if booking.vaccinated_at else _why_not(viewer, here, found[0], found[1], now)
    return problem, found[0].id


def _why_not(viewer: Viewer, here: Served, vial: OpenVial, lot: str, now: datetime) -> str:
    texts = viewer.texts
    if vial.closed_at is not None or vial.remaining == 0:
        return texts.gettext(_USED_UP, lot=lot)
    if vial.status is not Status.USABLE:
        return texts.gettext(_STOPPED[vial.status], lot=lot)
    if vial.discard_by <= now:
        return texts.gettext(_PAST, lot=lot, at=texts.moment(vial.discard_by, here.facility.timezone))
    return ""


def _by_label(
    viewer: Viewer, db: Session, here: Served, booking: Booking, label: str, now: datetime
) -> tuple[str, UUID | None]:
    texts, today = viewer.texts, local_day(now, here.facility.timezone)
    try:
        batch = resolve_scan(db, label, today=today).batch
    except ScanUnreadable:
        batch = None
    if batch is None:
        return texts.gettext(_NO_LABEL), None
    if booking.vaccinated_at and batch.id == booking.batch_id:
        return "", None
    mine = next((one.id for one, _ in vials_open(db, here, now) if one.batch_id == batch.id), None)
    if mine is not None:
        return "", mine
    if batch.expiry < today:
        return texts.gettext(_EXPIRED, lot=batch.lot, day=texts.date(batch.expiry)), None
    lies = _lies_as(db, here, batch)
    if lies and Status.USABLE not in lies:
        return texts.gettext(next(words for state, words in _STOPPED.items() if state in lies), lot=batch.lot), None
    return texts.gettext(_OTHER_LABEL, lot=batch.lot), None


def _lies_as(db: Session, here: Served, batch: Batch) -> set[Status]:
    """In which states vials of a batch lie at the facility, opened or not."""
    rows = select(StockBalance.status).where(
        StockBalance.facility_id == here.facility.id,
        StockBalance.batch_id == batch.id,
        StockBalance.account.in_((Account.PLACE, Account.OPEN)),
        StockBalance.vials > 0,
    )
    return set(db.scalars(rows))
