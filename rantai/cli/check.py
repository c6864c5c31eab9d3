"""`rantai check`: whether the books are right, asked of the whole database."""

from __future__ import annotations

import itertools
import sys

from rantai.cli.context import current_settings
from rantai.errors import AnswerIsNo

# Whoever asks after a restore waits as long as it takes; reading harms nobody.
_NO_LIMIT = 0


def check() -> None:
    """Answer whether ledger, promises and bookings agree with themselves (exit code 1: they do not).

    On stderr it says what it is asking: of a nation it takes minutes.
    """
    from tracker.database.engine import make_engine, transaction  # noqa: PLC0415 - loads the database's libraries
    from tracker.kit.clock import utc_now  # noqa: PLC0415 - same
    from tracker.quota.queries import books as bookings  # noqa: PLC0415 - same
    from tracker.settings import DatabaseSettings  # noqa: PLC0415 - same
    from tracker.stock.queries import books as ledger  # noqa: PLC0415 - same
    from tracker.stock.queries import standing  # noqa: PLC0415 - same

    truths = {**ledger.TRUTHS, **bookings.TRUTHS}
    numbers = itertools.count(1)

    def asking(what: str) -> None:
        print(f"{next(numbers)}/{len(truths) + 1}: {what}?", file=sys.stderr, flush=True)

    guards = DatabaseSettings(pool_size=1, statement_timeout_ms=_NO_LIMIT)
    engine = make_engine(current_settings().database_url.get_secret_value(), guards, name="rantai-check")
    try:
        with transaction(engine) as db:
            # All of it as of one instant: a state is compared with the books, while people write in them.
            db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            ledger.ask_in_bulk(db)
            found = ledger.found_by(db, truths, asking=asking)
            asking(standing.TRUTH)
            found += standing.contradictions(db, utc_now())
    finally:
        engine.dispose()
    if found:
        raise AnswerIsNo(f"the books do not agree: {'; '.join(map(str, found))}.")
    print(f"The books agree: {len(truths) + 1} truths of ledger, promises and bookings hold.")
