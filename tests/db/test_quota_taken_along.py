"""What a session takes along is never what others were promised, in closed vials or in opened ones."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.quota.rules.words import BookingState
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import cancel_session, reopen_session
from tracker.stock.errors import PlacePromised
from tracker.stock.rules.words import Kind

LOT, BOX = "az-10/AZ003", "pkm-cipondoh-b1"


def change_place(desk: Desk, session: UUID) -> None:
    change_session(desk.db, SYSTEM, ChangeSession(session_id=session, place=BOX, reason="keliling"), now=desk.now)


@pytest.mark.parametrize("how", ["planned", "changed", "reopened"])
def test_a_vial_opened_for_the_people_at_home_is_not_taken_along_unasked(db: Session, world: World, how: str) -> None:
    desk = Desk(db, world, world.now)
    out = None
    if how == "changed":
        out = desk.session(ahead=0)
    elif how == "reopened":
        out = desk.session(ahead=0, place=BOX)
        cancel_session(db, SYSTEM, out, "hujan", now=desk.now)
    desk.stock(LOT, 1, place=BOX)
    desk.stock(LOT, 1)
    people = desk.booked(desk.session(ahead=0), 14)
    for place in (world.fridge, world.cold_box):
        desk.ledger.post(Kind.OPENING, desk.ledger.line(LOT, 1, place=place))
    displace(db, world.puskesmas.id, world.presentations["az-10"].id, now=desk.now)
    assert (desk.states(people), desk.need()) == ([BookingState.CONFIRMED] * 14, {})

    def take_along() -> None:
        if out is None:
            desk.session(ahead=0, place=BOX)
        elif how == "changed":
            change_place(desk, out)
        else:
            reopen_session(db, SYSTEM, out, "cerah", now=desk.now)

    with pytest.raises(PlacePromised) as refused, db.begin_nested():
        take_along()
    assert refused.value.params == {"field": "place", "place": BOX, "vials": 1}
    desk.stock(LOT, 1)
    take_along()
    assert desk.need() == {desk.today: 1}
    displace(db, world.puskesmas.id, world.presentations["az-10"].id, now=desk.now)
    assert desk.states(people) == [BookingState.CONFIRMED] * 14
    check_books(db)
