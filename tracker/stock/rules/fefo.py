"""First expiry, first out: which vials to take, and why others were left. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tracker.stock.rules.use import Lying, Skip, free_on, why_not
from tracker.stock.rules.words import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Vials of one batch in one place and status. `expiry` is the last day of use, `packed` are set aside for shipments.

    `apart`: in equipment that sessions take along, and it is not they who ask.
    """

    batch_id: UUID
    lot: str
    expiry: date
    place_id: UUID
    place: str
    status: Status
    vials: int
    vvm_stage: int | None = None
    in_service: bool = True
    packed: int = 0
    apart: bool = False

    @property
    def lying(self) -> Lying:
        """What decides whether they may be used."""
        return Lying(
            status=self.status,
            vials=self.vials,
            packed=self.packed,
            vvm_stage=self.vvm_stage,
            in_service=self.in_service,
            apart=self.apart,
        )


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


def reason_to_skip(parcel: Parcel, day: date) -> Skip | None:
    """Why these vials cannot be used on `day`; None when some can."""
    return why_not(parcel.lying, parcel.expiry, day)


def free(parcel: Parcel, day: date) -> int:
    """Vials of the parcel that can be used on `day`."""
    return free_on(parcel.lying, parcel.expiry, day)


def urgency(parcel: Parcel) -> tuple[int, date, str, str, str]:
    """The order of use: the monitor that has gone furthest, then the earliest expiry, then lot and place."""
    return (-(parcel.vvm_stage or 1), parcel.expiry, parcel.lot, parcel.place, str(parcel.batch_id))


def first_of(parcels: Iterable[Parcel], day: date, *, before: Parcel) -> Parcel | None:
    """The parcel that must go first of those whose turn comes before another's; None where none has vials free on `day`.

    Its turn comes before by its monitor or its expiry: of two lots that are alike in both either may go.
    """
    earlier = (p for p in parcels if urgency(p)[:2] < urgency(before)[:2] and free(p, day) > 0)
    return min(earlier, key=urgency, default=None)


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
        taken = min(free(parcel, day), wanted)
        lines.append(Picked(parcel=parcel, vials=taken))
        wanted -= taken
    return Pick(lines=tuple(lines), skipped=tuple(skipped), missing=wanted)
