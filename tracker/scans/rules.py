"""What to make of a scan's warnings. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Warned(StrEnum):
    """What is known of a batch where it was scanned, beside the catalogue's own cautions."""

    RECALLED = "recalled"
    HELD = "held"
    UNUSABLE = "unusable"
    VVM_SPENT = "vvm_spent"
    OUT_OF_SERVICE = "out_of_service"
    OPEN_TOO_LONG = "open_too_long"  # one of its opened vials is past its time: the one in the hand, or another
    NOT_HERE = "not_here"  # the books know none of it at this facility
    UNKNOWN_SSCC = "unknown_sscc"
    SEVERAL_PRODUCTS = "several_products"  # have the lot that somebody typed


class Verdict(StrEnum):
    """How a phone shows a scan."""

    GOOD = "good"
    ASK = "ask"  # something to look at before using it
    STOP = "stop"


# These alone leave a vial usable: it was read rightly and nothing harmed it. Which of them is opened only eyes can tell.
_ASK = ("open_too_long", "not_here", "old_label", "looks_like")


def verdict_of(warnings: Collection[str], *, named: bool) -> Verdict:
    """Good only where something known was named and nothing speaks against it."""
    if any(not warning.startswith(_ASK) for warning in warnings):
        return Verdict.STOP
    return Verdict.ASK if warnings or not named else Verdict.GOOD
