"""What the standard lets one ask of events, as far as we answer it; the rest is refused, never ignored. Pure.

A filter looks at the event as it is told (`object_event`), so that an answer and its question speak of the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tracker.stock.rules.words import Kind
from tracker.trace.rules.epcis import WORDS

Said = Mapping[str, Any]

# Words of the standard that have a short list; of some types there is no event here, which is an answer.
_WORDS = {
    "EQ_action": frozenset({"ADD", "OBSERVE", "DELETE"}),
    "eventType": frozenset(
        {"ObjectEvent", "AggregationEvent", "AssociationEvent", "TransactionEvent", "TransformationEvent"}
    ),
}
# The standard writes a word of its vocabulary bare, as a URN, or as a web address.
_PREFIXES = {
    "EQ_bizStep": ("urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-", "cbv:BizStep-"),
    "EQ_disposition": ("urn:epcglobal:cbv:disp:", "https://ref.gs1.org/cbv/Disp-", "cbv:Disp-"),
}


class Unanswerable(ValueError):
    """The parameter is one of the standard's, but this value or this use of it is not answered here."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}")


def _classes(said: Said) -> list[str]:
    return [each["epcClass"] for each in said["quantityList"]]


def _transactions(said: Said) -> list[str]:
    return [each["bizTransaction"] for each in said.get("bizTransactionList", ())]


# Parameter: the values an event has for it. An event passes when it has one of those asked for.
FILTERS: Mapping[str, Callable[[Said], Sequence[str]]] = {
    "eventType": lambda said: [said["type"]],
    "EQ_action": lambda said: [said["action"]],
    "EQ_bizStep": lambda said: [said["bizStep"]],
    "EQ_disposition": lambda said: [said["disposition"]] if "disposition" in said else [],
    "EQ_eventID": lambda said: [said["eventID"]],
    "EQ_readPoint": lambda said: [said["readPoint"]["id"]],
    "EQ_bizLocation": lambda said: [said["bizLocation"]["id"]] if "bizLocation" in said else [],
    "EQ_bizTransaction_desadv": _transactions,
    "MATCH_epcClass": _classes,
    "MATCH_anyEPCClass": _classes,
}


def values_of(name: str, text: str) -> frozenset[str]:
    """The values asked for: several stand with `|` between them. Raises Unanswerable."""
    values = {value.strip() for value in text.split("|")}
    if "" in values:
        raise Unanswerable(name, "an empty value")
    if any("*" in value or "," in value for value in values):
        raise Unanswerable(name, "patterns are not answered; separate values with |")
    # A UUID is the same in either case; we write it small.
    values = {low if (low := value.lower()).startswith("urn:uuid:") else value for value in values}
    for prefix in _PREFIXES.get(name, ()):
        values = {value.removeprefix(prefix) for value in values}
    if not values <= _WORDS.get(name, values):
        raise Unanswerable(name, f"one of {', '.join(sorted(_WORDS[name]))}")
    return frozenset(values)


def check_order(by: str | None, direction: str | None) -> None:
    """Events come in the order they were recorded, the first first; raises Unanswerable for any other wish."""
    if by not in (None, "recordTime"):
        raise Unanswerable("orderBy", "events come by recordTime")
    if direction not in (None, "ASC") or (by is not None and direction is None):
        raise Unanswerable("orderDirection", "ASC; the standard's own default DESC is not answered")


def passes(said: Said, asked: Mapping[str, frozenset[str]]) -> bool:
    """Whether an event has, for each parameter, one of the values asked for."""
    return all(not values.isdisjoint(FILTERS[name](said)) for name, values in asked.items())


def kinds_asked(asked: Mapping[str, frozenset[str]]) -> Iterable[Kind]:
    """The kinds of ledger events that can pass: others need not be read at all."""
    actions, steps = asked.get("EQ_action"), asked.get("EQ_bizStep")
    return [
        kind
        for kind, (action, step, _) in WORDS.items()
        if (actions is None or action in actions) and (steps is None or step in steps)
    ]
