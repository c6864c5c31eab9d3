"""What else happened to stock in the world's past: the weekly posyandu, broken vials, counts, and a lot that was called back.

Children of the posyandu are written down on paper there, as most are: their doses are doses of opened vials, and no bookings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, time
from functools import partial
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from rantai.world.calendar import MANAGERS, VACCINATORS, Act, Calendar, Staff, local
from rantai.world.names import CITY_STORE, event_id
from rantai.world.places import puskesmas_rows
from rantai.world.stocking import CALLED_BACK
from tracker.catalog.models import Batch, Presentation
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status, WasteReason
from tracker.stock.service.commands import DiscardDoses, GiveDoses, PostEvent
from tracker.stock.service.opening import discard_doses, give_doses, open_vials
from tracker.stock.service.posting import post_event
from tracker.trace.recalls import StartRecall, close_recall, start_recall

# Vials opened and doses given of each, in two weeks that take turns.
_WEEKS: tuple[Mapping[str, tuple[int, int]], ...] = (
    {"pentabio-5": (1, 5), "bcg-20": (1, 13)},
    {"pentabio-5": (1, 5), "mr-10": (1, 8)},
)
_RECORDED = 3
"""Every third puskesmas keeps its posyandu's vials in the books; the others still count at the end of the month."""

_OPENED, _DONE = time(9, 10), time(11, 40)
_BROKEN = {14: ("pkm-tajur", "pentabio-5"), 11: ("pkm-petir", "td-10"), 5: ("pkm-keroncong", "bopv-10")}
_COUNTED = time(16, 0)
_STOCK_TAKEN = time(13, 45)
_STOCKTAKING = (6, 5, 4, 3, 2)
"""The days before today among which the puskesmas share their monthly stocktaking; none falls on a Sunday."""
_MISCOUNTED = 9
_RECALLED, _DESTROYED, _SETTLED = 12, 10, 8
_RECALL = event_id("recall of a misprinted lot")


