"""`rantai check` finds what no use case would ever do, and says which truth it breaks."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from rantai.cli import main
from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.database.engine import transaction
from tracker.quota.queries import books as bookings
from tracker.settings import settings
from tracker.stock.queries import books as ledger
from tracker.stock.queries import standing
from tracker.stock.rules.words import Kind

# Written past every constraint and trigger that can be passed, as a bad restore or a hand in the database would.
PLANTED = {
    "entries of an event do not sum to zero": "UPDATE stock_entry SET vials = vials - 1 WHERE account = 'supplier'",
    "a balance is not the sum of its entries": "UPDATE stock_balance SET vials = vials + 1",
    "a place is below zero at some instant": "UPDATE stock_entry SET vials = -vials",
    "something else than a status change": "UPDATE stock_entry SET status = 'held' WHERE account = 'place'",
    "a day's sums are not those of its entries": "UPDATE stock_day SET used = used + 1",
    "a count does not assert its instant": "UPDATE stock_count SET vials = vials + 1",
    "opened vials and their account differ": "UPDATE open_vial SET closed_at = now()",
    "a pool does not count the vials that may be promised": "UPDATE equipment SET in_service = false",
    "a pool does not count what is needed of it": "UPDATE stock_need SET vials = vials + 1",
    "a promise is backed neither by a vial": "UPDATE availability SET short = short + 1",
    "a pool has no rows": "DELETE FROM availability",
    "a step is missing": """
        DELETE FROM availability WHERE step = (SELECT max(step) FROM availability WHERE vials = 0)
    """,
    "equipment that is kept apart": "UPDATE equipment SET apart = true WHERE code = 'pkm-cipondoh-b1'",
    "a session's places taken are not its bookings": "UPDATE vaccination_session SET taken = taken + 1",
    "a bucket's places taken are not its bookings": "UPDATE session_bucket SET taken = taken + 1",
    "more doses are somebody's than were given out of their vial": (
        "UPDATE open_vial SET given = given - 1, remaining = remaining + 1"
    ),
}


def a_day_of_work(desk: Desk) -> None:
    """Vials of two expiries, some of them counted, a session with a booking that waits and one that was served."""
    desk.stock("az-10/AZ001", 3)
    desk.stock("az-10/AZ002", 4)
    desk.ledger.post(Kind.COUNT, desk.ledger.line("az-10/AZ002", 3), at=desk.now, now=desk.now)
    desk.stock("az-10/AZ002", 1)
    session = desk.session(ahead=0)
    desk.vaccinate(desk.confirmed(session))
    desk.confirmed(session)
    desk.db.flush()


def test_each_truth_has_its_damage() -> None:
    truths = [*ledger.TRUTHS, *bookings.TRUTHS]
    assert [truth for truth in truths if not any(truth.startswith(wrong) for wrong in PLANTED)] == []


@pytest.mark.parametrize("wrong", PLANTED)
def test_a_planted_contradiction_is_found_and_named(committed_world: World, engine: Engine, wrong: str) -> None:
    with transaction(engine) as db:
        a_day_of_work(Desk(db, committed_world, committed_world.now))
        check_books(db)
        db.execute(text("SET LOCAL session_replication_role = replica"))
        db.execute(text(PLANTED[wrong]))
        found = [*ledger.contradictions(db), *bookings.contradictions(db)]
        ledger.ask_in_bulk(db)
        assert found == [*ledger.contradictions(db), *bookings.contradictions(db)], "as the command asks"
        assert wrong in "; ".join(map(str, found))


def test_the_command_says_yes_or_what_is_wrong(
    committed_world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANTAI_DATABASE_URL", engine.url.set(drivername="postgresql").render_as_string(False))
    monkeypatch.setenv("RANTAI_SECRET_KEY", "for tests of commands, 32 characters")
    settings.cache_clear()
    with transaction(engine) as db:
        a_day_of_work(Desk(db, committed_world, committed_world.now))
    try:
        assert main(["check"]) == 0
        told = capsys.readouterr()
        assert told.out.startswith("The books agree")
        truths = [*ledger.TRUTHS, *bookings.TRUTHS, standing.TRUTH]
        assert [line.split(": ")[-1] for line in told.err.splitlines()] == [f"{truth}?" for truth in truths]
        with transaction(engine) as db:
            db.execute(text("UPDATE stock_balance SET vials = vials + 1 WHERE account = 'place'"))
        assert main(["check"]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert "a balance is not the sum of its entries (" in told.err
    finally:
        settings.cache_clear()
