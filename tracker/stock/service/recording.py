"""What people and their programs may write: references and barcodes in, guarded events out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.errors import BatchDiffers, ScanUnreadable
from tracker.catalog.models import Batch
from tracker.catalog.rules.barcodes.errors import SENTENCES
from tracker.catalog.rules.lots import dates_agree
from tracker.catalog.scanning import Caution, Resolved, resolve_scan
from tracker.catalog.service import NewBatch, add_batch
from tracker.kit.days import local_day
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.network.queries import as_id
from tracker.stock.errors import (
    AmbiguousBatch,
    BadBarcode,
    MissingField,
    OnlyFollows,
    OtherContent,
    SeparatorMissing,
    UnknownBatch,
    UnknownPlace,
    UseShipment,
)
from tracker.stock.models import EventWitness
from tracker.stock.queries.events import witnesses_of
from tracker.stock.rules.lines import Line, NamedLine, Reference, resolved
from tracker.stock.rules.witnesses import check_witnesses
from tracker.stock.rules.words import ONLY_FOLLOWS, Kind
from tracker.stock.service.commands import Posted, PostEvent, RecordEvent, words_of
from tracker.stock.service.naming import Names, read_names
from tracker.stock.service.opening import open_vials
from tracker.stock.service.posting import post_event
from tracker.stock.service.reading import lock_anchors
from tracker.stock.service.stopping import STOPPED, guard_freeing


def record_event(db: Session, principal: Principal, command: RecordEvent, *, now: datetime) -> Posted:
    """Write what somebody says happened at a facility; the same words again get the first answer.

    Raises UseShipment, OnlyFollows, FacilityNotFound, Forbidden, WitnessesMissing, the refusals of the lines (each with its `line`),
    UseHold, and what `post_event` raises.
    """
    event = understand(db, principal, command, now=now)
    if isinstance(event, Posted):
        return event
    if event.kind is Kind.STATUS:
        _guard_stopped(db, principal, event)
    if event.kind is Kind.OPENING:
        return open_vials(db, principal, event, now=now)
    posted = post_event(db, principal, event, now=now)
    _keep_witnesses(db, posted, command)
    return posted


def understand(db: Session, principal: Principal, command: RecordEvent, *, now: datetime) -> PostEvent | Posted:
    """What somebody means by their words; or what was recorded the first time, where the same was said before.

    Raises as `record_event`.
    """
    if command.kind in (Kind.DISPATCH, Kind.RECEIPT):
        raise UseShipment(field="kind", kind=command.kind.value)
    if command.kind in ONLY_FOLLOWS:
        raise OnlyFollows(field="kind", kind=command.kind.value)
    # Before anything is looked up: since the first time a lot may have become another product's too, a code may have
    # changed, a place closed, or the caller's rights ended. What was recorded was recorded.
    said = words_of(command)
    names = read_names(db, command.facility, command.lines, event_id=command.id, said=said)
    if names.first is not None and names.first[1] == principal.account_id:
        return names.first[0]
    # Before the lines are judged: what they name tells nobody that a facility out of sight exists.
    if names.facility is None or not principal.may(Permission.STOCK_READ, names.facility[1]):
        raise FacilityNotFound(facility=command.facility)
    check_witnesses(command.kind, command.witnesses)
    facility_id = names.facility[0]
    return PostEvent(
        id=command.id,
        kind=command.kind,
        facility_id=facility_id,
        occurred_at=command.occurred_at,
        lines=resolve_lines(
            db, principal, facility_id, command.lines, now=now, register=command.kind is Kind.SUPPLY, names=names
        ),
        reason=command.reason,
        reference=command.reference,
        said=said,
        beside=command.beside,
    )


def _keep_witnesses(db: Session, posted: Posted, command: RecordEvent) -> None:
    """With the event; raises OtherContent where it names others already."""
    if not command.witnesses:
        return
    if posted.fresh:
        db.add_all(
            EventWitness(event_id=posted.event_id, seq=seq, name=one.name, position=one.position)
            for seq, one in enumerate(command.witnesses, start=1)
        )
        db.flush()
    elif witnesses_of(db, posted.event_id) != command.witnesses:
        raise OtherContent(event=str(posted.event_id))


def resolve_lines(
    db: Session,
    principal: Principal,
    facility_id: UUID,
    lines: Sequence[NamedLine],
    *,
    now: datetime,
    register: bool = False,
    names: Names | None = None,
) -> tuple[Line, ...]:
    """The lines with ids for references, in one statement besides the barcodes; in none with `names` read before.

    `register`: a batch that a full barcode names and nobody knows yet is made known (goods come in).
    Raises MissingField, BadBarcode, SeparatorMissing, UnknownBatch, AmbiguousBatch, UnknownPlace, each with its line.
    """
    names = names or read_names(db, facility_id, lines)
    refs = [line.batch_id for line in lines]
    batches = _batches(db, principal, refs, names.batches, facility_id, now=now, register=register)
    return tuple(
        resolved(
            line,
            batch_id=batch_id,
            place_id=_place(names.places, index, "place", line.place_id),
            to_place_id=_place(names.places, index, "to_place", line.to_place_id),
        )
        for index, (line, batch_id) in enumerate(zip(lines, batches, strict=True))
    )


def _batches(
    db: Session,
    principal: Principal,
    refs: Sequence[Reference],
    named: Mapping[str, Sequence[tuple[UUID, str]]],
    facility_id: UUID,
    *,
    now: datetime,
    register: bool,
) -> list[UUID]:
    found: list[UUID] = []
    today: date | None = None
    for index, ref in enumerate(refs):
        if ref.scanned:
            today = today or local_day(now, db.get_one(Facility, facility_id).timezone)
            found.append(_scanned(db, principal, index, ref.text, today, now=now, register=register))
        elif ref.text:
            found.append(as_id(ref.text) or _one_of(named[ref.text], index, ref.text))
        else:
            raise MissingField(line=index, field="batch")
    return found


def _scanned(
    db: Session, principal: Principal, index: int, text: str, today: date, *, now: datetime, register: bool
) -> UUID:
    scan = read_goods(db, text, today=today, line=index)
    if scan.batch is not None:
        return scan.batch.id
    read = scan.scan
    if not register or scan.presentation is None or read.lot is None or read.expiry is None:
        raise UnknownBatch(line=index, field="barcode", batch=read.lot)
    if not dates_agree(read.elements, today):
        raise BadBarcode(line=index, field="barcode", scan_code="dates_disagree", **_said("scan.dates_disagree"))
    new = NewBatch(presentation=scan.presentation.id, lot=read.lot, expiry=read.expiry)
    try:
        return add_batch(db, principal, new, now=now).id
    except BatchDiffers:
        raise BadBarcode(line=index, field="barcode", scan_code="expiry_differs", **_said("scan.contradicts")) from None


def read_goods(db: Session, text: str, *, today: date, line: int | None = None) -> Resolved:
    """What a code of goods names, when there is no doubt of it; its batch may be one that nobody knows yet.

    Raises BadBarcode, SeparatorMissing (with the `line` it stands in).
    """
    where = {"field": "barcode"} if line is None else {"line": line, "field": "barcode"}
    try:
        scan = resolve_scan(db, text, today=today)
    except ScanUnreadable as error:
        raise BadBarcode(**where, **{k: v for k, v in error.params.items() if k != "field"}) from None
    if Caution.SEPARATOR_MISSING in scan.warnings:
        known = scan.lost.lot if scan.lost is not None else ""
        raise SeparatorMissing(**where, lot=scan.scan.lot or "", known=known)
    if Caution.CODES_DISAGREE in scan.warnings or Caution.EXPIRY_DIFFERS in scan.warnings:
        code = next(w.value for w in scan.warnings if w is not Caution.EXPIRED)
        raise BadBarcode(**where, scan_code=code, **_said("scan.contradicts"))
    return scan


def _said(sentence: str) -> dict[str, str]:
    indonesian, english = SENTENCES[sentence]
    return {"message_id": indonesian, "message": english}


def _one_of(candidates: Sequence[tuple[UUID, str]], index: int, ref: str) -> UUID:
    if not candidates:
        raise UnknownBatch(line=index, field="batch", batch=ref)
    if len(candidates) > 1:
        raise AmbiguousBatch(line=index, field="batch", batch=ref, products=sorted(code for _, code in candidates))
    return candidates[0][0]


def _place(places: Mapping[str, UUID], index: int, field: str, ref: Reference | None) -> UUID | None:
    if ref is None:
        return None
    if ref.text not in places:
        raise UnknownPlace(line=index, field=field, place=ref.text)
    return places[ref.text]


def _guard_stopped(db: Session, principal: Principal, event: PostEvent) -> None:
    """Held and recalled vials leave that status where the hold is kept, with its rules, not through a plain event.

    What somebody stopped by a plain event may be freed by one, by who may release holds, with a reason.
    """
    stopped = {line.batch_id for line in event.lines if line.status in STOPPED}
    if stopped and not principal.is_system:
        products = select(Batch.presentation_id).where(Batch.id.in_(stopped)).distinct()
        lock_anchors(db, {(event.facility_id, one) for one in db.scalars(products)})
    for index, line in enumerate(event.lines):
        guard_freeing(
            db,
            principal,
            event.facility_id,
            line.batch_id,
            line.status,
            at=event.occurred_at,
            reason=line.reason or event.reason,
            line=index,
        )
