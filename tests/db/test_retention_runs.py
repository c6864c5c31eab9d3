"""Each rule lets go all that is too old and nothing else: nothing younger, and nothing that somebody still needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from rantai.wiring import keep_house
from tests.support.coldchain import new_channel
from tests.support.world import World
from tracker.access.models import Login, LoginAccount
from tracker.coldchain.models import ChannelHour
from tracker.coldchain.rules.thermal import COLUMNS
from tracker.database.engine import transaction
from tracker.database.forgotten import Forgotten, last_forgotten, last_run
from tracker.database.letting_go import OldRows
from tracker.delivery.models import Webhook
from tracker.edge.models import StoredAnswer
from tracker.feed.models import FeedCursor, FeedEvent, FeedSetAside, FeedWaiting
from tracker.feed.numbering import number_pending
from tracker.kit.ids import uuid7
from tracker.reactions import REACTIONS
from tracker.registration.models import Conversation, TicketCode
from tracker.retention import Rule, let_go_next, night_before, rules_of
from tracker.settings import RetentionSettings, Settings
from tracker.telemetry.models import DeadLetter

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
RULES = {rule.what: rule for rule in rules_of(RetentionSettings())}
EDGE = st.one_of(st.sampled_from([-1, 0, 1]), st.integers(-(10**12), 10**12))
"""Microseconds by which something is younger than its limit."""


def run(db: Session, rule: Rule, now: datetime = NOW) -> None:
    while let_go_next(db, rule, due_since=now, now=now):
        pass


def make_login(account: UUID, n: int, at: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "digest": str(n).encode(),
        "account_id": account,
        "csrf": "",
        "created_at": at,
        "expires_at": at,
    }


def make_answer(account: UUID, n: int, at: datetime) -> dict[str, Any]:
    return {"account_id": account, "key": str(n), "fingerprint": "", "answer": None, "created_at": at}


def make_code(_: UUID, n: int, at: datetime) -> dict[str, Any]:
    return {"id": uuid7(), "asked": str(n).encode(), "made_at": at, "expires_at": at, "tries": 0}


def make_letter(_: UUID, n: int, at: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(), "digest": str(n).encode(), "topic": "", "reason": "", "detail": "", "payload": b"", "size": 0,
        "first_received_at": at, "last_received_at": at,
    }  # fmt: skip


def make_conversation(_: UUID, n: int, at: datetime) -> dict[str, Any]:
    return {"id": UUID(int=n), "medium": "web", "state": {}, "updated_at": at}


DATED = {
    "log-ins that ran out": (Login, Login.expires_at, make_login),
    "answers kept for repeats": (StoredAnswer, StoredAnswer.created_at, make_answer),
    "codes for lost tickets": (TicketCode, TicketCode.made_at, make_code),
    "messages of devices that could not be read": (DeadLetter, DeadLetter.last_received_at, make_letter),
    "conversations": (Conversation, Conversation.updated_at, make_conversation),
}


@pytest.mark.parametrize("what", DATED)
def test_all_that_is_older_goes_and_nothing_that_is_younger(db: Session, world: World, what: str) -> None:
    table, at, make = DATED[what]
    account = db.scalars(select(LoginAccount.id).limit(1)).one()
    rule = RULES[what]
    assert rule.kept is not None
    limit = NOW - rule.kept
    small = OldRows(rule.part.too_old, rule.part.forget, at_once=3) if isinstance(rule.part, OldRows) else rule.part

    @settings(max_examples=15, deadline=None)
    @given(st.lists(EDGE, min_size=1, max_size=12))
    def check(younger_by: list[int]) -> None:
        with db.begin_nested() as point:
            ats = [limit + timedelta(microseconds=by) for by in younger_by]
            db.execute(insert(table), [make(account, n, one) for n, one in enumerate(ats)])
            reached: str | None = None
            gone = 0
            while (piece := small.next(db, limit, reached, now=NOW)).reached is not None:
                assert piece.how_many <= 3
                gone, reached = gone + piece.how_many, piece.reached
            assert gone == sum(one < limit for one in ats)
            assert sorted(db.scalars(select(at))) == sorted(one for one in ats if one >= limit)
            point.rollback()

    check()


# -- the feed


READERS = [each.reader for each in REACTIONS]
KIND_OF_SOME = READERS[0].kinds[0]
UNHEARD = "catalog.batch_added"
POSITIONS = st.integers(1, 12)


@settings(max_examples=40, deadline=None)
@given(st.data())
def _feed_property(db: Session, account: UUID, data: st.DataObject) -> None:
    kinds = data.draw(
        st.lists(st.sampled_from([KIND_OF_SOME, UNHEARD, "access.account_locked"]), min_size=1, max_size=12)
    )
    old = data.draw(st.integers(0, len(kinds)))
    cursor = data.draw(st.integers(0, 12))
    webhook = data.draw(st.none() | st.integers(0, 12))
    revoked = data.draw(st.booleans())
    waits, aside, settled = (data.draw(st.sets(POSITIONS, max_size=2)) for _ in range(3))
    rule = RULES["events of the feed"]
    assert rule.kept is not None
    limit = NOW - rule.kept
    with db.begin_nested() as point:
        for position, kind in enumerate(kinds, start=1):
            at = limit + timedelta(microseconds=-1 if position <= old else 0)
            db.add(
                FeedEvent(position=position, id=uuid7(), kind=kind, subject="", data={}, occurred_at=at, recorded_at=at)
            )
        heard = [one for one in READERS if KIND_OF_SOME in one.kinds]
        db.add_all(FeedCursor(name=one.cursor, position=cursor) for one in heard)
        if webhook is not None:
            key = uuid7()
            db.execute(
                text(
                    "INSERT INTO api_key (id, account_id, label, prefix, digest, created_at, revoked_at) "
                    "VALUES (:id, :account, '', '', :digest, now(), CASE WHEN :revoked THEN now() END)"
                ),
                {"id": key, "account": account, "digest": key.bytes, "revoked": revoked},
            )
            db.add(
                Webhook(
                    id=uuid7(),
                    account_id=account,
                    key_id=key,
                    url="",
                    kinds=[],
                    position=webhook,
                    failures=0,
                    next_at=NOW,
                    created_at=NOW,
                )
            )
        for position in waits:
            db.add(
                FeedWaiting(
                    reaction="x",
                    position=position,
                    kind="",
                    since=NOW,
                    again_at=NOW,
                    tries=1,
                    failures=0,
                    error="",
                    detail="",
                )
            )
        for position in aside ^ settled:
            db.add(
                FeedSetAside(
                    id=uuid7(), reaction="x", event_id=uuid7(), position=position, kind="", error="", detail="", tries=1,
                    first_tried_at=NOW, last_tried_at=NOW, resolved_at=None if position in aside else NOW,
                )
            )  # fmt: skip
        db.flush()
        run(db, rule)
        unread = [p for p, kind in enumerate(kinds, start=1) if kind == KIND_OF_SOME and p > cursor]
        read_up_to = min([p - 1 for p in unread] + ([webhook] if webhook is not None and not revoked else []) + [99])
        kept = {
            p
            for p, kind in enumerate(kinds, start=1)
            if p > old
            or p == len(kinds)
            or kind.startswith("access.")
            or p > read_up_to
            or p in waits
            or p in aside - settled
        }
        assert set(db.scalars(select(FeedEvent.position))) == kept
        point.rollback()


def test_an_event_goes_when_everybody_has_read_it_and_not_before(db: Session, world: World) -> None:
    _feed_property(db, db.scalars(select(LoginAccount.id).limit(1)).one())


def test_numbers_go_on_after_everything_old_is_gone(engine: Engine, committed_world: World) -> None:
    number_pending(engine)
    with transaction(engine) as db:
        for one in READERS:
            newest = db.scalar(select(func.max(FeedEvent.position))) or 0
            db.merge(FeedCursor(name=one.cursor, position=newest))
    with transaction(engine) as db:
        newest = db.scalar(select(func.max(FeedEvent.position))) or 0
        now = datetime.now(UTC) + timedelta(days=2000)
        run(db, RULES["events of the feed"], now)
        left = [kind for kind in db.scalars(select(FeedEvent.kind)) if not kind.startswith("access.")]
        assert len(left) == 1
        db.execute(
            text(
                "INSERT INTO feed_pending (id, kind, subject, data, occurred_at, recorded_at) "
                "VALUES (:id, 'catalog.batch_added', '', '{}', now(), now())"
            ),
            {"id": uuid7()},
        )
    number_pending(engine)
    with transaction(engine) as db:
        assert db.scalar(select(func.max(FeedEvent.position))) == newest + 1


# -- hours


def test_hours_go_by_channel_and_only_the_old(db: Session, world: World) -> None:
    rule = RULES["hours of sensors"]
    assert rule.kept is not None
    limit = NOW - rule.kept
    channels = [new_channel(db, world).id for _ in range(3)]
    row = dict.fromkeys(COLUMNS, 0.0)
    hours = [(channel, limit + timedelta(hours=h)) for channel in channels[:2] for h in (-30, -1, 0, 1)]
    db.execute(insert(ChannelHour), [{"channel_id": channel, "hour": hour, **row} for channel, hour in hours])
    assert rule.part.count(db, limit, most=3) == 3
    run(db, rule)
    left = db.execute(select(ChannelHour.channel_id, ChannelHour.hour)).all()
    assert {tuple(one) for one in left} == {(channel, hour) for channel, hour in hours if hour >= limit}


# -- runs


@pytest.fixture
def old_answers(engine: Engine) -> Callable[[], int]:
    """Answers that are too old, and how many of them are left."""
    with transaction(engine) as db:
        at = NOW - timedelta(days=30)
        db.execute(insert(StoredAnswer), [make_answer(UUID(int=1), n, at) for n in range(1200)])

    def left() -> int:
        with transaction(engine) as db:
            return db.scalar(select(func.count()).select_from(StoredAnswer)) or 0

    return left


def current(app_settings: Settings, **retention: Any) -> Settings:
    return app_settings.model_copy(update={"retention": RetentionSettings(**retention)})


def test_the_worker_runs_each_rule_once_a_night_and_pieces_commit(
    engine: Engine, app_settings: Settings, old_answers: Callable[[], int]
) -> None:
    night = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)  # one o'clock in Jakarta
    assert night_before(night) == night
    assert night_before(night - timedelta(seconds=1)) == night - timedelta(days=1)
    assert keep_house(engine, current(app_settings), night) > 0
    assert old_answers() == 700, "a piece of five hundred"
    while keep_house(engine, current(app_settings), night + timedelta(minutes=1)):
        pass
    assert old_answers() == 0
    with transaction(engine) as db:
        runs = {rule.what: last_run(db, rule.what) for rule in rules_of(RetentionSettings()) if rule.kept}
        assert all(one is not None and one.at == night and one.ended_at is not None for one in runs.values())
        assert [(row.what, row.how_many) for row in last_forgotten(db, most=5)] == [("answers kept for repeats", 1200)]
    assert keep_house(engine, current(app_settings), night + timedelta(hours=23)) == 0
    assert keep_house(engine, current(app_settings), night + timedelta(hours=24)) > 0
    while keep_house(engine, current(app_settings), night + timedelta(hours=24)):
        pass
    with transaction(engine) as db:
        of_answers = db.scalars(select(Forgotten.how_many).where(Forgotten.what == "answers kept for repeats"))
        assert sorted(of_answers) == [0, 1200], "of runs that found nothing the last stays"


def test_the_worker_leaves_it_to_a_timer_where_that_is_set(
    engine: Engine, app_settings: Settings, old_answers: Callable[[], int]
) -> None:
    assert keep_house(engine, current(app_settings, by_worker=False), NOW) == 0
    assert old_answers() == 1200


def test_two_do_not_double_and_whoever_is_stopped_is_gone_on_for(
    engine: Engine, old_answers: Callable[[], int]
) -> None:
    rule = RULES["answers kept for repeats"]
    with transaction(engine) as one:
        assert let_go_next(one, rule, due_since=NOW, now=NOW)
        with transaction(engine) as other:
            assert not let_go_next(other, rule, due_since=NOW, now=NOW), "the first is at it"
    assert old_answers() == 700
    killed = Session(engine)
    assert let_go_next(killed, rule, due_since=NOW, now=NOW)
    killed.rollback()
    killed.close()
    assert old_answers() == 700
    later = NOW + timedelta(minutes=5)
    pieces = 0
    while True:
        with transaction(engine) as db:
            if not let_go_next(db, rule, due_since=NOW, now=later):
                break
            pieces += 1
    assert (old_answers(), pieces) == (0, 3), "two pieces, and one that found the end"
    with transaction(engine) as db:
        run_ = last_run(db, rule.what)
        assert run_ is not None
        assert (run_.at, run_.how_many, run_.ended_at) == (NOW, 1200, later)


def test_days_that_were_raised_while_a_run_goes_on_count_at_once(
    engine: Engine, old_answers: Callable[[], int]
) -> None:
    with transaction(engine) as db:
        assert let_go_next(db, RULES["answers kept for repeats"], due_since=NOW, now=NOW)
    longer = {rule.what: rule for rule in rules_of(RetentionSettings(answers_days=31))}["answers kept for repeats"]
    while True:
        with transaction(engine) as db:
            if not let_go_next(db, longer, due_since=NOW, now=NOW):
                break
    assert old_answers() == 700


def test_a_rule_that_fails_holds_up_no_other(
    engine: Engine, app_settings: Settings, old_answers: Callable[[], int]
) -> None:
    with transaction(engine) as db:
        db.execute(text("ALTER TABLE ticket_code RENAME TO hidden"))
    with pytest.raises(ProgrammingError, match="ticket_code"):
        while keep_house(engine, current(app_settings), NOW):
            pass
    assert old_answers() == 0
