"""What a phone needs to know of its facility to work without a network, whole or as the difference to what it was last told.

Only what lies, travels or stands open now: nothing here grows with history. A state that was told is kept as one digest a
row, so that the difference says what is new, what changed and what is gone, whoever changed it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.history import former_codes
from tracker.catalog.models import Batch, Presentation
from tracker.database.types import any_of
from tracker.handsets.desk import desk_lists
from tracker.handsets.models import HandsetHolding, HandsetStep
from tracker.handsets.rules import StepState
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.network.queries import path_of
from tracker.network.rules.words import CARRIERS
from tracker.settings import Settings
from tracker.shipments.models import PackedLine, Shipment, ShipmentBox, ShipmentLine, ShipmentReceipt, ToldLine
from tracker.shipments.queries.neighbours import neighbours_of
from tracker.shipments.rules.words import ON_THE_ROAD, ShipmentState
from tracker.stock.models import OpenVial, StockBalance, StockEvent
from tracker.stock.rules.counting import count_due
from tracker.stock.rules.words import Account
from tracker.trace.models import Recall

# What is under way for months is looked at on a page; a phone works with what is near.
MOST_SHIPMENTS = 200
MOST_NEIGHBOURS = 100
# What is asked for lies nowhere here, as a rule.
MOST_PRODUCTS = 200
_NOT_ENDED = (ShipmentState.REQUESTED, ShipmentState.APPROVED, ShipmentState.PACKED, *sorted(ON_THE_ROAD))
_KEPT = 4  # tellings of each account and facility: two phones of one person, one answer lost each
_KEPT_FOR = timedelta(days=40)

Row = dict[str, Any]
Lists = dict[str, dict[str, Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Rows by list; `gone` names keys that a phone is to forget."""

    token: UUID
    whole: bool
    lists: Mapping[str, list[Row]]
    gone: Mapping[str, list[Any]]
    conflicts: int | None = None
    """Refused steps of the facility's phones; None for whoever may not settle them."""


def tell_holdings(
    db: Session,
    principal: Principal,
    facility: Facility,
    since: UUID | None,
    *,
    session_id: UUID | None = None,
    settings: Settings,
    now: datetime,
) -> Told:
    """The facility's holdings: the difference where `since` is a token that is still known, else the whole.

    With a session of today also who has a place in it. Raises SessionNotFound.
    """
    desk = desk_lists(db, principal, facility, session_id, settings=settings, now=now)
    lists = {**_lists(db, facility), **desk.lists}
    digests = {name: {key: _digest(row) for key, row in rows.items()} for name, rows in lists.items()}
    owner = principal.account_id
    before = None
    if since is not None and owner is not None:
        before = db.get(HandsetHolding, (owner, facility.id, since))
    token = uuid7()
    if before is not None and before.digests == digests:
        token = before.token
    elif owner is not None:
        db.add(HandsetHolding(account_id=owner, facility_id=facility.id, token=token, told_at=now, digests=digests))
        db.flush()
        _forget_older(db, owner, facility.id, now)
    known = before.digests if before is not None else {}
    told = {
        name: [row for key, row in rows.items() if known.get(name, {}).get(key) != digests[name][key]]
        for name, rows in lists.items()
    }
    desk.note(db, principal, told["guests"], now=now)
    return Told(
        token=token,
        whole=before is None,
        lists=told,
        gone={
            name: [_as_key(name, key) for key in known.get(name, {}) if key not in rows] for name, rows in lists.items()
        },
        conflicts=_conflicts(db, principal, facility),
    )


def show_holdings(db: Session, principal: Principal, facility: Facility, *, most: int) -> Told | None:
    """The facility's holdings as they stand, without a token: of nobody's telling is anything kept. None beyond `most` lines of stock."""
    lying = select(StockBalance.batch_id).where(
        StockBalance.facility_id == facility.id, StockBalance.account == Account.PLACE, StockBalance.vials > 0
    )
    if len(db.scalars(lying.limit(most + 1)).all()) > most:
        return None
    lists = {name: list(rows.values()) for name, rows in _lists(db, facility).items()}
    return Told(token=UUID(int=0), whole=True, lists=lists, gone={}, conflicts=_conflicts(db, principal, facility))


