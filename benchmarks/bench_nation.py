"""How a nation's pages and lists answer: every one of them, for an account at the top, in a province, a city and a puskesmas.

Run alone: `python -m benchmarks nation`; `--quick` takes a hundredth of the nation. What nobody may see (403, 404) is left out.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from benchmarks.common import Row, migrated_engine, private_services
from benchmarks.nation.asking import ANYBODY, Asked, Asker
from benchmarks.nation.generate import make_nation
from benchmarks.nation.sizes import Nation
from benchmarks.nation.tree import ACCOUNTS
from tracker.database.engine import make_engine
from tracker.edge.services import Services
from tracker.settings import load_settings

SECRET = "a secret for benchmarks only, at least 32 characters"
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
BOUNDS_S = {"pusat": 0.3, "provinsi": 0.3, "kota": 0.1, "kepala": 0.1, "anybody": 0.3}
TIMES = 7


def measure(*, quick: bool) -> list[Row]:
    """A nation of its own; the table of all pages goes to the standard output, too."""
    nation = Nation.shrunk(NOW, 100) if quick else Nation(now=NOW)
    with private_services() as services, migrated_engine(services) as engine:
        make_nation(engine, nation, aloud=True)
        asked = ask(services.database_url, times=3 if quick else TIMES)
    print_pages(asked)
    return rows_of(asked)


def ask(url: str, *, times: int, only: Sequence[str] = ()) -> list[Asked]:
    """Everything for every account, under the shipped guard times."""
    engine: Engine = make_engine(url, name="rantai-bench")
    settings = load_settings(database_url=url, secret_key=SECRET)
    asker = Asker(Services(engine=engine, settings=settings, clock=lambda: NOW + timedelta(minutes=1)))
    try:
        return [
            one for name in (*(a[0] for a in ACCOUNTS), ANYBODY) for one in asker.ask_all(name, times=times, only=only)
        ]
    finally:
        engine.dispose()


def print_pages(asked: Sequence[Asked]) -> None:
    """A line a page and account, the slowest route first."""
    by_route: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        if one.status in (200, 422, 503):
            by_route[one.route + ("" if one.address.count("?") == 0 else " ?")].append(one)
    print("| page or list | account | status | p95 ms | kB | statements | rows | buffers |")
    print("|---|---|---|---|---|---|---|---|")
    for ones in sorted(by_route.values(), key=lambda ones: -max(one.p95_s for one in ones)):
        for one in ones:
            print(
                f"| `{one.address}` | {one.account} | {one.status} | {one.p95_s * 1000:.0f} | {one.size / 1000:.0f} "
                f"| {one.statements} | {one.rows} | {one.buffers} |"
            )


def rows_of(asked: Sequence[Asked]) -> list[Row]:
    """The slowest page of each account against its bound."""
    rows = []
    for account, bound in BOUNDS_S.items():
        mine = [one for one in asked if one.account == account and one.status in (200, 503)]
        slowest = max(mine, key=lambda one: (one.status == 503, one.p95_s))
        rows.append(
            Row(
                name=f"nation, {account}: the slowest of {len(mine)} pages and lists",
                ours=slowest.address,
                bare=f"{slowest.rows} rows read",
                figure=slowest.p95_s if slowest.status == 200 else 5.0,
                bound=bound,
                unit="s",
                at_least=False,
            )
        )
    return rows


if __name__ == "__main__":
    # Against a nation that stands already: its address in the environment, then what addresses begin with.
    seen = ask(os.environ["RANTAI_DATABASE_URL"], times=TIMES, only=sys.argv[1:])
    print_pages(seen)
