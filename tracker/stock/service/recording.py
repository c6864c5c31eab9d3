"""What people and their programs may write: references and barcodes in, guarded events out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.errors import BatchDiffers, ScanUnreadable
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.scanning import Caution, resolve_scan
from tracker.catalog.service import NewBatch, add_batch
from tracker.kit.days import earliest_day, local_day
from tracker.network.models import Equipment, Facility
from tracker.network.queries import as_id, facility_by_code_or_id
from tracker.stock.errors import (
    AmbiguousBatch,
    BadBarcode,
    MissingField,
    UnknownBatch,
    UnknownPlace,
    UseShipment,
)
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.commands import Line, Posted, PostEvent
from tracker.stock.service.opening import open_vials
from tracker.stock.service.posting import post_event
from tracker.stock.service.stopping import guard_freeing


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line as somebody said it. `batch` is an id, a lot, or PRODUCT/LOT; `place` an id or code."""

    vials: int
    barcode: str | None = None
    batch: str | None = None
    place: str | None = None
    to_place: str | None = None
    status: Status = Status.USABLE
    to_status: Status | None = None
    vvm_stage: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent:
    """An event as somebody said it; `facility` is an id or code."""

    id: UUID
    kind: Kind
    facility: str
    occurred_at: datetime
    lines: tuple[Said, ...]
    reason: str | None = None
    reference: str | None = None


def record_event(db: Session, principal: Principal, command: RecordEvent, *, now: datetime) -> Posted:
    """Write what somebody says happened at a facility.

    Raises UseShipment, FacilityNotFound, Forbidden, the refusals of the lines (each with its `line`),
    UseHold, and what `post_event` raises.
    """
    if command.kind in (Kind.DISPATCH, Kind.RECEIPT):
        raise UseShipment(field="kind", kind=command.kind.value)
    # Before the lines are read: what they name tells nobody that a facility out of sight exists.
    facility_id = facility_by_code_or_id(db, principal, command.facility, Permission.STOCK_READ).id
    event = PostEvent(
        id=command.id,
        kind=command.kind,
        facility_id=facility_id,
        occurred_at=command.occurred_at,
        lines=resolve_lines(db, principal, facility_id, command.lines, now=now, register=command.kind is Kind.SUPPLY),
        reason=command.reason,
        reference=command.reference,
    )
    if event.kind is Kind.STATUS:
        _guard_stopped(db, principal, event)
    if event.kind is Kind.OPENING:
        return open_vials(db, principal, event, now=now)
    return post_event(db, principal, event, now=now)


def resolve_lines(
    db: Session,
    principal: Principal,
    facility_id: UUID,
    said: Sequence[Said],
    *,
    now: datetime,
    register: bool = False,
) -> tuple[Line, ...]:
    """The lines with ids for references, in two statements at most besides the barcodes.

    `register`: a batch that a full barcode names and nobody knows yet is made known (goods come in).
    Raises MissingField, BadBarcode, UnknownBatch, AmbiguousBatch, UnknownPlace, each with its line.
    """
    places = _places(db, facility_id, [ref for line in said for ref in (line.place, line.to_place) if ref])
    batches = resolve_batches(
        db, principal, [(line.barcode, line.batch) for line in said], facility_id, now=now, register=register
    )
    return tuple(
        Line(
            batch_id=batches[index],
            vials=line.vials,
            place_id=_place(places, index, "place", line.place),
            to_place_id=_place(places, index, "to_place", line.to_place),
            status=line.status,
            to_status=line.to_status,
            vvm_stage=line.vvm_stage,
            reason=line.reason,
        )
        for index, line in enumerate(said)
    )


def resolve_batches(
    db: Session,
    principal: Principal,
    refs: Sequence[tuple[str | None, str | None]],
    facility_id: UUID,
    *,
    now: datetime,
    register: bool = False,
) -> list[UUID]:
    """Batch ids for (barcode, reference) pairs; a barcode goes before a reference. Raises as `resolve_lines`."""
    named = _lots(db, [ref for barcode, ref in refs if barcode is None and ref and as_id(ref) is None])
    found: list[UUID] = []
    today: date | None = None
    for index, (barcode, ref) in enumerate(refs):
        if barcode is not None:
            today = today or _local_day(db, facility_id, now)
            found.append(_scanned(db, principal, index, barcode, today, now=now, register=register))
        elif ref:
            found.append(as_id(ref) or _named(named, index, ref))
        else:
            raise MissingField(line=index, field="batch")
    return found


