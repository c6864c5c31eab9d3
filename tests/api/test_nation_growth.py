"""What a page or list reads must not grow with the nation: asked of a small nation and of one ten times as large.

Counted, not timed: statements, rows and buffers of one request each, of every page and list that the routers name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.nation.asking import Asker
from benchmarks.nation.generate import make_nation
from benchmarks.nation.sizes import Nation
from tests.conftest import SECRET
from tests.support import databases
from tests.support.books import check_books
from tests.support.services import Services as Servers
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.settings import load_settings

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
# Both have cities of some twenty puskesmas.
SMALL, LARGE = Nation.shrunk(NOW, 260), Nation.shrunk(NOW, 26)
# Of tables with some hundred rows the whole is read sooner than an index: units, facilities, fridges, lots.
ROOM = 6_000
# What still grows, and why; nothing else may.
_STATES = "the state of every facility is worked out from its stock, to be added up"
_UP_TO_500 = "up to 500 sessions are read"
_RECALLED = "every place within the recall's reach is told"
_IN_ORDER = "all open alarms are put in order, the worst first"
_SMALL = "lines of receipts are read whole while they are some thousands, sooner than by a hundred look-ups"
GROWS = {
    ("kota", "/pengiriman"): _SMALL,
    ("kota", "/pengiriman.csv"): _SMALL,
    ("pusat", "/pengiriman"): _SMALL,
    ("pusat", "/pengiriman.csv"): _SMALL,
    ("pusat", "/"): _STATES,
    ("pusat", "/peta"): _STATES,
    ("pusat", "/peta/gambar.json"): _STATES,
    ("pusat", "/fasilitas"): _STATES,
    ("pusat", "/fasilitas.csv"): _STATES,
    ("pusat", "/kuota"): _UP_TO_500,
    ("pusat", "/kuota.csv"): _UP_TO_500,
    ("pusat", "/kuota/gambar.json"): _UP_TO_500,
    ("pusat", "/api/v1/quota"): _UP_TO_500,
    ("pusat", "/alarm"): _IN_ORDER,
    ("pusat", "/penarikan/{recall_id}"): _RECALLED,
    ("pusat", "/penarikan/{recall_id}/cabut"): _RECALLED,
}


@pytest.fixture(scope="module")
def askers(services: Servers, template: str) -> Iterator[tuple[Asker, Asker]]:
    """The application on each of the two."""
    with ExitStack() as stack:
        found = []
        for nation in (SMALL, LARGE):
            url = stack.enter_context(databases.copied_database(services.postgres.url("postgres"), template))
            engine = stack.enter_context(databases.engine_of(url))
            make_nation(engine, nation)
            settings = load_settings(database_url=url, secret_key=SECRET)
            found.append(Asker(Services(engine=engine, settings=settings, clock=lambda: NOW + timedelta(minutes=1))))
        yield found[0], found[1]


def test_the_nation_is_one_that_the_program_could_have_written(askers: tuple[Asker, Asker]) -> None:
    with transaction(askers[0].engine) as db:
        check_books(db)


@pytest.mark.parametrize("account", ["kota", "pusat"])
def test_no_page_or_list_reads_more_because_the_nation_is_larger(askers: tuple[Asker, Asker], account: str) -> None:
    small, large = ({one.address: one for one in asker.ask_all(account, times=0)} for asker in askers)
    shown = {address for address, one in large.items() if one.status == 200}
    assert len(shown) > 90
    assert not [one for one in (*small.values(), *large.values()) if one.status >= 500]
    grown = {
        f"{address}: {before.statements} → {now.statements} statements, {before.rows} → {now.rows} rows, "
        f"{before.buffers} → {now.buffers} buffers"
        for address, before in small.items()
        if address in shown and (account, before.route) not in GROWS
        for now in (large[address],)
        if now.statements > before.statements + 2
        or now.rows > 2 * before.rows + ROOM
        or now.buffers > 2 * before.buffers + ROOM
    }
    assert not grown, "\n".join(sorted(grown))
