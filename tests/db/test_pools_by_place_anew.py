"""The migration to pools by place takes what sessions take along out of the facility's pool, and has it looked at anew."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.database import migrations
from tracker.feed.models import FeedPending
from tracker.quota.rules.words import BookingState
from tracker.quota.service.displacing import displace
from tracker.stock.queries.availability import need_by_day


def test_what_was_one_pool_is_parted_by_place_and_its_promises_follow(db: Session, world: World) -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    revision = next(each.module for each in script.walk_revisions() if each.revision.endswith("pools_by_place"))
    desk = Desk(db, world, world.now)
    desk.stock("az-10/AZ001", 2)
    desk.stock("az-10/AZ003", 1, place="pkm-cipondoh-b1")
    outreach, home = desk.session(place="pkm-cipondoh-b1"), desk.session()
    there, here = desk.booked(outreach, 4), desk.booked(home, 4)
    # As the house stood before: one pool, with the box in it.
    for statement in (revision._STEPS_TOGETHER, revision._TOGETHER, revision._NEEDS_TOGETHER, revision._NEEDED):
        db.execute(text(statement))
    db.execute(text("DELETE FROM availability WHERE pool_id <> facility_id"))
    db.execute(text("DELETE FROM stock_need WHERE pool_id <> facility_id"))
    db.execute(text("UPDATE equipment SET apart = false"))
    assert desk.need() == {desk.day(1): 2}
    rows = db.execute(text("SELECT step, vials, needed, short FROM availability ORDER BY step")).all()
    assert [(row.vials, row.needed, row.short) for row in rows] == [(3, 2, 0), (1, 0, 0), (0, 0, 0)]
    db.execute(delete(FeedPending))
    for statement in (revision._APART, revision._PLACES, revision._BEARING, revision._TELL):
        db.execute(text(statement))
    db.expire_all()
    assert db.scalars(select(FeedPending.kind)).all() == ["stock.short"]
    presentation = world.presentations["az-10"].id
    displace(db, world.puskesmas.id, presentation, now=desk.now)
    assert (desk.need(), need_by_day(db, world.cold_box.id, presentation)) == ({desk.day(1): 1}, {desk.day(1): 1})
    assert set(desk.states([*there, *here])) == {BookingState.CONFIRMED}
    check_books(db)
