"""Wrong clocks: which instants cannot be true, and where such readings are placed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tracker.kit.clock import AHEAD
from tracker.telemetry.rules.words import EARLIEST

# Claimed instants further apart than this were not measured by one running clock: it was set or
# lost in between. Devices measure at least daily, also while they cannot send.
CLOCK_JUMP = timedelta(days=1)


def is_wrong(claimed_at: datetime, received_at: datetime) -> bool:
    """Whether a reading received at `received_at` cannot have been measured at `claimed_at`."""
    return claimed_at > received_at + AHEAD or claimed_at < EARLIEST


def place(claimed: Sequence[datetime], received_at: datetime) -> list[datetime | None]:
    """Where the readings of one message belong: None where the claimed instant stands.

    The instants fall into runs of one running clock. A run that holds an impossible instant is moved
    as a block, spacing kept, so that it ends at the message's receipt: within a run all instants are
    off by the same amount, also those that look possible. Depends on nothing but its arguments.
    """
    placed: list[datetime | None] = [None] * len(claimed)
    for run in _runs(claimed):
        if any(is_wrong(claimed[index], received_at) for index in run):
            last = claimed[run[-1]]
            for index in run:
                placed[index] = received_at - (last - claimed[index])
    return placed


def _runs(claimed: Sequence[datetime]) -> Iterable[list[int]]:
    """Indexes by claimed instant, cut where the clock jumped; each run ascending."""
    run: list[int] = []
    for index in sorted(range(len(claimed)), key=claimed.__getitem__):
        if run and claimed[index] - claimed[run[-1]] > CLOCK_JUMP:
            yield run
            run = []
        run.append(index)
    if run:
        yield run
