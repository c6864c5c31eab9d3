"""One look finds for whom the feed holds something; what one alarm and one look cost is counted in statements."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from rantai.supervisor import Loop, Supervisor
from tests.support.coldchain import at, new_channel, send
from tests.support.counting import counted
from tests.support.feed import Other, ToldHere, ToldToNation
from tests.support.stock import Ledger
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.coldchain.service.evaluation import evaluate_marked
from tracker.database.engine import transaction
from tracker.feed.contract import Event
from tracker.feed.looking import Lookout, look
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.feed.reacting import Reaction, Runner
from tracker.feed.service import append
from tracker.reactions import REACTIONS, runners
from tracker.stock.rules.words import Kind, Status

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
UNIT = UUID(int=7)
# Judging the channel and raising the alarm, numbering twice, and the hold in one place, whose reaction reads two events.
TO_THE_HOLD = 57
# One look a reaction, P-Care's two among them; three of them read that the hold moved vials, and find that it is no matter of theirs.
AFTERWARDS = 28


def nothing(db: Session, event: Event, now: datetime) -> None:
    del db, event, now


def reaction(name: str, on: type[Event]) -> Reaction[Event]:
    return Reaction(name=name, on=(on,), act=nothing)


HERE, NATION, NOBODY = reaction("here", ToldHere), reaction("nation", ToldToNation), reaction("nobody", Other)


def happens(engine: Engine, told: Event, unit: UUID | None = None) -> None:
    with transaction(engine) as db:
        append(db, told, unit_id=unit, subject="it", occurred_at=NOW, now=NOW)
    number_pending(engine)


def found(engine: Engine) -> list[tuple[str, bool, bool]]:
    with transaction(engine) as db:
        seen = look(db, [one.reader for one in (HERE, NATION, NOBODY)])
    return [(one.name, one.news, one.waits) for one in seen]


def test_a_look_finds_those_for_whom_events_came_until_they_have_read_them(engine: Engine) -> None:
    assert found(engine) == []
    happens(engine, ToldHere(), UNIT)
    assert found(engine) == [("here", True, False)]
    assert Runner(engine, HERE, lambda: NOW).run_once() == 1
    assert found(engine) == []
    happens(engine, ToldToNation())
    happens(engine, ToldHere(), UNIT)
    assert sorted(found(engine)) == [("here", True, False), ("nation", True, False)]


def test_a_look_finds_those_whose_events_wait(engine: Engine) -> None:
    happens(engine, ToldHere(), UNIT)

    def is_refused(db: Session, told: Event, now: datetime) -> None:
        del told, now
        db.execute(text("SET LOCAL statement_timeout = 10"))
        db.execute(text("SELECT pg_sleep(5)"))

    Runner(engine, Reaction(name="here", on=(ToldHere,), act=is_refused), lambda: NOW).run_once()
    assert found(engine) == [("here", False, True)]


def test_a_look_is_one_statement_for_all_and_walks_through_nothing_that_is_of_no_concern(engine: Engine) -> None:
    with transaction(engine) as db:
        db.execute(
            text(
                "INSERT INTO feed_event (position, id, kind, subject, data, occurred_at, recorded_at) "
                "SELECT n, gen_random_uuid(), 'test.something', n, '{}', now(), now() FROM generate_series(1, 3000) AS n"
            )
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE feed_event"))
    read = (
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = :t"
    )
    with transaction(engine) as db:
        before = db.scalar(text(read), {"t": FeedEvent.__tablename__}) or 0
        with counted(engine) as seen:
            assert look(db, [one.reader for one in REACTIONS]) == []
        assert len(seen) == 1
        # For each kind that somebody waits for, at most the one row behind it in the index.
        kinds = sum(len(one.on) for one in REACTIONS)
        assert (db.scalar(text(read), {"t": FeedEvent.__tablename__}) or 0) - before <= kinds


def test_a_reaction_without_news_asks_one_statement(engine: Engine) -> None:
    one = Runner(engine, HERE, lambda: NOW)
    happens(engine, ToldHere(), UNIT)
    one.run_once()
    with counted(engine) as seen:
        assert one.run_once() == 0
    assert len(seen) == 1, seen


def test_who_has_something_to_do_is_woken_and_nobody_else(engine: Engine) -> None:
    handled: list[str] = []

    def heard(db: Session, told: Event, now: datetime) -> None:
        del db, now
        handled.append(told.KIND)

    doing = [
        Runner(engine, Reaction(name=name, on=(on,), act=heard), lambda: NOW)
        for name, on in (("here", ToldHere), ("nation", ToldToNation))
    ]
    lookout = Lookout(engine, [one.reaction.reader for one in doing])
    # As long as this no test lasts: they are woken, or never look again.
    loops = [
        Loop(name=one.reaction.name, step=one.run_once, woken=lookout.woken(one.reaction.name), every_s=600)
        for one in doing
    ]
    supervisor = Supervisor(engine, loops)
    supervisor.start()
    try:
        happens(engine, ToldHere(), UNIT)

        def look_out() -> bool:
            lookout.look_out()
            return handled == [ToldHere.KIND]

        eventually(look_out)
        assert not lookout.woken("nation").is_set()
    finally:
        supervisor.stop()


def test_from_an_alarm_to_the_hold_it_is_so_many_statements(engine: Engine, committed_world: World) -> None:
    world = committed_world
    fridge = world.fridge
    batch = "az-10/AZ003"
    with transaction(engine) as db:
        ledger = Ledger(db, world)
        ledger.post(Kind.SUPPLY, ledger.line(batch, 7, place=fridge), at=at(-600), now=at(-600))
        channel = new_channel(db, world, equipment=fridge.code, name="t-heart")
        send(db, channel, [(minute, 12.0) for minute in range(0, 590, 10)], received=at(590))
    now = at(730)
    everyone = {one.reaction.name: one for one in runners(engine, lambda: now)}
    while evaluate_marked(engine, now=at(591)):
        pass
    while number_pending(engine) + sum(one.run_once() for one in everyone.values()):
        pass
    with transaction(engine) as db:
        send(db, channel, [(minute, 12.0) for minute in range(590, 720, 10)], received=at(720))
    with counted(engine) as seen:
        assert evaluate_marked(engine, now=now) == 1
        number_pending(engine)
        assert everyone["hold"].run_once() > 0
        number_pending(engine)
    with transaction(engine) as db:
        assert Ledger(db, world).vials(batch, place=fridge, status=Status.HELD) == 7
    assert len(seen) <= TO_THE_HOLD, "\n\n".join(seen)
    with counted(engine) as seen:
        for one in everyone.values():
            one.run_once()
    assert len(seen) <= AFTERWARDS, "\n\n".join(seen)