def _conflicts(db: Session, principal: Principal, facility: Facility) -> int | None:
    if not principal.may(Permission.STOCK_WRITE, path_of(db, facility.id)):
        return None
    waiting = (
        select(func.count())
        .select_from(HandsetStep)
        .where(HandsetStep.facility_id == facility.id, HandsetStep.state == StepState.CONFLICT)
    )
    return db.scalar(waiting)


def _forget_older(db: Session, account_id: UUID, facility_id: UUID, now: datetime) -> None:
    mine = (HandsetHolding.account_id == account_id, HandsetHolding.facility_id == facility_id)
    newest = select(HandsetHolding.token).where(*mine).order_by(HandsetHolding.told_at.desc()).limit(_KEPT)
    old = HandsetHolding.token.not_in(newest)
    db.execute(delete(HandsetHolding).where(HandsetHolding.account_id == account_id).where(
        ((HandsetHolding.facility_id == facility_id) & old) | (HandsetHolding.told_at < now - _KEPT_FOR)
    ))  # fmt: skip


def _digest(row: Row) -> str:
    said = json.dumps(row, sort_keys=True, default=str).encode()
    return hashlib.blake2b(said, digest_size=6).hexdigest()


def _as_key(name: str, key: str) -> Any:
    return key.split(" ") if name == "stock" else key


def _lists(db: Session, facility: Facility) -> Lists:
    places = _places(db, facility.id)
    codes = {row.id: row.code for row in places}
    lying = db.scalars(
        select(StockBalance).where(
            StockBalance.facility_id == facility.id, StockBalance.account == Account.PLACE, StockBalance.vials > 0
        )
    ).all()
    vials = db.scalars(
        select(OpenVial)
        .where(OpenVial.facility_id == facility.id, OpenVial.closed_at.is_(None))
        .order_by(OpenVial.id.desc())
        .limit(500)
    ).all()
    shipments, of_shipments = _shipments(db, facility, codes)
    batch_ids = {each.batch_id for each in lying} | {each.batch_id for each in vials} | of_shipments
    batches, products = _goods(db, batch_ids, shipments)
    stock = (
        {
            "place": codes[each.place_id],
            "batch": str(each.batch_id),
            "status": each.status.value,
            "vials": each.vials,
            "packed": each.packed,
            "vvm_stage": each.vvm_stage,
        }
        for each in lying
        if each.place_id in codes
    )
    return {
        "places": {
            row.code: {
                "code": row.code,
                "name": row.name,
                "in_service": row.in_service,
                "apart": row.apart,
                "count_due": _count_due(row, lying),
            }
            for row in places
        },
        "products": products,
        "batches": batches,
        "stock": {f"{row['place']} {row['batch']} {row['status']}": row for row in stock},
        "shipments": shipments,
        "open_vials": {str(each.id): _vial(each, codes) for each in vials},
        "facilities": _neighbours(db, facility),
    }


def _places(db: Session, facility_id: UUID) -> list[Any]:
    query = select(Equipment.id, Equipment.code, Equipment.name, Equipment.in_service, Equipment.apart, Equipment.kind)
    return list(db.execute(query.where(Equipment.facility_id == facility_id).order_by(Equipment.code)))


def _neighbours(db: Session, facility: Facility) -> dict[str, Row]:
    """Of whom goods are asked, and to whom they go back."""
    near, above_first = neighbours_of(db, facility)
    found = db.scalars(near.order_by(above_first, Facility.name, Facility.id).limit(MOST_NEIGHBOURS))
    upper = db.get_one(Unit, facility.id).parent_id
    return {each.code: {"code": each.code, "name": each.name, "above": each.id == upper} for each in found}


