"""From a scanned text to what it names, for the one who scanned it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.catalog.queries import batches_by_refs
from tracker.catalog.scanning import Caution, Resolved, resolve_scan, with_batch
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Equipment, Facility
from tracker.network.queries import equipment_visible_to, facilities_visible_to
from tracker.quota.models import Booking
from tracker.quota.queries.lists import bookings_visible_to
from tracker.registration.errors import BadTicket
from tracker.registration.rules.tickets import Ticket
from tracker.registration.service.addresses import booking_at
from tracker.registration.service.tickets import TicketOffice, ticket_of
from tracker.scans.rules import Verdict, Warned, verdict_of
from tracker.shipments.models import Shipment, ShipmentBox
from tracker.shipments.queries.finding import shipments_visible_to
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.queries.stock import stock_visible_to
from tracker.stock.rules.words import Account, Status
from tracker.telemetry.models import Device
from tracker.trace.models import Recall

_SPENT_FROM = 3  # stage of the vial monitor at which a vial is not to be used
_PREFIX = re.compile(r"\][A-Za-z][0-9A-Za-z]", re.ASCII)
_TICKET = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_TICKET_PAGE = re.compile(r"https?://[^/]+/daftar/tiket/(?P<secret>[\w-]+)", re.ASCII)


class Thing(StrEnum):
    """What a text names besides goods."""

    SHIPMENT = "shipment"
    TICKET = "ticket"
    SENSOR = "sensor"
    PLACE = "place"
    FACILITY = "facility"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Something with a page or an act of its own; `ref` is how the house calls it (a ticket: its booking's id)."""

    thing: Thing
    ref: str
    name: str
    facility: str | None = None
    ticket: Ticket | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """Vials of the batch at one account of the places asked about; `place` None for opened vials."""

    facility: str
    place: str | None
    account: Account
    status: Status
    vials: int
    vvm_stage: int | None
    in_service: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A scan, what lies here of its batch, what else it opens, and how it is to be shown."""

    resolved: Resolved
    lying: tuple[Lying, ...] = ()
    recalled_because: str | None = None
    opened: Opened | None = None
    warnings: tuple[str, ...] = ()
    verdict: Verdict = Verdict.ASK


def read_scan(
    db: Session, principal: Principal, text: str, *, facility: Facility | None, office: TicketOffice, now: datetime
) -> Meaning:
    """What a text means to the one who scanned it at `facility` (None: anywhere they may see).

    Raises ScanUnreadable for a text that has the form of a code and breaks its rules, TicketNotFound for the address of no
    ticket.
    """
    today = local_day(now, WESTERN if facility is None else facility.timezone)
    # What is no code of goods is known by its bare text; the reader's prefix says nothing of it.
    bare = _PREFIX.sub("", text.strip(), count=1) if text.lstrip().startswith("]") else text.strip()
    ticket = _ticket(db, principal, bare, office)
    if ticket is not None:
        return _opening(text, ticket)
    resolved = resolve_scan(db, text, today=today)
    if resolved.scan.sscc is not None:
        return _logistic(db, principal, resolved)
    if Caution.NO_PRODUCT in resolved.warnings:
        opened = _by_name(db, principal, bare)
        if opened is not None:
            return _opening(text, opened)
        named = batches_by_refs(db, {bare})[bare]
        batch = db.get(Batch, named[0][0]) if len(named) == 1 else None
        if batch is not None:
            resolved = with_batch(db, resolved, batch, today=today)
        elif named:
            warnings = (Warned.SEVERAL_PRODUCTS.value,)
            return Meaning(resolved=resolved, warnings=warnings, verdict=verdict_of(warnings, named=False))
    return _goods(db, principal, resolved, facility, now)


def _opening(text: str, opened: Opened) -> Meaning:
    return Meaning(resolved=Resolved.of_plain(text), opened=opened, verdict=Verdict.GOOD)


def _goods(db: Session, principal: Principal, resolved: Resolved, facility: Facility | None, now: datetime) -> Meaning:
    batch = resolved.batch
    warnings = [*(each.value for each in resolved.warnings), *(f"looks_like {each.lot}" for each in resolved.alike)]
    if batch is None:
        named = resolved.presentation is not None
        return Meaning(resolved=resolved, warnings=tuple(warnings), verdict=verdict_of(warnings, named=named))
    lying = _lying(db, principal, batch, facility)
    because = _recalled(db, batch)
    warnings += _warned(lying, recalled=because is not None, at=facility)
    if _open_too_long(db, batch, lying, now):
        warnings.append(Warned.OPEN_TOO_LONG.value)
    return Meaning(
        resolved=resolved,
        lying=tuple(lying),
        recalled_because=because,
        warnings=tuple(warnings),
        verdict=verdict_of(warnings, named=True),
    )


def _recalled(db: Session, batch: Batch) -> str | None:
    """Why the batch was called back last; a closed recall is one, too, and one that was withdrawn is none."""
    query = select(Recall.reason).where(Recall.batch_id == batch.id, Recall.withdrawn_at.is_(None))
    return db.scalar(query.order_by(Recall.started_at.desc()).limit(1))


def _warned(lying: Iterable[Lying], *, recalled: bool, at: Facility | None) -> list[str]:
    lying = list(lying)
    statuses = {each.status for each in lying}
    found = {
        Warned.RECALLED: recalled or Status.RECALLED in statuses,
        Warned.HELD: Status.HELD in statuses,
        Warned.UNUSABLE: Status.UNUSABLE in statuses,
        Warned.VVM_SPENT: any((each.vvm_stage or 0) >= _SPENT_FROM for each in lying),
        Warned.OUT_OF_SERVICE: any(not each.in_service for each in lying),
        Warned.NOT_HERE: at is not None and not lying,
    }
    return [warned.value for warned, holds in found.items() if holds]


def _open_too_long(db: Session, batch: Batch, lying: Iterable[Lying], now: datetime) -> bool:
    """Whether doses are left in an opened vial of the batch, among those that lie there, that is past its time."""
    places = {each.facility for each in lying if each.account is Account.OPEN}
    if not places:
        return False
    late = (
        select(OpenVial.id)
        .join(Facility, Facility.id == OpenVial.facility_id)
        .where(
            OpenVial.batch_id == batch.id,
            OpenVial.closed_at.is_(None),
            OpenVial.discard_by <= now,
            Facility.code.in_(places),
        )
    )
    return db.scalar(late.limit(1)) is not None


def _lying(db: Session, principal: Principal, batch: Batch, facility: Facility | None) -> list[Lying]:
    query = stock_visible_to(principal, facility_id=facility.id if facility else None, with_zero=False)
    rows = db.execute(query.where(StockBalance.batch_id == batch.id).order_by("facility", "place", StockBalance.status))
    return [
        Lying(
            facility=row.facility,
            place=row.place,
            account=row[0].account,
            status=row[0].status,
            vials=row[0].vials,
            vvm_stage=row[0].vvm_stage,
            in_service=row.in_service is not False,
        )
        for row in rows
    ]


def _logistic(db: Session, principal: Principal, resolved: Resolved) -> Meaning:
    """A box: its shipment, where the caller sees one end of it."""
    row = db.execute(
        shipments_visible_to(principal)
        .join(ShipmentBox, ShipmentBox.shipment_id == Shipment.id)
        .where(ShipmentBox.sscc == resolved.scan.sscc)
    ).first()
    warnings = [each.value for each in resolved.warnings]
    because = _recalled(db, resolved.batch) if resolved.batch is not None else None
    if because is not None:
        warnings.append(Warned.RECALLED.value)
    if row is None:
        warnings.append(Warned.UNKNOWN_SSCC.value)
        return Meaning(resolved=resolved, warnings=tuple(warnings), verdict=Verdict.STOP)
    shipment, sender, receiver = row[0], row[1], row[2]
    on_road = select(StockBalance.status).where(StockBalance.holder_id == shipment.id, StockBalance.vials > 0)
    stopped = {status.value for status in db.scalars(on_road.distinct())} - {Status.USABLE.value, *warnings}
    warnings += sorted(stopped)
    opened = Opened(thing=Thing.SHIPMENT, ref=shipment.code, name=f"{sender} → {receiver}", state=shipment.state.value)
    verdict = verdict_of(warnings, named=True)
    return Meaning(
        resolved=resolved, recalled_because=because, opened=opened, warnings=tuple(warnings), verdict=verdict
    )


def _ticket(db: Session, principal: Principal, text: str, office: TicketOffice) -> Opened | None:
    """The booking of a citizen's code or of its page's address, where the caller may see it.

    Raises TicketNotFound for an address that opens nothing, or nothing any more.
    """
    page = _TICKET_PAGE.fullmatch(text)
    try:
        if page is not None:
            booking_id: UUID = booking_at(db, office, page["secret"])
        elif _TICKET.fullmatch(text):
            booking_id = office.read(text).booking
        else:
            return None
    except BadTicket:
        return None
    row = db.execute(bookings_visible_to(principal).where(Booking.id == booking_id)).first()
    if row is None:
        return None
    ticket = ticket_of(db, row[0])
    return Opened(
        thing=Thing.TICKET,
        ref=str(booking_id),
        name=ticket.day.isoformat(),
        facility=ticket.facility,
        ticket=ticket,
        state=row[0].state.value,
    )


def _by_name(db: Session, principal: Principal, text: str) -> Opened | None:
    """The shipment, sensor, place or facility of this code (a sensor's serial too), in any case of letters."""
    low = text.lower()
    shipment = db.execute(shipments_visible_to(principal).where(func.lower(Shipment.code) == low)).first()
    if shipment is not None:
        return Opened(
            thing=Thing.SHIPMENT,
            ref=shipment[0].code,
            name=f"{shipment[1]} → {shipment[2]}",
            state=shipment[0].state.value,
        )
    devices = db.scalars(
        select(Device)
        .join(Unit, Unit.id == Device.unit_id)
        .where(
            visible_to(principal, Unit.path, Permission.TELEMETRY_READ),
            (func.lower(Device.code) == low) | (func.lower(Device.serial) == low),
        )
        .limit(2)
    ).all()
    if len(devices) == 1:
        return Opened(thing=Thing.SENSOR, ref=devices[0].code, name=devices[0].code)
    place = db.execute(equipment_visible_to(principal).where(func.lower(Equipment.code) == low)).first()
    if place is not None:
        return Opened(thing=Thing.PLACE, ref=place[0].code, name=place[0].name, facility=place[1])
    facility = db.execute(facilities_visible_to(principal).where(func.lower(Facility.code) == low)).first()
    if facility is not None:
        return Opened(thing=Thing.FACILITY, ref=facility[0].code, name=facility[0].name, facility=facility[0].code)
    return None
