"""May these vials be used here? The one answer, for promises, picking, opening, packing and the desk. Pure.

The promise asks for no day: which days a vial serves up to its expiry is what its steps say. All others ask for the
day of use. `queries.use` says the same in SQL; one test drives both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tracker.stock.rules.words import Status, is_spent


class Skip(StrEnum):
    """Why vials are not used; the gravest reason is said."""

    HELD = "held"
    RECALLED = "recalled"
    UNUSABLE = "unusable"
    VVM = "vvm"
    EXPIRED = "expired"
    OUT_OF_SERVICE = "out_of_service"
    TAKEN_ALONG = "taken_along"
    PACKED = "packed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """Vials of one batch and status in one place, as far as their use goes.

    `packed` of them are set aside for shipments; they may be more than lie there, when some were lost since. `apart`: they
    are in equipment that sessions take along, and another asks.
    """

    status: Status
    vials: int
    packed: int = 0
    vvm_stage: int | None = None
    in_service: bool = True
    apart: bool = False


_STOPPED = {Status.HELD: Skip.HELD, Status.RECALLED: Skip.RECALLED, Status.UNUSABLE: Skip.UNUSABLE}


def why_not(lying: Lying, expiry: date, day: date) -> Skip | None:
    """Why none of these vials can be used on `day`; None when some can.

    The gravest reason comes first: a batch near its expiry with a spent monitor is refused for the
    monitor (a peer tests "expiring soon" before the monitor and allocates such a batch).
    """
    if lying.status in _STOPPED:
        return _STOPPED[lying.status]
    if is_spent(lying.vvm_stage):
        return Skip.VVM
    if expiry < day:
        return Skip.EXPIRED
    if not lying.in_service:
        return Skip.OUT_OF_SERVICE
    if lying.apart:
        return Skip.TAKEN_ALONG
    return Skip.PACKED if lying.vials <= lying.packed else None


def free_on(lying: Lying, expiry: date, day: date) -> int:
    """Vials that can be used on `day`."""
    return lying.vials - lying.packed if why_not(lying, expiry, day) is None else 0


def bearing(lying: Lying) -> int:
    """Vials that bear promises, for every day up to their last."""
    return free_on(lying, date.max, date.max)
