"""What was held by hand when its fridge had a breach: the alarm keeps it too, until somebody decides there."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.support.facts import BATCHES, CLOSING, FREEING, FROST, Act, Morning
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.ids import uuid7
from tracker.passport.service.entering import hold_entering
from tracker.stock.errors import UseHold
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.commands import Posted, RecordEvent, ReverseEvent
from tracker.stock.service.recording import record_event
from tracker.stock.service.reversing import reverse_event

HELD_BEFORE = 6.0
"""The frost is from seven to half past eight; its hold acts after ten."""


@pytest.fixture
def morning(db: Session, world: World) -> Morning:
    """Six vials lie in the fridge that will freeze."""
    story = Morning(db, world)
    story.begin()
    return story


def say(
    morning: Morning, hour: float, status: Status, to_status: Status, *, fridge: int = 0, told: float = 0
) -> Posted:
    """The manager says by hand what becomes of the vials; the house reacts."""
    line = NamedLine(
        batch_id=Reference(BATCHES[0]),
        vials=6,
        place_id=Reference(morning.fridge(fridge).code),
        status=status,
        to_status=to_status,
    )
    command = RecordEvent(
        id=uuid7(),
        kind=Kind.STATUS,
        facility=morning.world.puskesmas.code,
        occurred_at=morning.at(hour),
        lines=(line,),
        reason="label basah",
    )
    now = morning.at(told or hour)
    posted = record_event(morning.db, morning.world.who(Role.MANAGER), command, now=now)
    hold_entering(morning.db, SYSTEM, posted.event_id, now=now)
    return posted


def hold(morning: Morning, hour: float, *, told: float = 0) -> Posted:
    return say(morning, hour, Status.USABLE, Status.HELD, told=told)


def free(morning: Morning, hour: float, *, fridge: int = 0, told: float = 0) -> Posted:
    return say(morning, hour, Status.HELD, Status.USABLE, fridge=fridge, told=told)


def lying(morning: Morning) -> dict[Status, int]:
    return morning.books().get((morning.fridge(0).id, morning.world.batches[BATCHES[0]].id), {})


def test_a_hand_does_not_free_what_it_had_held_before_the_breach(morning: Morning) -> None:
    held = hold(morning, HELD_BEFORE)
    morning.carry_out(FROST)
    with pytest.raises(UseHold):
        free(morning, 11.0)
    assert lying(morning) == {Status.HELD: 6}
    # Nor does it by saying now that it never held them: they lay there, and the alarm stops them by itself.
    undo = ReverseEvent(id=uuid7(), event_id=held.event_id, reason="salah ketuk")
    undone = reverse_event(morning.db, morning.world.who(Role.MANAGER), undo, now=morning.at(11.0))
    hold_entering(morning.db, SYSTEM, undone.event_id, now=morning.at(11.0))
    assert lying(morning) == {Status.HELD: 6}
    with pytest.raises(UseHold):
        free(morning, 11.5)


@pytest.mark.parametrize("hour", [HELD_BEFORE, 8.0, 9.5])
def test_nor_what_it_says_late_to_have_held_before_the_alarm_did(morning: Morning, hour: float) -> None:
    morning.carry_out(FROST)
    hold(morning, hour, told=10.5)
    assert lying(morning) == {Status.HELD: 6}
    with pytest.raises(UseHold):
        free(morning, 11.0)


def test_nor_what_it_moved_meanwhile_to_another_fridge(morning: Morning) -> None:
    hold(morning, HELD_BEFORE)
    morning.carry_out(FROST)
    line = morning.ledger.line(BATCHES[0], 6, place=morning.fridge(0), to_place=morning.fridge(1), status=Status.HELD)
    morning.ledger.post(Kind.TRANSFER, line, at=morning.at(10.5), now=morning.at(10.5))
    with pytest.raises(UseHold):
        free(morning, 11.0, fridge=1)


@pytest.mark.parametrize("hour", [6.5, 8.0, 9.5])
def test_what_was_freed_before_the_alarm_acted_was_freed_and_is_stopped_by_it(morning: Morning, hour: float) -> None:
    hold(morning, HELD_BEFORE)
    morning.carry_out(FROST)
    free(morning, hour, told=11.0)
    assert lying(morning) == {Status.HELD: 6}
    with pytest.raises(UseHold):
        free(morning, 11.5)


@pytest.mark.parametrize(("closing", "becomes"), [(CLOSING, Status.UNUSABLE), (FREEING, Status.USABLE)])
def test_the_alarms_decision_is_about_them_too_and_afterwards_hands_hold_and_free_again(
    morning: Morning, closing: Act, becomes: Status
) -> None:
    hold(morning, HELD_BEFORE)
    morning.carry_out(FROST)
    morning.carry_out(closing)
    assert lying(morning) == {becomes: 6}
    if becomes is Status.USABLE:
        hold(morning, 15.0)
        free(morning, 15.5)
        assert lying(morning) == {Status.USABLE: 6}


def test_what_was_held_elsewhere_before_any_alarm_is_freed_by_hand(morning: Morning) -> None:
    hold(morning, HELD_BEFORE)
    free(morning, HELD_BEFORE + 0.5)
    assert lying(morning) == {Status.USABLE: 6}
