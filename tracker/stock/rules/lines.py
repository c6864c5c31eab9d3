"""What each kind of event takes and what it moves. Pure.

Refusals carry the line (from 0) and the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Generic, TypeVar, cast
from uuid import UUID

from tracker.stock.errors import (
    BadStatusChange,
    BadVials,
    CountedTwice,
    Expired,
    MissingField,
    NeedlessField,
    NotUsable,
    NoVvm,
    SamePlace,
    UnknownReason,
    VvmSpent,
)
from tracker.stock.rules.entries import Counted, Entry, Key
from tracker.stock.rules.words import MOST_VIALS, Account, Kind, ReceiptOutcome, Status, WasteReason, is_spent


@dataclass(frozen=True, slots=True)
class Reference:
    """What people call a batch or a place: its id or code, a lot, PRODUCT/LOT, or a barcode as `scanned`."""

    text: str
    scanned: bool = False


def goods_reference(barcode: str | None, batch: str | None) -> Reference:
    """What names the goods of a line; a barcode goes before a reference, and neither is an empty one."""
    return Reference(batch or "") if barcode is None else Reference(barcode, scanned=True)


def place_reference(place: str | None) -> Reference | None:
    """What names a place of a line; None when nobody named one."""
    return None if place is None else Reference(place)


Name = TypeVar("Name", UUID, Reference)


# Without slots: making a frozen one through a generic's alias raises TypeError in Python 3.11 when it has them.
@dataclass(frozen=True, kw_only=True)
class LineOf(Generic[Name]):
    """Vials of one batch, from the request to the ledger's entries; what it names is a reference first, then an id.

    `place_id` is where the vials are or were (equipment), `to_place_id` where they go. `vials`: whole, ≥ 1; for a
    count the counted total, ≥ 0. `vvm_stage` 1…4 as somebody read it. `outcome` is for receipts, `account` and
    `holder_id` for status changes outside a place (in transit: the shipment, opened: left out). `status_said`: a
    count means the usable vials alone, not whatever lies on the shelf.
    """

    batch_id: Name
    vials: int
    place_id: Name | None = None
    to_place_id: Name | None = None
    status: Status = Status.USABLE
    to_status: Status | None = None
    vvm_stage: int | None = None
    reason: str | None = None
    outcome: ReceiptOutcome = ReceiptOutcome.ACCEPTED
    account: Account = Account.PLACE
    holder_id: UUID | None = None
    status_said: bool = False

    @property
    def counts_shelf(self) -> bool:
        """Whether a count of this line is of the shelf: nobody said of which status."""
        return self.status is Status.USABLE and not self.status_said


Line = LineOf[UUID]
NamedLine = LineOf[Reference]


def resolved(line: NamedLine, *, batch_id: UUID, place_id: UUID | None, to_place_id: UUID | None) -> Line:
    """The same line with ids for what it names."""
    return replace(cast("Line", line), batch_id=batch_id, place_id=place_id, to_place_id=to_place_id)


@dataclass(frozen=True, slots=True)
class Setting:
    """Around the lines: the facility, the shipment, the local day of the event, a reason for all lines."""

    facility_id: UUID
    shipment_id: UUID | None
    day: date
    reason: str | None


@dataclass(frozen=True, slots=True)
class Goods:
    """What a line's batch is."""

    expiry: date
    uses_vvm: bool


_TO_PLACE = frozenset({Kind.TRANSFER, Kind.RETURN})
_REACHABLE: Mapping[Status, frozenset[Status]] = {
    Status.USABLE: frozenset({Status.HELD, Status.RECALLED, Status.UNUSABLE}),
    Status.HELD: frozenset({Status.USABLE, Status.RECALLED, Status.UNUSABLE}),
    Status.RECALLED: frozenset({Status.USABLE, Status.HELD, Status.UNUSABLE}),
    # What is spent or broken does not mend; a wrong entry is taken back by a reversal.
    Status.UNUSABLE: frozenset({Status.RECALLED}),
}


def check_line(kind: Kind, index: int, line: Line, goods: Goods, setting: Setting) -> None:
    """Raise the refusal a line deserves; the facility of its places is checked by the caller."""
    least = 0 if kind is Kind.COUNT else 1
    if not least <= line.vials <= MOST_VIALS:
        raise BadVials(line=index, field="vials", vials=line.vials)
    if line.place_id is None and _needs_place(kind, line):
        raise MissingField(line=index, field="place")
    if kind is Kind.TRANSFER and line.to_place_id is None:
        raise MissingField(line=index, field="to_place")
    if line.to_place_id is not None:
        if kind not in _TO_PLACE:
            raise NeedlessField(line=index, field="to_place")
        if line.to_place_id == line.place_id:
            raise SamePlace(line=index, field="to_place")
    _check_status(kind, index, line)
    _check_vvm(kind, index, line, goods)
    if kind is Kind.OPENING and goods.expiry < setting.day:
        raise Expired(line=index, field="batch", expiry=goods.expiry.isoformat(), day=setting.day.isoformat())
    if kind is Kind.WASTE:
        waste_reason(index, line.reason or setting.reason)


def waste_reason(index: int, reason: str | None) -> WasteReason:
    """The reason of a waste line; raises MissingField, UnknownReason."""
    if reason is None:
        raise MissingField(line=index, field="reason")
    try:
        return WasteReason(reason.strip().lower())
    except ValueError:
        raise UnknownReason(line=index, field="reason", known=[known.value for known in WasteReason]) from None


