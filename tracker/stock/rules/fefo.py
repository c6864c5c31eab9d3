"""First expiry, first out: which vials to take, and why others were left. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from tracker.stock.rules.words import Status, is_spent


class Skip(StrEnum):
    """Why a parcel is not picked."""

    HELD = "held"
    RECALLED = "recalled"
    UNUSABLE = "unusable"
    VVM = "vvm"
    EXPIRED = "expired"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Vials of one batch in one place and status. `expiry` is the last day of use."""

    batch_id: UUID
    lot: str
    expiry: date
    place_id: UUID
    place: str
    status: Status
    vials: int
    vvm_stage: int | None = None
    in_service: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """So many vials of one parcel."""

    parcel: Parcel
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """What to take, in order; what was passed over and why; how many vials could not be found."""

    lines: tuple[Picked, ...]
    skipped: tuple[tuple[Parcel, Skip], ...]
    missing: int


_STOPPED = {Status.HELD: Skip.HELD, Status.RECALLED: Skip.RECALLED, Status.UNUSABLE: Skip.UNUSABLE}


def reason_to_skip(parcel: Parcel, day: date) -> Skip | None:
    """Why these vials cannot be used on `day`; None when they can.

    The gravest reason comes first: a batch near its expiry with a spent monitor is refused for the
    monitor (a peer tests "expiring soon" before the monitor and allocates such a batch).
    """
    if parcel.status in _STOPPED:
        return _STOPPED[parcel.status]
    if is_spent(parcel.vvm_stage):
        return Skip.VVM
    if parcel.expiry < day:
        return Skip.EXPIRED
    if not parcel.in_service:
        return Skip.OUT_OF_SERVICE
    return None


def urgency(parcel: Parcel) -> tuple[int, date, str, str, str]:
    """The order of use: the monitor that has gone furthest, then the earliest expiry, then lot and place."""
    return (-(parcel.vvm_stage or 1), parcel.expiry, parcel.lot, parcel.place, str(parcel.batch_id))


def pick(parcels: Iterable[Parcel], vials: int, day: date) -> Pick:
    """Choose `vials` whole vials usable on `day` (local date). The order of `parcels` does not matter."""
    if vials < 0:
        raise ValueError("cannot pick fewer than no vials")
    usable: list[Parcel] = []
    skipped: list[tuple[Parcel, Skip]] = []
    for parcel in sorted((p for p in parcels if p.vials > 0), key=urgency):
        reason = reason_to_skip(parcel, day)
        if reason is None:
            usable.append(parcel)
        else:
            skipped.append((parcel, reason))
    lines: list[Picked] = []
    wanted = vials
    for parcel in usable:
        if wanted == 0:
            break
        taken = min(parcel.vials, wanted)
        lines.append(Picked(parcel=parcel, vials=taken))
        wanted -= taken
    return Pick(lines=tuple(lines), skipped=tuple(skipped), missing=wanted)
