"""`/periksa`: what does not add up in one's area, each line with the page where it is put right. Lists are short; nothing is summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Response
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts, mark
from dashboard.frame.viewer import Member
from dashboard.handsets.words import KIND
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import few_units, visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.rules import OPEN
from tracker.handsets.settling import handsets_visible_to, steps_visible_to
from tracker.network.models import Equipment, Facility
from tracker.network.rules.words import CARRIERS
from tracker.shipments.models import Shipment
from tracker.shipments.queries.finding import shipments_of
from tracker.shipments.rules.words import ON_THE_ROAD, TOLD, ShipmentState
from tracker.stock.count_models import CountSheet
from tracker.stock.models import Availability, OpenVial, StockBalance
from tracker.stock.rules.counting import COUNT_EVERY
from tracker.stock.rules.words import Account, SheetState

router = Router(include_in_schema=False)

SHOWN = 6
LONG_ON_ROAD = timedelta(days=14)
LONG_UNANSWERED = timedelta(days=3)
LONG_CARRIED = timedelta(hours=24)
LONG_COUNTING = timedelta(hours=24)
LONG_SILENT = timedelta(days=3)
LAID_ASIDE = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something that does not add up: where, what of it, and the page where it is put right."""

    where: str
    about: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to the books: its title, what the answer means, and the first of what it found."""

    id: str
    title: str
    hint: str
    doubts: Sequence[Doubt]
    more: bool


Question = Callable[[Session, Principal, datetime, Texts], list[Doubt]]


@router.get("/periksa")
def show_checks(viewer: Member, db: Db) -> Response:
    """Each question with what it found; those that found nothing in one calm line."""
    principal = viewer.known()
    principal.require(Permission.STOCK_READ)
    checks = []
    wide = few_units(db, principal, Permission.STOCK_READ) is None
    for name, (title, hint, ask) in QUESTIONS.items():
        if wide and name in OF_SHELVES:
            continue
        found = ask(db, principal, viewer.now, viewer.texts)
        texts = viewer.texts
        checks.append(
            Check(
                id=name,
                title=texts.gettext(title),
                hint=texts.gettext(hint),
                doubts=found[:SHOWN],
                more=len(found) > SHOWN,
            )
        )
    return page(
        viewer,
        "overview/checks.html",
        checks=[one for one in checks if one.doubts],
        calm=[one for one in checks if not one.doubts],
        unasked=[viewer.texts.gettext(QUESTIONS[name][0]) for name in OF_SHELVES] if wide else [],
    )


def _seen(principal: Principal) -> ColumnElement[bool]:
    return visible_to(principal, Unit.path, Permission.STOCK_READ)


def _facilities_where(principal: Principal, there: Select[Any]) -> Select[Facility]:
    """The first facilities of which `there` finds a row: a look each by an index, and none behind the last that is shown."""
    query = select(Facility).join(Unit, Unit.id == Facility.id).where(_seen(principal), there.exists())
    return query.order_by(Facility.code).limit(SHOWN + 1)


def _lying() -> Select[Any]:
    return select(StockBalance.batch_id).where(
        StockBalance.facility_id == Facility.id, StockBalance.account == Account.PLACE, StockBalance.vials > 0
    )


def _never_counted(db: Session, principal: Principal, _now: datetime, texts: Texts) -> list[Doubt]:
    query = _facilities_where(principal, _lying().where(StockBalance.counted_at.is_(None)))
    about = texts.gettext("belum pernah dihitung")
    return [_to_count(facility, about) for facility in db.scalars(query)]


def _long_uncounted(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    query = _facilities_where(principal, _lying().where(StockBalance.counted_at < now - COUNT_EVERY))
    about = texts.gettext("lebih dari sebulan yang lalu")
    return [_to_count(facility, about) for facility in db.scalars(query)]


def _to_count(facility: Facility, about: str) -> Doubt:
    return Doubt(where=facility.name, about=about, href=f"/stok/{facility.code}/hitung")


def _left_counting(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    rows = db.execute(
        select(CountSheet, Facility.name, Equipment.name)
        .join(Facility, Facility.id == CountSheet.facility_id)
        .join(Unit, Unit.id == CountSheet.facility_id)
        .join(Equipment, Equipment.id == CountSheet.place_id)
        .where(CountSheet.state == SheetState.OPEN, CountSheet.opened_at < now - LONG_COUNTING, _seen(principal))
        .order_by(CountSheet.id)
        .limit(SHOWN + 1)
    )
    return [
        Doubt(
            where=f"{name} · {place}",
            about=f"{sheet.opened_by}, {texts.ago(sheet.opened_at, now)}",
            href=f"/hitung/{sheet.id}/selisih",
        )
        for sheet, name, place in rows
    ]


def _late(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    late = Shipment.state.in_(ON_THE_ROAD) & (Shipment.expected_at < now)
    return _roads(db, principal, now, texts, late, Shipment.expected_at)


def _never_received(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    gone = (Shipment.state == ShipmentState.IN_TRANSIT) & (Shipment.dispatched_at < now - LONG_ON_ROAD)
    return _roads(db, principal, now, texts, gone, Shipment.dispatched_at)


def _half_received(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    half = Shipment.state == ShipmentState.PARTLY_RECEIVED
    return _roads(db, principal, now, texts, half, Shipment.dispatched_at)


def _unanswered(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    told = Shipment.state.in_(TOLD) & (Shipment.created_at < now - LONG_UNANSWERED)
    return _roads(db, principal, now, texts, told, Shipment.created_at)


def _roads(
    db: Session, principal: Principal, now: datetime, texts: Texts, where: ColumnElement[bool], since: Any
) -> list[Doubt]:
    query = shipments_of(db, principal).where(where).order_by(since, Shipment.id).limit(SHOWN + 1)
    found: list[Shipment] = [row[0] for row in db.execute(query)]
    ends = {end for one in found for end in (one.from_facility_id, one.to_facility_id)}
    names = {row.id: row.name for row in db.execute(select(Facility.id, Facility.name).where(Facility.id.in_(ends)))}
    return [
        Doubt(
            where=f"{names[one.from_facility_id]} → {names[one.to_facility_id]}",
            about=f"{one.code}, {texts.ago(one.dispatched_at or one.created_at, now)}",
            href=f"/pengiriman/{one.code}",
        )
        for one in found
    ]


def _not_put_away(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    carried = (
        _lying()
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .where(Equipment.kind.in_(CARRIERS), StockBalance.touched_at < now - LONG_CARRIED)
    )
    about = texts.gettext("di kotak dingin atau truk lebih dari sehari")
    return [
        Doubt(where=one.name, about=about, href=f"/stok/{one.code}/kerja/kembali")
        for one in db.scalars(_facilities_where(principal, carried))
    ]


def _promised_without(db: Session, principal: Principal, _now: datetime, texts: Texts) -> list[Doubt]:
    rows = db.execute(
        select(
            Facility.name, Facility.code, Presentation.name.label("product"), func.max(Availability.short).label("n")
        )
        .join(Facility, Facility.id == Availability.facility_id)
        .join(Unit, Unit.id == Availability.facility_id)
        .join(Presentation, Presentation.id == Availability.presentation_id)
        .where(Availability.short > 0, _seen(principal))
        .group_by(Facility.name, Facility.code, Presentation.name)
        .order_by(Facility.name, Presentation.name)
        .limit(SHOWN + 1)
    )
    return [
        Doubt(
            where=row.name,
            about=f"{row.product}: " + texts.ngettext("kurang %(n)s vial", "%(n)s vials short", row.n),
            href=f"/fasilitas/{row.code}#produk",
        )
        for row in rows
    ]


def _past_their_time(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    rows = db.execute(
        select(OpenVial, Facility.name, Presentation.name, Batch.lot)
        .join(Facility, Facility.id == OpenVial.facility_id)
        .join(Unit, Unit.id == OpenVial.facility_id)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(OpenVial.closed_at.is_(None), OpenVial.discard_by <= now, _seen(principal))
        .order_by(OpenVial.discard_by, OpenVial.id)
        .limit(SHOWN + 1)
    )
    return [
        Doubt(where=name, about=f"{product} {lot}, {texts.ago(vial.discard_by, now)}", href=f"/vial/{vial.id}")
        for vial, name, product, lot in rows
    ]


def _silent_phones(db: Session, principal: Principal, now: datetime, texts: Texts) -> list[Doubt]:
    """Phones on which somebody worked, the longest silent first; one that was laid aside long ago brings nothing more."""
    silent = Handset.heard_at.between(now - LAID_ASIDE, now - LONG_SILENT)
    works = silent & Handset.cut_off_at.is_(None) & (Handset.last_number > 0)
    rows = db.execute(
        handsets_visible_to(principal).where(works).order_by(Handset.heard_at, Handset.id).limit(SHOWN + 1)
    )
    return [
        Doubt(where=facility.name, about=f"{account}, {texts.ago(handset.heard_at, now)}", href="/gawai")
        for handset, account, facility in rows
    ]


def _conflicts(db: Session, principal: Principal, _now: datetime, texts: Texts) -> list[Doubt]:
    waiting = HandsetStep.state.in_(sorted(OPEN))
    rows = db.execute(steps_visible_to(principal).where(waiting).order_by(HandsetStep.id).limit(SHOWN + 1))
    return [
        Doubt(
            where=facility.name,
            about=f"{texts.gettext(KIND.get(step.kind, step.kind))}, {texts.moment(step.said_at, facility.timezone)}",
            href=f"/gawai/bentrok/{step.id}",
        )
        for step, _handset, _account, facility in rows
    ]


QUESTIONS: dict[str, tuple[str, str, Question]] = {
    "hilang": (
        mark("Berangkat, belum diterima"),
        mark("di jalan lebih dari 14 hari"),
        _never_received,
    ),
    "terlambat": (mark("Terlambat tiba"), mark("lewat dari waktu yang diharapkan"), _late),
    "sebagian": (mark("Diterima sebagian"), mark("sisanya belum diterima dan belum dicatat hilang"), _half_received),
    "kabar": (
        mark("Datang tanpa pemberitahuan, belum selesai"),
        mark("dicatat penerima lebih dari tiga hari yang lalu, belum dikonfirmasi pengirim"),
        _unanswered,
    ),
    "jalan": (mark("Belum disimpan"), mark("vial masih di kotak dingin atau truk"), _not_put_away),
    "janji": (mark("Dijanjikan tanpa stok"), mark("janji melebihi vial yang ada"), _promised_without),
    "vial": (mark("Vial terbuka lewat waktu"), mark("sisanya belum dibuang"), _past_their_time),
    "bentrok": (
        mark("Langkah ponsel menunggu keputusan"),
        mark("dicatat di ponsel, tidak cocok dengan yang ada di sini"),
        _conflicts,
    ),
    "senyap": (
        mark("Ponsel lama tidak terdengar"),
        mark("lebih dari tiga hari: yang dicatat di sana mungkin belum sampai"),
        _silent_phones,
    ),
    "lembar": (mark("Penghitungan tidak diselesaikan"), mark("dimulai lebih dari sehari yang lalu"), _left_counting),
    "dihitung": (mark("Belum pernah dihitung"), mark("ada vial yang belum pernah dihitung orang"), _never_counted),
    "lama": (mark("Lama tidak dihitung"), mark("terakhir dihitung lebih dari sebulan yang lalu"), _long_uncounted),
}
# Each looks into the fridges of every place in sight; who sees a nation's leaves that to those who see a city's.
OF_SHELVES = ("jalan", "dihitung", "lama")
