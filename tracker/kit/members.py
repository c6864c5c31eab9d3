"""Names of a JSON object's members. One that stands twice says two things: of 3 and 30 vials, which was meant?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def given_twice(pairs: Sequence[tuple[str, object]]) -> list[str]:
    """The names that stand more than once, in their order; `pairs` as `json.loads` gives them to `object_pairs_hook`."""
    if len(dict(pairs)) == len(pairs):
        return []
    return [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def each_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """An object whose names stand once each, as `object_pairs_hook`; raises ValueError naming those that stand more than once."""
    if twice := given_twice(pairs):
        raise ValueError(f"more than once in one object: {', '.join(twice)}")
    return dict(pairs)
