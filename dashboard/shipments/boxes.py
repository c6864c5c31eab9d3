"""What a form says of the boxes: which vials go into which, and why some go before their turn.

A line is named by its goods, `PLACE/BATCH`, of other than usable vials `PLACE/BATCH/STATUS`. Its fields are `v/GOODS` (vials),
`k/GOODS` (box, from 1), `a/GOODS` (why another lot) and `c/GOODS` (the note to it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import Texts, mark
from dashboard.frame.viewer import Viewer
from dashboard.shipments.loggers import number_of
from dashboard.stock.forms import Typed, is_amount
from tracker.kit.errors import DomainError
from tracker.network.models import Equipment
from tracker.network.queries import as_id
from tracker.shipments.models import PackedLine, ShipmentBox
from tracker.shipments.rules.words import OtherLot
from tracker.shipments.service.commands import Box, Pack
from tracker.stock.rules.words import Status

MOST_BOXES = 40
_NOTHING = mark("Tulis jumlah vial pada paling sedikit satu baris.")
_EMPTY_BOX = mark("Kotak %(n)s kosong: pilih kotak itu pada satu baris, atau kurangi jumlah kotak.")
_KINDS = {"reason": "a", "note": "c"}


def goods_of(place: str, batch_id: UUID, status: Status) -> str:
    """How a line names vials of a batch in a place."""
    return f"{place}/{batch_id}" + ("" if status is Status.USABLE else f"/{status.value}")


def of_goods(*kinds: str) -> tuple[str, ...]:
    """The names of the fields that each line of goods may have."""
    return tuple(f"{kind}/{{place}}/{{id}}{status}" for kind in kinds for status in ("", "/{status}"))


OF_BOX = ("segel-{n}", "pencatat-{n}")
"""The fields of what is written on a box."""


def goods_in(typed: Typed) -> Iterator[tuple[str, str, UUID, Status]]:
    """(goods, place, batch, status) of each line of the form."""
    for name in typed.values:
        kind, _, goods = name.partition("/")
        place, _, rest = goods.partition("/")
        batch, _, status = rest.partition("/")
        batch_id = as_id(batch)
        if kind == "v" and batch_id is not None and status in ("", *Status):
            yield goods, place, batch_id, Status(status or Status.USABLE)


def vials_of(typed: Typed, goods: str) -> int | None:
    """How many vials a line says; None where that is no number."""
    value = typed.get(f"v/{goods}") or "0"
    return int(value) if is_amount(value) else None


def count_of(typed: Typed) -> int:
    """How many boxes the form has."""
    return min(max(int(typed.get("kotak")) if is_amount(typed.get("kotak")) else 1, 1), MOST_BOXES)


def boxes_of(viewer: Viewer, typed: Typed) -> tuple[tuple[Box, ...], list[str]]:
    """The boxes that the form describes, and the goods of each line in their order; what is wrong becomes a fault."""
    texts = viewer.texts
    count = count_of(typed)
    inside: list[list[tuple[str, Pack]]] = [[] for _ in range(count)]
    for goods, place, batch_id, status in goods_in(typed):
        field = f"v/{goods}"
        vials = typed.amount(field, texts) if typed.get(field) else None
        if vials:
            box = typed.get(f"k/{goods}")
            index = min(int(box), count) - 1 if is_amount(box) and int(box) else 0
            reason = typed.get(f"a/{goods}")
            line = Pack(
                vials=vials,
                place=place,
                batch=str(batch_id),
                status=status,
                reason=OtherLot(reason) if reason in set(OtherLot) else None,
                note=typed.get(f"c/{goods}") or None,
            )
            inside[index].append((goods, line))
    if not typed.faults and not any(inside):
        typed.faults[""] = texts.gettext(_NOTHING)
    for index, lines in enumerate(inside):
        if not lines and not typed.faults:
            typed.faults[""] = texts.gettext(_EMPTY_BOX) % {"n": index + 1}
    boxes = tuple(
        Box(
            sscc=typed.get(f"sscc-{index + 1}") or None,
            seal=typed.get(f"segel-{index + 1}") or None,
            logger=number_of(viewer, typed.get(f"pencatat-{index + 1}")),
            lines=tuple(line for _, line in lines),
        )
        for index, lines in enumerate(inside)
    )
    return boxes, [goods for lines in inside for goods, _ in lines]


def packed_fields(db: Session, shipment_id: UUID, proposed: Iterable[str]) -> dict[str, str]:
    """What the form says of boxes that are packed: what is in each and on it. What is `proposed` and in none stays empty."""
    boxes = db.scalars(select(ShipmentBox).where(ShipmentBox.shipment_id == shipment_id).order_by(ShipmentBox.id)).all()
    fields = {"kotak": str(len(boxes)), **{f"v/{goods}": "" for goods in proposed}}
    for n, box in enumerate(boxes, 1):
        fields |= {f"segel-{n}": box.seal or "", f"pencatat-{n}": box.logger or "", f"sscc-{n}": box.sscc}
    numbers = {box.id: n for n, box in enumerate(boxes, 1)}
    lines = db.execute(
        select(PackedLine, Equipment.code)
        .join(Equipment, Equipment.id == PackedLine.place_id)
        .where(PackedLine.shipment_id == shipment_id)
        .order_by(PackedLine.seq)
    )
    for line, place in lines:
        goods = goods_of(place, line.batch_id, line.status)
        vials = int(fields.get(f"v/{goods}") or 0) + line.vials
        fields |= {f"v/{goods}": str(vials), f"k/{goods}": str(numbers[line.box_id])}
        fields |= {f"a/{goods}": line.reason.value if line.reason else "", f"c/{goods}": line.note or ""}
    return fields


def reasons_for_other_lots(texts: Texts) -> list[tuple[str, str]]:
    """Why another lot may go than first expiry, first out says, as a form lets one choose."""
    return [(one.value, texts.gettext(labels.OTHER_LOT[one])) for one in OtherLot]


def add_fault(viewer: Viewer, typed: Typed, error: DomainError, lines: list[str]) -> None:
    """Say a refusal of the boxes beside the field it belongs to, else of the whole form; `lines`: the goods of each line."""
    line = error.params.get("line")
    kind = _KINDS.get(str(error.params.get("field")), "v")
    known = isinstance(line, int) and line < len(lines)
    typed.faults[f"{kind}/{lines[int(str(line))]}" if known else ""] = sentence_of(error, viewer.language)