def _needs_place(kind: Kind, line: Line) -> bool:
    if line.account is not Account.PLACE:
        return False
    return not (kind is Kind.RECEIPT and line.outcome is ReceiptOutcome.MISSING)


def _check_status(kind: Kind, index: int, line: Line) -> None:
    if kind is Kind.STATUS:
        if line.to_status is None:
            raise MissingField(line=index, field="to_status")
        if line.to_status not in _REACHABLE[line.status]:
            raise BadStatusChange(
                line=index, field="to_status", status=line.status.value, to_status=line.to_status.value
            )
    elif line.to_status is not None:
        raise NeedlessField(line=index, field="to_status")
    elif kind is Kind.OPENING and line.status is not Status.USABLE:
        raise NotUsable(line=index, field="status", status=line.status.value)


def _check_vvm(kind: Kind, index: int, line: Line, goods: Goods) -> None:
    stage = line.vvm_stage
    if stage is None:
        return
    if not goods.uses_vvm:
        raise NoVvm(line=index, field="vvm_stage")
    if kind is Kind.OPENING and is_spent(stage):
        raise VvmSpent(line=index, field="vvm_stage", vvm_stage=stage)


def entries_of(kind: Kind, index: int, line: Line, setting: Setting) -> list[Entry]:
    """The two entries of a checked line; a count has none of its own (see `counted_of`)."""
    source, target = _SIDES[kind](line, setting)
    reason = line.reason or setting.reason
    if kind is Kind.WASTE:
        reason = waste_reason(index, reason).value
    return [
        Entry(account, Key(holder, line.batch_id, status), sign * line.vials, line.vvm_stage, reason, index)
        for sign, (account, holder, status) in ((-1, source), (1, target))
    ]


def counted_of(lines: list[tuple[int, Line]], *, beside: bool = False) -> list[Counted]:
    """The totals a count asserts, the shelf's where no status was said; raises CountedTwice. `beside`: as of `Counted`."""
    seen: set[Key] = set()
    found = []
    for index, line in lines:
        key = Key(_place(line.place_id), line.batch_id, line.status)
        if key in seen:
            raise CountedTwice(line=index, field="batch")
        seen.add(key)
        found.append(Counted(key, line.vials, line.vvm_stage, index, line.counts_shelf, beside))
    return found


Side = tuple[Account, UUID, Status]


def _place(place_id: UUID | None) -> UUID:
    if place_id is None:  # check_line has asked for it; this is for the type checker
        raise MissingField(field="place")
    return place_id


def _shipment(setting: Setting) -> UUID:
    if setting.shipment_id is None:
        raise MissingField(field="shipment")
    return setting.shipment_id


def _world(account: Account, line: Line, setting: Setting) -> Side:
    return account, setting.facility_id, line.status


def _here(line: Line) -> Side:
    return Account.PLACE, _place(line.place_id), line.status


def _supply(line: Line, setting: Setting) -> tuple[Side, Side]:
    return _world(Account.SUPPLIER, line, setting), _here(line)


def _dispatch(line: Line, setting: Setting) -> tuple[Side, Side]:
    return _here(line), (Account.TRANSIT, _shipment(setting), line.status)


def _receipt(line: Line, setting: Setting) -> tuple[Side, Side]:
    road: Side = (Account.TRANSIT, _shipment(setting), line.status)
    if line.outcome is ReceiptOutcome.MISSING:
        return road, _world(Account.LOST, line, setting)
    if line.outcome is ReceiptOutcome.RECOVERED:
        return _world(Account.LOST, line, setting), _here(line)
    if line.outcome is ReceiptOutcome.SURPLUS:
        return _world(Account.FOUND, line, setting), _here(line)
    return road, _here(line)


def _transfer(line: Line, setting: Setting) -> tuple[Side, Side]:
    del setting
    return _here(line), (Account.PLACE, _place(line.to_place_id), line.status)


def _opening(line: Line, setting: Setting) -> tuple[Side, Side]:
    return _here(line), (Account.OPEN, setting.facility_id, line.status)


def _use(line: Line, setting: Setting) -> tuple[Side, Side]:
    return (Account.OPEN, setting.facility_id, line.status), _world(Account.USED, line, setting)


def _return(line: Line, setting: Setting) -> tuple[Side, Side]:
    # Back from a session's carrier into the fridge when `to_place` is given, else back to the supplier.
    if line.to_place_id is not None:
        return _transfer(line, setting)
    return _here(line), _world(Account.SUPPLIER, line, setting)


def _waste(line: Line, setting: Setting) -> tuple[Side, Side]:
    return _here(line), _world(Account.WASTED, line, setting)


def _destruction(line: Line, setting: Setting) -> tuple[Side, Side]:
    return _here(line), _world(Account.DESTROYED, line, setting)


def _status(line: Line, setting: Setting) -> tuple[Side, Side]:
    if line.account is Account.PLACE:
        holder = _place(line.place_id)
    elif line.account is Account.TRANSIT:
        holder = line.holder_id or _shipment(setting)
    else:
        holder = setting.facility_id
    to_status = line.to_status or line.status
    return (line.account, holder, line.status), (line.account, holder, to_status)


_SIDES: Mapping[Kind, Callable[[Line, Setting], tuple[Side, Side]]] = {
    Kind.SUPPLY: _supply,
    Kind.DISPATCH: _dispatch,
    Kind.RECEIPT: _receipt,
    Kind.TRANSFER: _transfer,
    Kind.OPENING: _opening,
    Kind.USE: _use,
    Kind.RETURN: _return,
    Kind.WASTE: _waste,
    Kind.DESTRUCTION: _destruction,
    Kind.STATUS: _status,
}
