"""Orders and direct shipments, up to the moment of packing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Error as PostgresError
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM, Principal
from tracker.access.rules import Permission
from tracker.catalog.errors import PresentationNotFound
from tracker.catalog.queries import presentation_by_ref
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.shipments.errors import (
    BadState,
    CancelledAlready,
    NoRoute,
    NoSuchLine,
    OnlyReturned,
    OtherContent,
    PackedAlready,
    ShipmentNotFound,
)
from tracker.shipments.events import ShipmentApproved, ShipmentCancelled, ShipmentCreated
from tracker.shipments.models import Shipment, ShipmentLine
from tracker.shipments.queries.finding import matches, shipments_visible_to
from tracker.shipments.rules.routes import is_lateral, is_upward, may_send
from tracker.shipments.rules.words import STILL_HERE, TOLD, ShipmentKind, ShipmentState
from tracker.shipments.service.commands import CreateShipment, digest
from tracker.shipments.service.setting_aside import unpack
from tracker.shipments.service.telling import tell
from tracker.stock.errors import BadVials
from tracker.stock.rules.words import MOST_VIALS

_CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Made:
    """A shipment, and whether it was made now."""

    shipment: Shipment
    fresh: bool


def create_shipment(db: Session, principal: Principal, command: CreateShipment, *, now: datetime) -> Made:
    """Ask for goods (receiver) or announce them (sender); the same again answers the first.

    Whoever may write at the sender has thereby approved. Raises FacilityNotFound, Forbidden, NoRoute,
    PresentationNotFound, BadVials, OnlyReturned, OtherContent.
    """
    content = digest(command)
    earlier = db.get(Shipment, command.id)
    if earlier is not None:
        return repeated(db, principal, earlier, content)
    sender, from_path = end_of(db, command.from_facility, "from")
    receiver, to_path = end_of(db, command.to_facility, "to")
    if not principal.sees(from_path) and not principal.sees(to_path):
        raise FacilityNotFound(field="from", facility=command.from_facility)
    by_sender = principal.may(Permission.SHIPMENT_WRITE, from_path)
    if not by_sender:
        principal.require(Permission.SHIPMENT_WRITE, to_path if principal.sees(to_path) else from_path)
    if not may_send(from_path, to_path):
        raise NoRoute(field="to")
    kind = command.kind or (ShipmentKind.DIRECT if by_sender else ShipmentKind.ORDER)
    if kind is ShipmentKind.RETURN and not (by_sender and is_upward(from_path, to_path)):
        raise OnlyReturned(field="kind")
    shipment = Shipment(
        id=command.id,
        code=code_of(command.id),
        kind=kind,
        state=ShipmentState.APPROVED if by_sender else ShipmentState.REQUESTED,
        from_facility_id=sender.id,
        to_facility_id=receiver.id,
        sideways=is_lateral(from_path, to_path),
        reference=command.reference,
        content=content,
        created_at=now,
        created_by=principal.name,
        approved_by=principal.name if by_sender else None,
        expected_at=command.expected_at,
    )
    earlier = add_under_a_free_code(db, shipment)
    if earlier is not None:
        return repeated(db, principal, earlier, content)
    for seq, line in enumerate(command.lines):
        if not 1 <= line.vials <= MOST_VIALS:
            raise BadVials(line=seq, field="vials", vials=line.vials)
        try:
            presentation = presentation_by_ref(db, line.product)
        except PresentationNotFound as error:
            raise PresentationNotFound(line=seq, field="product", **error.params) from None
        db.add(
            ShipmentLine(
                shipment_id=shipment.id,
                seq=seq,
                presentation_id=presentation.id,
                vials=line.vials,
                approved=line.vials if by_sender else None,
            )
        )
    db.flush()
    tell(db, shipment, lambda facts: ShipmentCreated(**facts), now=now)
    return Made(shipment, fresh=True)


def approve_shipment(
    db: Session, principal: Principal, ref: str | UUID, approved: Mapping[int, int] | None = None, *, now: datetime
) -> Shipment:
    """The sender agrees to an order, wholly or with other numbers (`approved`: line → vials, from 0).

    Raises ShipmentNotFound, Forbidden, PackedAlready, BadState, NoSuchLine, BadVials. Approving again what is approved so changes nothing.
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    if shipment.state is ShipmentState.APPROVED and approved is None:
        return shipment
    if shipment.state is ShipmentState.PACKED:
        raise PackedAlready(shipment=shipment.code)
    if shipment.state not in (ShipmentState.REQUESTED, ShipmentState.APPROVED):
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    lines = lines_of(db, shipment.id)
    unknown = (approved or {}).keys() - {line.seq for line in lines}
    if unknown:
        raise NoSuchLine(line=min(unknown), field="vials")
    agreed = [(approved or {}).get(line.seq, line.vials) for line in lines]
    for line, vials in zip(lines, agreed, strict=True):
        if not 0 <= vials <= MOST_VIALS:
            raise BadVials(line=line.seq, field="vials", vials=vials)
    if shipment.state is ShipmentState.APPROVED and agreed == [line.approved for line in lines]:
        return shipment
    for line, vials in zip(lines, agreed, strict=True):
        line.approved = vials
    shipment.state = ShipmentState.APPROVED
    shipment.approved_by = principal.name
    db.flush()
    tell(db, shipment, lambda facts: ShipmentApproved(**facts), now=now)
    return shipment