def _local_day(db: Session, facility_id: UUID, now: datetime) -> date:
    facility = db.get(Facility, facility_id)
    return earliest_day(now) if facility is None else local_day(now, facility.timezone)


def _scanned(
    db: Session, principal: Principal, index: int, text: str, today: date, *, now: datetime, register: bool
) -> UUID:
    try:
        scan = resolve_scan(db, text, today=today)
    except ScanUnreadable as error:
        raise BadBarcode(
            line=index, field="barcode", **{k: v for k, v in error.params.items() if k != "field"}
        ) from None
    if Caution.CODES_DISAGREE in scan.warnings or Caution.EXPIRY_DIFFERS in scan.warnings:
        raise BadBarcode(
            line=index,
            field="barcode",
            scan_code=next(w.value for w in scan.warnings if w is not Caution.EXPIRED),
            message="The label contradicts the catalogue.",
        )
    if scan.batch is not None:
        return scan.batch.id
    read = scan.scan
    if not register or scan.presentation is None or read.lot is None or read.expiry is None:
        raise UnknownBatch(line=index, field="barcode", batch=read.lot)
    new = NewBatch(presentation=scan.presentation.id, lot=read.lot, expiry=read.expiry)
    try:
        return add_batch(db, principal, new, now=now).id
    except BatchDiffers as error:
        raise BadBarcode(line=index, field="barcode", scan_code="expiry_differs", message=str(error)) from None


def _lots(db: Session, refs: Collection[str]) -> dict[str, list[tuple[UUID, str]]]:
    """Batches (id, product code) by lot number, of all lots that `refs` name."""
    if not refs:
        return {}
    found: dict[str, list[tuple[UUID, str]]] = {}
    rows = db.execute(
        select(Batch.id, Batch.lot, Presentation.code)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.lot.in_({ref.partition("/")[2] for ref in refs} | set(refs)))
    )
    for row in rows:
        found.setdefault(row.lot, []).append((row.id, row.code))
    return found


def _named(lots: dict[str, list[tuple[UUID, str]]], index: int, ref: str) -> UUID:
    # A lot may itself contain a slash, so the whole reference is tried as a lot too.
    product, _, lot = ref.partition("/")
    candidates = lots.get(ref, []) or [found for found in lots.get(lot, []) if found[1] == product]
    if not candidates:
        raise UnknownBatch(line=index, field="batch", batch=ref)
    if len(candidates) > 1:
        raise AmbiguousBatch(line=index, field="batch", batch=ref, products=sorted(code for _, code in candidates))
    return candidates[0][0]


def _places(db: Session, facility_id: UUID, refs: Iterable[str]) -> dict[str, UUID]:
    wanted = set(refs)
    found = {ref: place_id for ref in wanted if (place_id := as_id(ref)) is not None}
    codes = wanted - found.keys()
    if codes:
        rows = db.execute(
            select(Equipment.code, Equipment.id).where(Equipment.facility_id == facility_id, Equipment.code.in_(codes))
        )
        found.update((row.code, row.id) for row in rows)
    return found


def _place(places: dict[str, UUID], index: int, field: str, ref: str | None) -> UUID | None:
    if ref is None:
        return None
    if ref not in places:
        raise UnknownPlace(line=index, field=field, place=ref)
    return places[ref]


def _guard_stopped(db: Session, principal: Principal, event: PostEvent) -> None:
    """Held and recalled vials leave that status where the hold is kept, with its rules, not through a plain event.

    What somebody stopped by a plain event may be freed by one, by who may release holds, with a reason.
    """
    for index, line in enumerate(event.lines):
        guard_freeing(
            db,
            principal,
            event.facility_id,
            line.batch_id,
            line.status,
            reason=line.reason or event.reason,
            line=index,
        )
