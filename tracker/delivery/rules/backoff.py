"""When to try again. Pure."""

from __future__ import annotations

from datetime import timedelta

_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(hours=1)


def wait_after(failures: int) -> timedelta:
    """How long to wait after this many failures in a row (1, 2, …): 5 s, doubling, an hour at most."""
    # The exponent is bounded first: 2**10 000 is a number Python would gladly compute.
    return min(_LONGEST, _FIRST * (1 << min(failures - 1, 12)))
