"""What the forms of a store have in common: one event however often they are sent, and what was typed kept beside its fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from dashboard.frame.texts import mark
from tracker.access.principal import Principal
from tracker.kit.ids import uuid7
from tracker.kit.seen import seen
from tracker.network.queries import as_id
from tracker.stock.errors import OtherContent
from tracker.stock.models import StockEvent
from tracker.stock.rules.words import Status
from tracker.stock.service.commands import Posted, RecordEvent
from tracker.stock.service.recording import record_event

LONGEST = 200
AMOUNT = "v"
_MOST_DIGITS = 7  # ten million vials are in no store; the shortest code of goods has eight digits
_FEWEST_DIGITS = 4  # of a code; words have none
_NO_NUMBER = mark("Tulis bilangan bulat.")
_A_CODE = mark("Ini kode, bukan jumlah: %(code)s. Tulis jumlahnya.")
_NO_TIME = mark("Waktu itu tidak ada.")


async def _fields(request: Request) -> FormData:
    return await request.form()


Fields = Annotated[FormData, Depends(_fields)]
"""The form as it was sent: its lines have names that no signature can list, so its endpoint says them with `takes_fields`."""


@dataclass(slots=True)
class Typed:
    """What was typed into a form, by field, and what is wrong with each; "" says what is wrong with the whole."""

    values: Mapping[str, str]
    faults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: FormData) -> Typed:
        """Words without ink are no words, and none is longer than a field takes."""
        return cls({name: seen(str(value)).strip()[:LONGEST] for name, value in fields.items()})

    def get(self, name: str) -> str:
        """What stands in a field; nothing where there is none."""
        return self.values.get(name, "")

    def number(self) -> UUID:
        """The event's id: made as the form was drawn, so that a double tap is one event."""
        return as_id(self.get("nomor")) or uuid7()

    def amount(self, name: str, texts: Any, *, waits: str = "") -> int | None:
        """The number in a field; None where there is none, which is a fault of it.

        What a scanner typed there is no amount. It is said, the field is free again, and the code waits in the field `waits`.
        """
        value = self.get(name)
        if is_amount(value):
            return int(value)
        if not is_code(value):
            self.faults[name] = texts.gettext(_NO_NUMBER)
            return None
        self.faults[name] = texts.gettext(_A_CODE) % {"code": value}
        kept = {waits: value} if waits and not self.get(waits) else {}
        self.values = {**self.values, name: "", **kept}
        return None

    def amounts(self, texts: Any, *, waits: str = "") -> Iterator[tuple[str, UUID, Status | None, int]]:
        """(field, batch, status, vials) of each line with a number; what is none is a fault of its field.

        A field is `v-STATUS-BATCH`; `waits` as for `amount`. Without a status it is of the shelf.
        """
        for name, value in self.values.items():
            kind, _, rest = name.partition("-")
            status, _, batch = rest.partition("-")
            batch_id = as_id(batch)
            if kind != AMOUNT or not value or batch_id is None or status not in ("", *Status):
                continue
            vials = self.amount(name, texts, waits=waits)
            if vials is not None:
                yield name, batch_id, Status(status) if status else None, vials

    def moment(self, name: str, zone: str, now: datetime, texts: Any) -> datetime:
        """The local time in a field; `now` where nothing stands."""
        text = self.get(name)
        if not text:
            return now
        try:
            return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            self.faults[name] = texts.gettext(_NO_TIME)
            return now


def is_amount(value: str) -> bool:
    """Whether a field holds a number of vials."""
    return value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS


def is_code(value: str) -> bool:
    """Whether a scanner typed this, not fingers that meant an amount."""
    return len(value) > _MOST_DIGITS and sum(sign.isdigit() for sign in value) >= _FEWEST_DIGITS


def label_or_lot(text: str) -> tuple[str | None, str | None]:
    """What a field for either holds, as (label, lot): a label scanned with a wedge is long or bracketed, a typed lot is not."""
    scanned = text.startswith(("(", "]")) or len(text) > 30
    return (text, None) if scanned else (None, text)


OF_BATCH = AMOUNT + "-{status}-{id}"
"""The names that `field_of` makes."""


def field_of(batch_id: UUID, status: str) -> str:
    """The name of the field for vials of a batch."""
    return f"{AMOUNT}-{status}-{batch_id}"


def record_once(db: Session, principal: Principal, command: RecordEvent, *, now: datetime) -> Posted:
    """The event of a form; sent again it is the same event, which happened when the form came first. Raises as `record_event`."""
    try:
        with db.begin_nested():
            return record_event(db, principal, command, now=now)
    except OtherContent:
        first = db.scalar(select(StockEvent.occurred_at).where(StockEvent.id == command.id))
        if first is None:
            raise
        with db.begin_nested():
            return record_event(db, principal, replace(command, occurred_at=first), now=now)
