"""The limits a new installation starts with, and the sets `rantai logger read --rules` offers.

Sources: WHO PQS E006 device rules as real Fridge-tag 2 files carry them (−0.5 °C 60 min, +8 °C 600 min),
WHO/PQS/E006/TR07 for the shipping types. The migration writes the same rows; a test compares them.
"""

from __future__ import annotations

from tracker.coldchain.rules.instants import HOUR, MINUTE, Micros
from tracker.coldchain.rules.limits import Limit, Mode, Operator, Severity
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.rules.words import Quantity

SINCE: Micros = 0
"""Seeded limits are in force from 1970 on, so that any reading ever imported is judged."""


def _limit(
    number: int,
    rule: str,
    operator: Operator,
    value: float,
    duration: Micros,
    *,
    place_kind: PlaceKind | None,
    mode: Mode = Mode.CONTINUOUS,
    quantity: Quantity = Quantity.TEMPERATURE,
    severity: Severity = Severity.ALARM,
) -> Limit:
    return Limit(
        id=number,
        rule=rule,
        quantity=quantity,
        operator=operator,
        value=value,
        mode=mode,
        duration=duration,
        place_kind=place_kind,
        from_at=SINCE,
        severity=severity,
    )


SEEDED: tuple[Limit, ...] = (
    _limit(1, "HEAT", Operator.ABOVE, 8.0, 10 * HOUR, place_kind=PlaceKind.FRIDGE),
    _limit(2, "FRZE", Operator.AT_MOST, -0.5, HOUR, place_kind=PlaceKind.FRIDGE),
    _limit(3, "HEAT", Operator.ABOVE, -15.0, HOUR, place_kind=PlaceKind.FREEZER),
    # A sum bounds one opening from above: more than 5 min open within one; or sums that are full, for 5 min.
    _limit(4, "DOOR", Operator.ABOVE, 300.0, 5 * MINUTE, place_kind=None, quantity=Quantity.DOOR_OPEN),
    _limit(5, "POWR", Operator.AT_MOST, 0.0, 24 * HOUR, place_kind=None, quantity=Quantity.POWER),
    _limit(6, "HEAT", Operator.AT_LEAST, 45.0, HOUR, place_kind=PlaceKind.TRANSPORT1),
    _limit(7, "HEAT30", Operator.AT_LEAST, 30.0, 10 * HOUR, place_kind=PlaceKind.TRANSPORT1, mode=Mode.FOREVER),
    _limit(8, "FRZE", Operator.AT_MOST, -0.5, HOUR, place_kind=PlaceKind.TRANSPORT1),
    _limit(9, "HEAT", Operator.AT_LEAST, 45.0, HOUR, place_kind=PlaceKind.TRANSPORT2),
    _limit(10, "HEAT30", Operator.AT_LEAST, 30.0, 10 * HOUR, place_kind=PlaceKind.TRANSPORT2, mode=Mode.FOREVER),
    _limit(11, "HEAT10", Operator.AT_LEAST, 10.0, 20 * HOUR, place_kind=PlaceKind.TRANSPORT2, mode=Mode.FOREVER),
    _limit(12, "COLD", Operator.AT_MOST, 0.0, 0, place_kind=PlaceKind.FRIDGE, severity=Severity.ADVISORY),
    _limit(13, "WARM", Operator.ABOVE, 8.0, 30 * MINUTE, place_kind=PlaceKind.FRIDGE, severity=Severity.ADVISORY),
)


def alarms_for(place_kind: PlaceKind) -> tuple[Limit, ...]:
    """The seeded temperature alarms (no advisories) of one kind of place."""
    return tuple(
        limit
        for limit in SEEDED
        if limit.place_kind is place_kind
        and limit.quantity is Quantity.TEMPERATURE
        and limit.severity is Severity.ALARM
    )
