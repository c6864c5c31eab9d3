"""Who frees stopped vials: by hand what a hand stopped, through the hold what a hold stopped."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.stock.errors import MissingField, UseHold
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import RecordEvent, ReverseEvent, StatusChange, StatusLine
from tracker.stock.service.recording import record_event
from tracker.stock.service.reversing import reverse_event

BATCH = "az-10/AZ003"


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


def hold(ledger: Ledger, vials: int, *, minutes_ago: int) -> None:
    line = StatusLine(
        batch_id=ledger.world.batches[BATCH].id,
        holder_id=ledger.world.fridge.id,
        from_status=Status.USABLE,
        to_status=Status.HELD,
        vials=vials,
        account=Account.PLACE,
    )
    command = StatusChange(
        id=uuid7(), facility_id=ledger.world.puskesmas.id, lines=(line,), reason="heat", cause=uuid7()
    )
    change_status(ledger.db, SYSTEM, command, now=ledger.now - timedelta(minutes=minutes_ago))


def by_hand(ledger: Ledger, vials: int, status: Status, to_status: Status, role: Role = Role.MANAGER) -> UUID:
    said = NamedLine(
        batch_id=Reference(BATCH),
        vials=vials,
        place_id=Reference(ledger.world.fridge.code),
        status=status,
        to_status=to_status,
    )
    command = RecordEvent(
        id=uuid7(),
        kind=Kind.STATUS,
        facility=ledger.world.puskesmas.code,
        occurred_at=ledger.now,
        lines=(said,),
        reason="looked at them again",
    )
    return record_event(ledger.db, ledger.world.who(role), command, now=ledger.now).event_id


def supply(ledger: Ledger, vials: int) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, vials), at=ledger.now - timedelta(hours=1))


def test_once_what_a_hold_stopped_is_gone_a_hand_frees_what_a_hand_stopped(ledger: Ledger) -> None:
    supply(ledger, 15)
    hold(ledger, 10, minutes_ago=30)
    wasted = ledger.line(BATCH, 10, status=Status.HELD, reason="heat")
    ledger.post(Kind.WASTE, wasted, at=ledger.now - timedelta(minutes=20))
    by_hand(ledger, 5, Status.USABLE, Status.HELD)
    by_hand(ledger, 5, Status.HELD, Status.USABLE)
    assert (ledger.vials(BATCH), ledger.vials(BATCH, status=Status.HELD)) == (5, 0)


def test_what_a_hold_still_keeps_is_not_freed_by_hand(ledger: Ledger) -> None:
    supply(ledger, 15)
    hold(ledger, 10, minutes_ago=30)
    wasted = ledger.line(BATCH, 4, status=Status.HELD, reason="heat")
    ledger.post(Kind.WASTE, wasted, at=ledger.now - timedelta(minutes=20))
    with pytest.raises(UseHold):
        by_hand(ledger, 1, Status.HELD, Status.USABLE)


def test_a_reversal_does_not_free_what_a_plain_event_may_not(ledger: Ledger) -> None:
    supply(ledger, 15)
    stopped = by_hand(ledger, 5, Status.USABLE, Status.HELD)

    def reverse(role: Role, reason: str | None = "a slip") -> None:
        command = ReverseEvent(id=uuid7(), event_id=stopped, reason=reason)
        reverse_event(ledger.db, ledger.world.who(role), command, now=ledger.now)

    with pytest.raises(Forbidden):
        reverse(Role.VACCINATOR)
    with pytest.raises(MissingField):
        reverse(Role.MANAGER, None)
    hold(ledger, 10, minutes_ago=0)
    with pytest.raises(UseHold):
        reverse(Role.MANAGER)
    assert ledger.vials(BATCH, status=Status.HELD) == 15


def test_a_reversal_frees_what_a_hand_stopped(ledger: Ledger) -> None:
    supply(ledger, 15)
    stopped = by_hand(ledger, 5, Status.USABLE, Status.HELD)
    command = ReverseEvent(id=uuid7(), event_id=stopped, reason="a slip")
    reverse_event(ledger.db, ledger.world.who(Role.MANAGER), command, now=ledger.now)
    assert (ledger.vials(BATCH), ledger.vials(BATCH, status=Status.HELD)) == (15, 0)