def cancel_shipment(
    db: Session, principal: Principal, ref: str | UUID, reason: str | None = None, *, now: datetime
) -> Shipment:
    """Either end gives up a shipment that has not left; what was packed is free again. The same again is fine.

    What a receiver told of it takes back alone, as long as the sender has not confirmed. Raises ShipmentNotFound, Forbidden, BadState,
    CancelledAlready (for another reason).
    """
    shipment, from_path, to_path = locked(db, principal, ref)
    if not principal.may(Permission.SHIPMENT_WRITE, to_path):
        require_end(principal, to_path if shipment.kind is ShipmentKind.UNANNOUNCED else from_path)
    if shipment.state is ShipmentState.CANCELLED:
        _check_reason(shipment, reason)
        return shipment
    if shipment.state not in STILL_HERE | TOLD:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    unpack(db, shipment, now=now)
    shipment.state = ShipmentState.CANCELLED
    shipment.cancelled_at, shipment.cancelled_by, shipment.cancel_reason = now, principal.name, reason
    db.flush()
    tell(db, shipment, lambda facts: ShipmentCancelled(**facts, reason=reason), now=now)
    return shipment


def _check_reason(shipment: Shipment, reason: str | None) -> None:
    """Who gives it up for another reason hears who was first and why."""
    if reason is not None and shipment.cancelled_at is not None and reason != shipment.cancel_reason:
        raise CancelledAlready(
            shipment=shipment.code,
            name=shipment.cancelled_by,
            at=shipment.cancelled_at.isoformat(),
            because=shipment.cancel_reason or "–",
        )


def locked(db: Session, principal: Principal, ref: str | UUID) -> tuple[Shipment, str, str]:
    """The shipment with its row locked, and the paths of its two ends; raises ShipmentNotFound.

    The row comes before every anchor of the ledger, in all use cases of this room.
    """
    query = shipments_visible_to(principal).with_for_update(of=Shipment)
    return _found(db, query.execution_options(populate_existing=True), ref)


def seen(db: Session, principal: Principal, ref: str | UUID) -> tuple[Shipment, str, str]:
    """The same for who only looks: nobody waits for it. Raises ShipmentNotFound."""
    return _found(db, shipments_visible_to(principal), ref)


def _found(db: Session, query: Select[*tuple[Any, ...]], ref: str | UUID) -> tuple[Shipment, str, str]:
    row = db.execute(query.where(matches(ref))).one_or_none()
    if row is None:
        raise ShipmentNotFound(shipment=str(ref)[:80])
    return row[0], row[3], row[4]


def require_end(principal: Principal, path: str) -> None:
    """Raise Forbidden unless the caller may write at this end; that the shipment is seen is settled already."""
    if not principal.may(Permission.SHIPMENT_WRITE, path):
        raise Forbidden(permission=Permission.SHIPMENT_WRITE.value)


def lines_of(db: Session, shipment_id: UUID) -> list[ShipmentLine]:
    """What was ordered, in order."""
    return list(
        db.scalars(select(ShipmentLine).where(ShipmentLine.shipment_id == shipment_id).order_by(ShipmentLine.seq))
    )


def code_of(shipment_id: UUID) -> str:
    """A short name for people: the last 40 bits of the id in Crockford's letters, which nobody misreads."""
    number = shipment_id.int & ((1 << 40) - 1)
    letters = ""
    for _ in range(8):
        number, digit = divmod(number, 32)
        letters = _CODE_LETTERS[digit] + letters
    return f"SJ-{letters[:4]}-{letters[4:]}"


def add_under_a_free_code(db: Session, shipment: Shipment) -> Shipment | None:
    """Write a new shipment; what stands under its id already, when somebody wrote that at the same moment.

    Another id may end in the same 40 bits, by chance or by somebody's design: then the code is another one.
    """
    while True:
        try:
            with db.begin_nested():
                db.add(shipment)
                db.flush()
        except IntegrityError as error:
            broken = error.orig.diag.constraint_name if isinstance(error.orig, PostgresError) else None
            if broken == "pk_shipment":
                return db.get_one(Shipment, shipment.id)
            if broken != "uq_shipment_code":
                raise
            shipment.code = code_of(uuid7())
        else:
            return None


def end_of(db: Session, ref: str, field: str) -> tuple[Facility, str]:
    """The facility at one end (`field`: from, to) and its path; raises FacilityNotFound."""
    # The other end lies outside the caller's subtree as a rule: an order goes to the city above.
    try:
        facility = facility_by_code_or_id(db, SYSTEM, ref)
    except FacilityNotFound:
        raise FacilityNotFound(field=field, facility=ref) from None
    return facility, path_of(db, facility.id)


def repeated(db: Session, principal: Principal, earlier: Shipment, content: str) -> Made:
    """The answer to an id that is taken: the first, for the same content; else raises OtherContent."""
    seen = db.execute(shipments_visible_to(principal).where(Shipment.id == earlier.id)).one_or_none()
    if seen is None or earlier.content != content:
        raise OtherContent(id=str(earlier.id))
    return Made(earlier, fresh=False)