def _count_due(place: Any, lying: Iterable[StockBalance]) -> str | None:
    """From when on what lies there is to be counted; None where nothing lies, or it is on the way."""
    counted = [each.counted_at for each in lying if each.place_id == place.id]
    due = None if place.kind in CARRIERS else count_due(counted)
    return None if due is None else due.isoformat()


def _vial(vial: OpenVial, codes: Mapping[UUID, str]) -> Row:
    return {
        "id": str(vial.id),
        "batch": str(vial.batch_id),
        "place": codes.get(vial.place_id),
        "status": vial.status.value,
        "remaining": vial.remaining,
        "doses_per_vial": vial.doses_per_vial,
        "opened_at": vial.opened_at.isoformat(),
        "discard_by": vial.discard_by.isoformat(),
    }


def _goods(
    db: Session, batch_ids: Collection[UUID], shipments: Mapping[str, Row]
) -> tuple[dict[str, Row], dict[str, Row]]:
    found = db.execute(
        select(Batch, Presentation)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(any_of(Batch.id, sorted(batch_ids)))
        .order_by(Batch.id)  # made one after another, they begin alike: so they pack smaller
    ).all()
    recalled = dict(
        db.execute(
            select(Recall.batch_id, Recall.reason)
            .where(any_of(Recall.batch_id, sorted(batch_ids)), Recall.withdrawn_at.is_(None))
            .ext(distinct_on(Recall.batch_id))
            .order_by(Recall.batch_id, Recall.started_at.desc())
        ).all()
    )
    batches = {
        str(batch.id): {
            "id": str(batch.id),
            "lot": batch.lot,
            "product": product.code,
            "expiry": batch.expiry.isoformat(),
            "recalled": recalled.get(batch.id),
        }
        for batch, product in found
    }
    ordered = {line["product"] for shipment in shipments.values() for line in shipment["lines"]}
    asked_first = Presentation.code.in_(sorted(ordered)).desc()
    more = db.scalars(select(Presentation).order_by(asked_first, Presentation.code).limit(MOST_PRODUCTS))
    known = {product.id: product for product in (*(row[1] for row in found), *more)}
    former = former_codes(db, known)
    return batches, {product.code: _product(product, former.get(product.id, {})) for product in known.values()}


def _product(product: Presentation, former: Mapping[str, list[str]]) -> Row:
    return {
        "code": product.code,
        "name": product.name,
        "gtin": product.gtin,
        "box_gtin": product.box_gtin,
        "nie": product.nie,
        "former": dict(former),  # labels of before still say them
        "vials_per_box": product.vials_per_box,
        "doses_per_vial": product.doses_per_vial,
        "uses_vvm": product.uses_vvm,
        "open_vial_hours": product.open_vial_hours,
        "open_vial_days": product.open_vial_days,
    }


