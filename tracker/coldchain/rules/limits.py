"""Limits: the rows that say what a channel must not do, and how a value is held against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tracker.coldchain.rules.instants import Micros
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.rules.words import Quantity, Role

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Operator(StrEnum):
    """How a value violates. Shipping indicators are inclusive (30.0 triggers), fridge HEAT is strict."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="

    @property
    def upward(self) -> bool:
        """Whether larger values are worse."""
        return self in (Operator.ABOVE, Operator.AT_LEAST)


class Mode(StrEnum):
    """How violating time adds up."""

    CONTINUOUS = "continuous"
    WINDOW = "window"
    """Cumulative within the trailing window."""
    FOREVER = "forever"
    """Cumulative over the whole stay at a place."""


class Severity(StrEnum):
    """An alarm holds stock and is escalated; an advisory is only shown and told."""

    ALARM = "alarm"
    ADVISORY = "advisory"


SUMS = frozenset({Quantity.DOOR_OPEN, Quantity.POWER})
"""Quantities that sum over [at − interval, at]; they are never held forward."""

# How far from full a sum may be and still count as full: a device's clock and its rounding.
_SLACK_S = 1.0
_SLACK_SHARE = 0.02

WATCHED_ROLES = {
    Quantity.TEMPERATURE: frozenset({Role.STORAGE, Role.FREEZER}),
    Quantity.DOOR_OPEN: frozenset({Role.DOOR}),
    Quantity.POWER: frozenset({Role.POWER}),
}
"""The channel roles whose values are held against limits. Ambient or condenser heat is no excursion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit in force from `from_at` (inclusive) to `to_at` (exclusive; None: still)."""

    id: int
    rule: str
    """HEAT, FRZE, DOOR, POWR …: the code people know."""
    quantity: Quantity
    operator: Operator
    value: float
    mode: Mode
    duration: Micros
    place_kind: PlaceKind | None
    """None: any place."""
    from_at: Micros
    to_at: Micros | None = None
    window: Micros | None = None
    """Length of the trailing window; only with `Mode.WINDOW`."""
    severity: Severity = Severity.ALARM

    def violated_by(self, low: Floats, high: Floats, spans: Floats | None = None) -> Bools:
        """Per instant, given the lowest and highest value told for it: does any of its values violate?

        `spans`: for sums, the seconds each adds up. One that fills its span was true all the time (a door that
        stood open), whatever the limit on a single sum says; its duration then decides.
        """
        if spans is not None and self.operator.upward:
            return self._violated(low, high) | (high >= spans - np.maximum(_SLACK_S, _SLACK_SHARE * spans))
        return self._violated(low, high)

    def _violated(self, low: Floats, high: Floats) -> Bools:
        if self.operator is Operator.ABOVE:
            return high > self.value
        if self.operator is Operator.AT_LEAST:
            return high >= self.value
        if self.operator is Operator.BELOW:
            return low < self.value
        return low <= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a channel was from `from_at` (inclusive) to `to_at` (exclusive)."""

    key: str
    """Opaque: the assignment's id."""
    place_kind: PlaceKind
    from_at: Micros
    to_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time in which one limit watches one channel at one place."""

    limit: Limit
    place: str
    from_at: Micros
    to_at: Micros | None


def windows_of(
    limits: Iterable[Limit], placements: Sequence[Placement], *, quantity: Quantity, role: Role
) -> tuple[Window, ...]:
    """The limits that watch a channel, each cut to the time the channel was at such a place."""
    if role not in WATCHED_ROLES.get(quantity, frozenset[Role]()):
        return ()
    found = []
    for limit in limits:
        if limit.quantity != quantity:
            continue
        for placement in placements:
            if limit.place_kind not in (None, _kind_of(placement, role)):
                continue
            from_at = max(limit.from_at, placement.from_at)
            ends = [end for end in (limit.to_at, placement.to_at) if end is not None]
            to_at = min(ends) if ends else None
            if to_at is None or from_at < to_at:
                found.append(Window(limit=limit, place=placement.key, from_at=from_at, to_at=to_at))
    return tuple(found)


def _kind_of(placement: Placement, role: Role) -> PlaceKind:
    # The freezer compartment of a combined fridge is a freezer, whatever the cabinet is called.
    if role is Role.FREEZER and placement.place_kind is PlaceKind.FRIDGE:
        return PlaceKind.FREEZER
    return placement.place_kind
