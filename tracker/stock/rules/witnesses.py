"""Who must have seen what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.stock.errors import NeedlessField, WitnessesMissing
from tracker.stock.rules.words import Kind

WITNESSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A person by name, and what they are there."""

    name: str
    position: str | None = None


def check_witnesses(kind: Kind, witnesses: Sequence[Witness]) -> None:
    """A destruction was seen by two different people, nothing else names any. Raises WitnessesMissing, NeedlessField."""
    if kind is not Kind.DESTRUCTION:
        if witnesses:
            raise NeedlessField(field="witnesses")
        return
    names = {" ".join(one.name.split()).casefold() for one in witnesses} - {""}
    if len(witnesses) != WITNESSES or len(names) != WITNESSES:
        raise WitnessesMissing(field="witnesses")