def _shipments(db: Session, facility: Facility, codes: Mapping[UUID, str]) -> tuple[dict[str, Row], set[UUID]]:
    """Shipments to and from the facility that have not ended or wait for its word, and the batches in them."""
    to_confirm = and_(Shipment.from_facility_id == facility.id, Shipment.state == ShipmentState.UNCONFIRMED)
    either = or_(Shipment.from_facility_id == facility.id, Shipment.to_facility_id == facility.id)
    found = db.scalars(
        select(Shipment)
        .where(either, or_(Shipment.state.in_(_NOT_ENDED), to_confirm))
        .order_by(Shipment.created_at.desc(), Shipment.id)
        .limit(MOST_SHIPMENTS)
    ).all()
    ids = [each.id for each in found]
    ends = {each.from_facility_id for each in found} | {each.to_facility_id for each in found}
    found_ends = db.execute(select(Facility.id, Facility.code, Facility.name).where(any_of(Facility.id, ends)))
    facilities = {row.id: row for row in found_ends}
    lines = _by_first(
        db.execute(
            select(ShipmentLine.shipment_id, Presentation.code, ShipmentLine.vials, ShipmentLine.approved)
            .join(Presentation, Presentation.id == ShipmentLine.presentation_id)
            .where(any_of(ShipmentLine.shipment_id, ids))
            .order_by(ShipmentLine.shipment_id, ShipmentLine.seq)
        )
    )
    boxes = _by_first(
        db.execute(
            select(ShipmentBox.shipment_id, ShipmentBox)
            .where(any_of(ShipmentBox.shipment_id, ids))
            .order_by(ShipmentBox.shipment_id, ShipmentBox.id)
        )
    )
    packed = db.scalars(
        select(PackedLine).where(any_of(PackedLine.shipment_id, ids)).order_by(PackedLine.shipment_id, PackedLine.seq)
    ).all()
    # What the packed lines came from: places of the sender, whose codes a receiver does not need.
    in_box: dict[UUID, list[Row]] = defaultdict(list)
    for line in packed:
        in_box[line.box_id].append(
            {
                "batch": str(line.batch_id),
                "place": codes.get(line.place_id),
                "status": line.status.value,
                "vials": line.vials,
            }
        )
    road = db.execute(
        select(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status, StockBalance.vials)
        .where(any_of(StockBalance.holder_id, ids), StockBalance.account == Account.TRANSIT, StockBalance.vials > 0)
        .order_by(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status)
    ).all()
    # A recall or a hold that reaches goods on the road says so by their status.
    on_road: dict[UUID, list[Row]] = defaultdict(list)
    for holder_id, batch_id, status, count in road:
        on_road[holder_id].append({"batch": str(batch_id), "status": status.value, "vials": count})
    came = _by_first(
        db.execute(
            select(ToldLine.shipment_id, ToldLine.batch_id, ToldLine.vials)
            .where(any_of(ToldLine.shipment_id, [each.id for each in found if each.state is ShipmentState.UNCONFIRMED]))
            .order_by(ToldLine.shipment_id, ToldLine.seq)
        )
    )
    undone = _undone(db, ids)
    rows = {
        str(each.id): {
            "id": str(each.id),
            "code": each.code,
            "kind": each.kind.value,
            "direction": "out" if each.from_facility_id == facility.id else "in",
            "state": each.state.value,
            "from": facilities[each.from_facility_id].code,
            "from_name": facilities[each.from_facility_id].name,
            "to": facilities[each.to_facility_id].code,
            "to_name": facilities[each.to_facility_id].name,
            "expected_at": each.expected_at.isoformat() if each.expected_at else None,
            "lines": [
                {"product": code, "vials": vials, "approved": approved} for code, vials, approved in lines[each.id]
            ],
            "boxes": [
                {"sscc": box.sscc, "seal": box.seal, "logger": box.logger, "lines": in_box[box.id]}
                for (box,) in boxes[each.id]
            ],
            "on_road": on_road[each.id],
            "told": [{"batch": str(batch), "vials": vials} for batch, vials in came[each.id]],
            "undone": undone.get(each.id),
        }
        for each in found
    }
    told = {batch for lines_of in came.values() for batch, _ in lines_of}
    return rows, {line.batch_id for line in packed} | {row.batch_id for row in road} | told


def _undone(db: Session, shipments: Sequence[UUID]) -> dict[UUID, Row]:
    """By shipment why its newest receipt was taken back, by whom and when; none where that one stands."""
    back = aliased(StockEvent)
    newest: Iterable[Any] = db.execute(
        select(ShipmentReceipt.shipment_id, back.recorded_by, back.recorded_at, back.reason)
        .outerjoin(back, back.reverses_id == ShipmentReceipt.id)
        .where(any_of(ShipmentReceipt.shipment_id, shipments))
        .ext(distinct_on(ShipmentReceipt.shipment_id))
        .order_by(ShipmentReceipt.shipment_id, ShipmentReceipt.recorded_at.desc(), ShipmentReceipt.id.desc())
    )
    return {of: {"by": by, "at": at.isoformat(), "reason": reason} for of, by, at, reason in newest if at is not None}


def _by_first(rows: Iterable[Any]) -> dict[UUID, list[tuple[Any, ...]]]:
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for first, *rest in rows:
        found[first].append(tuple(rest))
    return found