def stock_acts_on(calendar: Calendar, back: int) -> list[Act]:
    """All of it for one day."""
    acts = []
    for number, row in enumerate(puskesmas_rows()):
        if number % _RECORDED == 0 and calendar.day(back).weekday() == number // _RECORDED % 6:
            week = _WEEKS[(calendar.day(back).toordinal() // 7 + number) % 2]
            name = f"posyandu {row['code']} {calendar.day(back)}"
            acts.append(Act(at=calendar.at(back, _OPENED), do=partial(_open, name, row["code"], week)))
            acts.append(Act(at=calendar.at(back, _DONE), do=partial(_give, name, row["code"], week)))
    acts += [
        Act(at=calendar.at(back, _STOCK_TAKEN), do=partial(_take_stock, facility))
        for facility in stocktaking_on(calendar, back)
    ]
    if back in _BROKEN:
        acts.append(Act(at=calendar.at(back, time(13, 20)), do=partial(_break, *_BROKEN[back])))
    if back == _RECALLED:
        acts.append(Act(at=calendar.at(back, time(7, 35)), do=_call_back))
    if back == _DESTROYED:
        acts.append(Act(at=calendar.at(back, time(14, 30)), do=_destroy_called_back))
    if back == _SETTLED:
        acts.append(Act(at=calendar.at(back, time(10, 45)), do=_settle))
    return acts


def stocktaking_on(calendar: Calendar, back: int) -> list[str]:
    """The puskesmas that count all they have on that day; each does once."""
    days = [each for each in _STOCKTAKING if calendar.is_working_day(each)]
    if back not in days:
        return []
    return [row["code"] for row in puskesmas_rows()][days.index(back) :: len(days)]


def counting(calendar: Calendar, back: int) -> Act:
    """The last act of a day: the city's store counts one of its lots."""
    return Act(at=calendar.at(back, _COUNTED), do=partial(_count, count_of(calendar, back), back))


def count_of(calendar: Calendar, back: int) -> UUID:
    """The id of a day's count. Where it is there, the day has been told."""
    return event_id(f"count of {CITY_STORE} {calendar.day(back)}")


def _open(
    name: str, facility: str, week: Mapping[str, tuple[int, int]], db: Session, staff: Staff, now: datetime
) -> None:
    parcels = _first_to_use(db, staff.facilities[facility], week)
    if not parcels:
        return
    event = PostEvent(
        id=event_id(name),
        kind=Kind.OPENING,
        facility_id=staff.facilities[facility],
        occurred_at=now,
        reason="posyandu",
        lines=tuple(
            Line(batch_id=each.batch_id, place_id=each.place_id, vials=min(each.vials, week[product][0]))
            for product, each in parcels.items()
        ),
    )
    open_vials(db, staff(db, local(VACCINATORS, facility)), event, now=now)


def _give(
    name: str, facility: str, week: Mapping[str, tuple[int, int]], db: Session, staff: Staff, now: datetime
) -> None:
    """The doses that went into children; what is left of a vial when the posyandu is over is thrown away."""
    who = staff(db, local(VACCINATORS, facility))
    opened = db.execute(
        select(OpenVial.id, Presentation.code, OpenVial.remaining)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        # A session of the same day may have used one up: doses of any open vial serve it.
        .where(OpenVial.event_id == event_id(name), OpenVial.remaining > 0)
        .order_by(OpenVial.id)
    ).all()
    for vial_id, product, doses in opened:
        given = min(doses, week[product][1])
        give_doses(db, who, GiveDoses(open_vial_id=vial_id, occurred_at=now, doses=given), now=now)
        if given < doses:
            rest = DiscardDoses(open_vial_id=vial_id, occurred_at=now, reason=OpenWaste.SESSION_END)
            discard_doses(db, who, rest, now=now)


def _break(facility: str, product: str, db: Session, staff: Staff, now: datetime) -> None:
    for each in _first_to_use(db, staff.facilities[facility], [product]).values():
        event = PostEvent(
            id=event_id(f"broken {facility} {product}"),
            kind=Kind.WASTE,
            facility_id=staff.facilities[facility],
            occurred_at=now,
            lines=(Line(batch_id=each.batch_id, place_id=each.place_id, vials=1, reason=WasteReason.BROKEN),),
        )
        post_event(db, staff(db, local(MANAGERS, facility)), event, now=now)


def _take_stock(facility: str, db: Session, staff: Staff, now: datetime) -> None:
    """All usable vials of a puskesmas are counted, and all are there."""
    found = db.execute(
        _usable(staff.facilities[facility]).order_by(StockBalance.holder_id, StockBalance.batch_id)
    ).all()
    event = PostEvent(
        id=event_id(f"stocktaking of {facility}"),
        kind=Kind.COUNT,
        facility_id=staff.facilities[facility],
        occurred_at=now,
        reference="stok opname bulanan",
        lines=tuple(
            Line(batch_id=each.batch_id, place_id=each.place_id, vials=each.vials, status_said=True)
            for _product, each in found
        ),
    )
    post_event(db, staff(db, local(MANAGERS, facility)), event, now=now)


def _count(count_id: UUID, back: int, db: Session, staff: Staff, now: datetime) -> None:
    """Each day another lot; one count finds a vial fewer than the books say."""
    parcels = list(_first_to_use(db, staff.facilities[CITY_STORE]).values())
    parcel = parcels[back % len(parcels)]
    event = PostEvent(
        id=count_id,
        kind=Kind.COUNT,
        facility_id=staff.facilities[CITY_STORE],
        occurred_at=now,
        lines=(Line(batch_id=parcel.batch_id, place_id=parcel.place_id, vials=parcel.vials - (back == _MISCOUNTED)),),
    )
    post_event(db, staff(db, "gudang"), event, now=now)


def _call_back(db: Session, staff: Staff, now: datetime) -> None:
    recall = StartRecall(
        id=_RECALL, batch=CALLED_BACK, recall_class=2, reason="Label kedaluwarsa salah cetak, diberitahukan produsen"
    )
    start_recall(db, staff(db, "pusat"), recall, now=now)


def _destroy_called_back(db: Session, staff: Staff, now: datetime) -> None:
    """Every holder destroys what it found, with a document."""
    found = db.scalars(
        select(StockBalance)
        .where(StockBalance.status == Status.RECALLED, StockBalance.account == Account.PLACE, StockBalance.vials > 0)
        .order_by(StockBalance.facility_id)
    ).all()
    for each in found:
        if each.facility_id is None:
            continue
        event = PostEvent(
            id=event_id(f"destruction of the recalled {each.holder_id}"),
            kind=Kind.DESTRUCTION,
            facility_id=each.facility_id,
            occurred_at=now,
            reference="BA pemusnahan penarikan",
            lines=(Line(batch_id=each.batch_id, place_id=each.place_id, vials=each.vials, status=Status.RECALLED),),
        )
        post_event(db, staff(db, "kota"), event, now=now)


def _settle(db: Session, staff: Staff, now: datetime) -> None:
    close_recall(db, staff(db, "pusat"), _RECALL, reason="Semua vial dimusnahkan dengan berita acara", now=now)


def _first_to_use(db: Session, facility_id: UUID, products: Collection[str] | None = None) -> dict[str, StockBalance]:
    """Of each product, or each of these, the usable parcel with the earliest expiry."""
    # The last of a product stays in the answer.
    query = _usable(facility_id).order_by(Presentation.code, Batch.expiry.desc())
    if products is not None:
        query = query.where(Presentation.code.in_(list(products)))
    return {row[0]: row[1] for row in db.execute(query)}


def _usable(facility_id: UUID) -> Select[str, StockBalance]:
    """The usable parcels in places of a facility, with their product's code."""
    return (
        select(Presentation.code, StockBalance)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(
            StockBalance.facility_id == facility_id,
            StockBalance.account == Account.PLACE,
            StockBalance.status == Status.USABLE,
            StockBalance.vials > 0,
        )
        .execution_options(populate_existing=True)
    )
