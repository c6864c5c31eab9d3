"""Ledger events as EPCIS 2.0 ObjectEvents with the words of CBV 2.0. Pure.

One ledger event is one ObjectEvent: what was done, where, when, to how many of which class. A class is a
product's lot: the Digital Link `https://id.gs1.org/01/{gtin}/10/{lot}`; a product that has only a BPOM number
gets a name of our own, because GS1 has none for it. A reversal is, as the standard wants it, the first event
again with an error declaration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tracker.stock.rules.words import Kind, Status

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

# kind: (action, business step, disposition)
WORDS: dict[Kind, tuple[str, str, str]] = {
    Kind.SUPPLY: ("ADD", "commissioning", "active"),
    Kind.DISPATCH: ("OBSERVE", "shipping", "in_transit"),
    Kind.RECEIPT: ("OBSERVE", "receiving", "in_progress"),
    Kind.TRANSFER: ("OBSERVE", "storing", "in_progress"),
    Kind.RETURN: ("OBSERVE", "storing", "returned"),
    Kind.OPENING: ("OBSERVE", "dispensing", "partially_dispensed"),
    Kind.USE: ("DELETE", "dispensing", "dispensed"),
    Kind.COUNT: ("OBSERVE", "cycle_counting", "in_progress"),
    Kind.WASTE: ("DELETE", "destroying", "disposed"),
    Kind.DESTRUCTION: ("DELETE", "destroying", "destroyed"),
    Kind.STATUS: ("OBSERVE", "inspecting", "conformant"),
}
_STATUS_WORDS: dict[Status, str] = {
    Status.USABLE: "conformant",
    Status.HELD: "non_conformant",
    Status.RECALLED: "recalled",
    Status.UNUSABLE: "damaged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Vials of one lot that the event was about."""

    gtin: str | None
    nie: str | None
    lot: str
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """What an ObjectEvent is made of. `utc_offset` is the place's at that instant.

    `reversed_as` is the event this one takes back (then `kind` is that event's), `corrected_by` what tells it rightly
    instead; `status` the new one of a status change, None where its vials got several. `place` is where all the goods are after it.
    """

    id: UUID
    kind: Kind
    facility: str
    place: str | None
    occurred_at: datetime
    recorded_at: datetime
    utc_offset: timedelta
    goods: Sequence[Goods]
    shipment: UUID | None = None
    status: Status | None = None
    reversed_as: UUID | None = None
    corrected_by: UUID | None = None


def object_event(event: LedgerEvent) -> dict[str, Any]:
    """The event in EPCIS 2.0 JSON."""
    action, step, disposition = WORDS[event.kind]
    said: dict[str, Any] = {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{event.reversed_as or event.id}",
        "eventTime": _instant(event.occurred_at),
        "recordTime": _instant(event.recorded_at),
        "eventTimeZoneOffset": offset_text(event.utc_offset),
        "action": action,
        "bizStep": step,
        "readPoint": {"id": f"urn:rantai:facility:{quote(event.facility)}"},
        "quantityList": [{"epcClass": class_of(each), "quantity": each.vials} for each in event.goods],
    }
    # An event says one disposition and one place of all its goods; where they differ it says none.
    if event.kind is not Kind.STATUS:
        said["disposition"] = disposition
    elif event.status is not None:
        said["disposition"] = _STATUS_WORDS[event.status]
    if event.place is not None and action != "DELETE":
        said["bizLocation"] = {"id": f"urn:rantai:equipment:{quote(event.place)}"}
    if event.shipment is not None:
        said["bizTransactionList"] = [{"type": "desadv", "bizTransaction": f"urn:uuid:{event.shipment}"}]
    if event.reversed_as is not None:
        said["errorDeclaration"] = {
            "declarationTime": _instant(event.recorded_at),
            "reason": "did_not_occur" if event.corrected_by is None else "incorrect_data",
            "correctiveEventIDs": [] if event.corrected_by is None else [f"urn:uuid:{event.corrected_by}"],
        }
    return said


def class_of(goods: Goods) -> str:
    """The class URI of a lot."""
    lot = quote(goods.lot, safe="")
    if goods.gtin is not None:
        return f"https://id.gs1.org/01/{goods.gtin}/10/{lot}"
    return f"urn:rantai:nie:{quote(goods.nie or '', safe='')}:lot:{lot}"


def query_document(events: Sequence[dict[str, Any]], *, now: datetime) -> dict[str, Any]:
    """The answer to a query for events."""
    return {
        "@context": [CONTEXT],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": _instant(now),
        "epcisBody": {"queryResults": {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": list(events)}}},
    }


def offset_text(offset: timedelta) -> str:
    """`+07:00`."""
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
