"""The worker's round: what fails in one pool holds up no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from tests.support.quota import Desk
from tests.support.world import NOW, small_world
from tracker.database.engine import transaction
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service import rounds
from tracker.quota.service.displacing import displace
from tracker.quota.service.rounds import tidy_pools


def test_a_pool_that_fails_holds_up_no_other_and_is_logged_without_persons(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as db:
        desk = Desk(db, small_world(db), NOW)
        desk.stock("az-10/AZ003", 2)
        desk.stock("az-10/AZ003", 2, place="pkm-tanah-tinggi-k1")
        there = desk.session(facility=desk.world.neighbour)
        booked = {booking.session_id: booking.id for booking in (desk.book(desk.session()), desk.book(there))}
    failed: list[UUID] = []

    def first_fails(db: Session, facility_id: UUID, presentation_id: UUID, **more: Any) -> object:
        if not failed:
            failed.append(facility_id)
            raise RuntimeError("Warga Rekaan")
        return displace(db, facility_id, presentation_id, **more)

    monkeypatch.setattr(rounds, "displace", first_fails)
    with capture_logs() as logs:
        assert tidy_pools(engine, now=NOW + timedelta(hours=1)) == 1
    with transaction(engine) as db:
        states = sorted(db.get_one(Booking, one).state.value for one in booked.values())
    assert states == [BookingState.LAPSED.value, BookingState.RESERVED.value]
    (line,) = [line for line in logs if line["event"] == "part of the pools' round failed"]
    assert (line["step"], line["ids"][0], line["error"]) == ("displace", str(failed[0]), "RuntimeError")
    assert "Warga" not in str(line)
