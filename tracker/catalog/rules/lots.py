"""Doubtful lots: those that hold what should stand behind them, and dates that no vaccine has. Pure.

A scanner that drops the separator hands on one long lot: `QA77`, then `21A0002`, becomes `QA7721A0002`. Registered, it
would be missed by a recall of QA77 (domain.md §2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from tracker.catalog.rules.barcodes.dates import date_of
from tracker.catalog.rules.barcodes.dictionary import identifiers
from tracker.catalog.rules.barcodes.digits import is_nie
from tracker.catalog.rules.barcodes.swallowed import elements_behind

# Vaccines last two to five years; ten leave room for any, and for old vials that turn up.
PLAUSIBLE_YEARS = 10


def lots_within(elements: Mapping[str, str], today: date) -> list[str]:
    """The lots that a label may mean whose separators were lost, by application identifier → value as it was read.

    Either the lot swallowed what came behind it, or another value swallowed the lot.
    """
    lot = elements.get("10")
    if lot is not None:
        return list(_heads(lot, today))
    found: list[str] = []
    for ai, value in elements.items():
        if not identifiers()[ai].predefined_length:
            for at in range(1, len(value) - 2):
                if value.startswith("10", at):
                    behind = value[at + 2 :].removeprefix(")")
                    found += [behind, *_heads(behind, today)]
    return found


def lot_before_expiry(lot: str, today: date) -> tuple[str, date] | None:
    """The lot and the expiry of one that goes on with an expiry; None when it does not."""
    for head in _heads(lot, today):
        for element in elements_behind(lot[len(head) :], today):
            expiry = date_of(element.value, today) if element.ai == "17" else None
            if expiry is not None:
                return head, expiry
    return None


def licence_within(value: str, today: date) -> str | None:
    """The BPOM marketing number that swallowed the rest of its label; None when there is none, or nothing was."""
    if is_nie(value):
        return None
    # The longest: its last letter and digit are optional, and are no beginning of another element.
    heads = [head for head in _heads(value, today, ai="90") if is_nie(head)]
    return max(heads, key=len, default=None)


def goes_on(lot: str, longer: str, today: date) -> bool:
    """Whether `longer` is `lot` and then what stood behind it."""
    return longer != lot and longer.startswith(lot) and bool(elements_behind(longer[len(lot) :], today))


def plausible_expiry(expiry: date, today: date) -> bool:
    """Whether a vaccine can have this expiry."""
    return abs(expiry.year - today.year) <= PLAUSIBLE_YEARS


def dates_agree(elements: Mapping[str, str], today: date) -> bool:
    """Whether the days of a label can all be true: one expiry, nothing made after it or in days to come."""
    # Day 00 of a day of production leaves the day open: the first can be it.
    produced = elements.get("11")
    made = date_of(produced[:4] + produced[4:].replace("00", "01"), today) if produced else None
    expiries = {day for ai in ("17", "7003") if ai in elements and (day := date_of(elements[ai][:6], today))}
    return len(expiries) <= 1 and (made is None or made <= min({today, *expiries}))


def _heads(value: str, today: date, *, ai: str = "10") -> Iterator[str]:
    return (value[:n] for n in range(1, len(value)) if elements_behind(value[n:], today, ai=ai))
