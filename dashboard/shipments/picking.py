"""The lines of a packing: what is proposed, what the form says of it, and whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dashboard.shipments.boxes import goods_in, goods_of, vials_of
from dashboard.stock.forms import Typed
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.choosing import Take, passed_over
from tracker.shipments.service.proposing import Proposal
from tracker.stock.rules.fefo import Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Vials of a parcel in the form: as proposed, and as the form says; `first`: whose turn it is before these."""

    goods: str
    parcel: Parcel
    proposed: int
    vials: int
    first: Parcel | None
    ticked: bool

    @property
    def take(self) -> Take:
        """The line as the packing takes it."""
        return Take(0, self.parcel.batch_id, self.parcel.place_id, self.vials, self.parcel.status)


def lines_of(proposal: Proposal, typed: Typed) -> list[Line]:
    """What is proposed and what else the form names, by place; what is not on the shelf any more has no line."""
    known = {goods_of(p.place, p.batch_id, p.status): p for p in proposal.shelf.parcels}
    proposed = {goods_of(p.place, p.batch_id, p.status): vials for p, vials in proposal.picks}
    named = dict.fromkeys([*proposed, *(goods for goods, *_ in goods_in(typed) if goods in known)])
    lines = [
        Line(
            goods=goods,
            parcel=known[goods],
            proposed=proposed.get(goods, 0),
            vials=(vials_of(typed, goods) or 0) if f"v/{goods}" in typed.values else proposed.get(goods, 0),
            first=None,
            ticked=bool(typed.get(f"s/{goods}")),
        )
        for goods in named
    ]
    return sorted(in_turn(proposal, lines), key=lambda one: (one.parcel.place, one.parcel.expiry, one.parcel.lot))


def in_turn(proposal: Proposal, lines: Sequence[Line]) -> list[Line]:
    """The lines, each with whose turn it is; what goes back goes by no turn, and what is not taken passes over nobody."""
    if proposal.shipment.kind is ShipmentKind.RETURN:
        return list(lines)
    firsts = passed_over(proposal.shelf, [line.take for line in lines])
    return [replace(line, first=first if line.vials else None) for line, first in zip(lines, firsts, strict=True)]
