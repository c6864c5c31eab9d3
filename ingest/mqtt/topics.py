"""Which topic speaks which dialect, and who its sender is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.dialects import DIALECTS, Dialect
from tracker.settings import Binding, SettingsError

_STATUS = "status"
# Topics are remembered; senders may invent any number below their own name.
MOST_REMEMBERED = 100_000
# Our own topics; `+` is the device's code, which is its user name: the broker's access list proves it.
OWN = (
    ("rantai/v1/+/readings", "native"),
    ("rantai/v1/+/ems", "ems"),
    ("rantai/v1/+/status", _STATUS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What to do with messages of one topic; `dialect` None means a connection status."""

    sender: str
    dialect: Dialect | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    levels: tuple[str, ...]
    dialect: Dialect | None


class Routes:
    """Topic → route. Further bindings come from the settings; the sender is the level of the first `+`."""

    def __init__(self, bindings: Sequence[Binding] = (), *, most_remembered: int = MOST_REMEMBERED) -> None:
        self.most_remembered = most_remembered
        self.filters = [name for name, _ in OWN] + [binding.filter for binding in bindings]
        self._rules = [_rule(name, dialect) for name, dialect in OWN]
        self._rules += [_rule(binding.filter, binding.dialect) for binding in bindings]
        self._met: dict[str, Route | None] = {}

    def find(self, topic: str) -> Route | None:
        """The route of a topic; None when no rule fits."""
        try:
            return self._met[topic]
        except KeyError:
            if len(self._met) >= self.most_remembered:
                self._met.clear()
            route = self._met[topic] = self._match(topic.split("/"))
            return route

    def _match(self, levels: Sequence[str]) -> Route | None:
        for rule in self._rules:
            if _fits(rule.levels, levels):
                return Route(sender=levels[rule.levels.index("+")], dialect=rule.dialect)
        return None


def _rule(name: str, dialect: str) -> _Rule:
    levels = tuple(name.split("/"))
    if "+" not in levels or any(("+" in x or "#" in x) and len(x) > 1 for x in levels) or "#" in levels[:-1]:
        raise SettingsError(
            f"RANTAI_INGEST__BINDINGS: {name!r} needs a level `+` (the sender) and `#` only as its last level."
        )
    if dialect != _STATUS and dialect not in DIALECTS:
        raise SettingsError(
            f"RANTAI_INGEST__BINDINGS: dialect {dialect!r} is not one of {', '.join(sorted(DIALECTS))}, {_STATUS}."
        )
    return _Rule(levels=levels, dialect=None if dialect == _STATUS else DIALECTS[dialect])


def _fits(rule: Sequence[str], levels: Sequence[str]) -> bool:
    if rule[-1] == "#":
        rule = rule[:-1]
        levels = levels[: len(rule)]
    return len(rule) == len(levels) and all(wanted in {"+", given} for wanted, given in zip(rule, levels, strict=True))
