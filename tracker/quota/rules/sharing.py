"""Whom the doses left in open vials serve. Pure.

The one answer for what is promised (need, quota, displacement) and for what is given (the vial a dose comes from). A
vial serves whoever comes before its time is up: first the people of the session it was opened for, on whose table it
stands, then those of the other sessions in the order in which they open, from the vial that must be used first.
Sessions that are over come last: nobody is expected there any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

Who = TypeVar("Who")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open vial that may be used, with doses left, up to `discard_by`; `session_id` is whom it was opened for.

    `place_id` is where it was taken from.
    """

    id: UUID
    session_id: UUID | None
    doses: int
    discard_by: datetime
    place_id: UUID | None = None


# Without slots: making a frozen one through a generic's alias raises TypeError in Python 3.11 when it has them.
@dataclass(frozen=True, kw_only=True)
class Waiting(Generic[Who]):
    """People who wait for a dose between two instants: those of a session, or the claims of a day.

    `place_id`: the only place their vials come from; None for all but the `carriers`, which went out with other sessions.
    """

    who: Who
    session_id: UUID | None
    day: date
    opens_at: datetime
    closes_at: datetime
    persons: int
    place_id: UUID | None = None
    carriers: frozenset[UUID] = frozenset()


@dataclass(slots=True)
class Share:
    """What open vials hold for some who wait: `doses` for them, from `vials`, and `spare` that nobody is counted for."""

    doses: int = 0
    spare: int = 0
    vials: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Shared(Generic[Who]):
    """How the doses of open vials are shared out: by who waits, and what is left in each vial that nobody is counted for."""

    shares: dict[Who, Share]
    left: dict[UUID, int]

    def of(self, who: Who) -> Share:
        """The share of somebody, an empty one where nobody waits."""
        return self.shares.get(who) or Share()

    def kept_from(self, who: Who) -> set[UUID]:
        """Vials whose doses are all counted for others; whoever has no share in them leaves them alone."""
        return {vial for vial, doses in self.left.items() if doses == 0} - self.of(who).vials


def share_out(waiting: Sequence[Waiting[Who]], opened: Iterable[Opened], now: datetime) -> Shared[Who]:
    """Share the doses of open vials out; a vial past its time serves nobody."""
    vials = sorted((v for v in opened if v.discard_by > now), key=lambda v: (v.discard_by, v.id))
    left = {vial.id: vial.doses for vial in vials}
    shares = {each.who: Share() for each in waiting}
    in_order = sorted(waiting, key=lambda w: (w.closes_at <= now, w.day, w.session_id is None, w.opens_at, str(w.who)))
    for suits in (_is_own, _is_for):
        for each in in_order:
            share = shares[each.who]
            for vial in vials:
                taken = min(each.persons - share.doses, left[vial.id])
                if taken > 0 and suits(vial, each):
                    left[vial.id] -= taken
                    share.doses += taken
                    share.vials.add(vial.id)
    for each in waiting:
        shares[each.who].spare = sum(left[vial.id] for vial in vials if _is_for(vial, each))
    return Shared(shares, left)


def _is_own(vial: Opened, waiting: Waiting[Who]) -> bool:
    return waiting.session_id is not None and vial.session_id == waiting.session_id


def _is_for(vial: Opened, waiting: Waiting[Who]) -> bool:
    """Whether the vial is where they come to, and may still be used then."""
    if waiting.place_id is not None:
        within_reach = vial.place_id == waiting.place_id
    else:
        within_reach = vial.place_id not in waiting.carriers
    return within_reach and vial.discard_by > waiting.opens_at
