"""For whom the places of a planned session are kept is changed whole, and takes nobody's place away."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.quota.errors import BadShare, BucketTaken
from tracker.quota.models import Bucket, SessionChange
from tracker.quota.rules.buckets import places_of, share_of
from tracker.quota.rules.words import BookingState, BucketKind
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession, CopySessions, NewBucket
from tracker.quota.service.copying import copy_sessions

NAKES, CITY, ANY = BucketKind.NAKES, BucketKind.CITY, BucketKind.GENERAL


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    desk = Desk(db, world, world.now)
    desk.stock("az-10/AZ001", 5)
    return desk


def kept(kind: BucketKind, persons: float, release_at: datetime | None = None) -> NewBucket:
    return NewBucket(kind=kind.value, share=persons, release_at=release_at)


def change(desk: Desk, session: object, *buckets: NewBucket, **more: object) -> None:
    command = ChangeSession(session_id=session, reason="bagian lain", buckets=buckets, **more)  # type: ignore[arg-type]  # test data
    change_session(desk.db, SYSTEM, command, now=desk.now)


def shares(desk: Desk, session: object) -> dict[BucketKind, tuple[int, int]]:
    desk.db.flush()
    rows = desk.db.scalars(
        select(Bucket).where(Bucket.session_id == session, Bucket.places > 0).execution_options(populate_existing=True)
    )
    return {row.kind: (row.places, row.taken) for row in rows}


def test_shares_and_release_are_others_from_now_on_and_who_is_booked_keeps_their_place(desk: Desk) -> None:
    session = desk.session(capacity=20, buckets=(kept(CITY, 10),))
    booked = desk.booked(session, 3)
    opens = desk.read(session).opens_at
    change(desk, session, kept(NAKES, 8, opens - timedelta(hours=2)), kept(CITY, 4))
    assert shares(desk, session) == {NAKES: (8, 0), CITY: (4, 3), ANY: (8, 0)}
    assert set(desk.states(booked)) == {BookingState.CONFIRMED}
    assert desk.available(session) == 8
    (before,) = desk.db.scalars(select(SessionChange).where(SessionChange.session_id == session))
    assert [(one["kind"], one["places"]) for one in before.before["buckets"]] == [("city", 10), ("general", 10)]
    desk.now = opens - timedelta(hours=1)
    assert desk.available(session) == 16


def test_no_share_is_less_than_what_is_taken_of_it_and_nothing_is_half_done(desk: Desk) -> None:
    session = desk.session(capacity=10)
    desk.booked(session, 3)
    with pytest.raises(BucketTaken) as refused, desk.db.begin_nested():
        change(desk, session, kept(CITY, 8))
    assert refused.value.params == {"field": "buckets", "kind": "general", "least": 3, "persons": 2}
    assert shares(desk, session) == {ANY: (10, 3)}
    change(desk, session, kept(CITY, 7))
    assert shares(desk, session) == {CITY: (7, 0), ANY: (3, 3)}
    with pytest.raises(BadShare):
        change(desk, session, kept(CITY, 11))


def test_the_same_shares_again_change_nothing(desk: Desk) -> None:
    session = desk.session(capacity=10, buckets=(kept(CITY, 0.5),))
    change(desk, session, kept(CITY, 5))
    assert desk.db.scalars(select(SessionChange)).all() == []


def test_shares_are_of_the_capacity_that_is_changed_with_them(desk: Desk) -> None:
    session = desk.session(capacity=10, buckets=(kept(CITY, 0.5),))
    booked = desk.booked(session, 5)
    change(desk, session, kept(CITY, 5), capacity=6)
    assert shares(desk, session) == {CITY: (5, 5), ANY: (1, 0)}
    assert set(desk.states(booked)) == {BookingState.CONFIRMED}


@pytest.mark.parametrize(("capacity", "parts"), [(6, (1, 5)), (6, (1, 1, 4)), (7, (2, 2, 3)), (1, (1,)), (49, (1, 48))])
def test_places_come_back_from_the_share_they_are_written_as(capacity: int, parts: tuple[int, ...]) -> None:
    assert places_of([share_of(part, capacity) for part in parts], capacity) == list(parts)


def test_a_session_of_sixths_is_copied(desk: Desk) -> None:
    session = desk.session(capacity=6, buckets=(kept(NAKES, 0.16),))
    assert shares(desk, session) == {NAKES: (1, 0), ANY: (5, 0)}
    (copied,) = copy_sessions(desk.db, SYSTEM, CopySessions(sessions=(session,), weeks=1), now=desk.now)
    assert shares(desk, copied.session_id) == {NAKES: (1, 0), ANY: (5, 0)}
