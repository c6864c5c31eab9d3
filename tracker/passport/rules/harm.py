"""Which episodes stop which stock, and what frees it again. Pure."""

from __future__ import annotations

from enum import StrEnum

from tracker.coldchain.rules.limits import Operator, Severity
from tracker.telemetry.rules.words import Quantity


class Harm(StrEnum):
    """What an episode may have done to what lay there."""

    FREEZE = "freeze"
    HEAT = "heat"


class HoldState(StrEnum):
    """A hold ends by a person's word only."""

    HELD = "held"
    RELEASED = "released"
    DISCARDED = "discarded"


class ShakeTest(StrEnum):
    """Result of the shake test against a frozen control of the same batch."""

    PASSED = "passed"
    FAILED = "failed"


class Disposition(StrEnum):
    """What becomes of a batch when an alarm is closed."""

    USE_FIRST = "use_first"
    HOLD = "hold"
    DISCARD = "discard"
    RELEASE = "release"


def harm_of(quantity: Quantity, operator: Operator, severity: Severity) -> Harm | None:
    """What an alarmed episode of this limit may have done; None for advisories, doors and power."""
    if quantity is not Quantity.TEMPERATURE or severity is not Severity.ALARM:
        return None
    return Harm.FREEZE if operator in (Operator.AT_MOST, Operator.BELOW) else Harm.HEAT


def stops(harm: Harm, *, freeze_sensitive: bool) -> bool:
    """Heat stops every vaccine, freezing only those that freezing spoils (domain.md §6)."""
    return harm is Harm.HEAT or freeze_sensitive


def may_release(harm: Harm, *, shake_test: ShakeTest | None, shake_test_valid: bool, override: bool) -> bool:
    """Whether a person's reason is enough to free the vials.

    After freezing it takes a passed shake test, where that test means something for the vaccine
    (aluminium-adsorbed ones only), or the override of the level above; a failed test cannot be overridden.
    """
    if harm is Harm.HEAT:
        return True
    if shake_test is ShakeTest.FAILED:
        return False
    return override or (shake_test is ShakeTest.PASSED and shake_test_valid)
