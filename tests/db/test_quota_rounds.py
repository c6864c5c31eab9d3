"""The worker's round: what fails in one pool holds up no other."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from tests.support.quota import Desk
from tests.support.world import NOW, small_world
from tracker.database.engine import transaction
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.rounds import tidy_pools


def test_a_pool_that_fails_holds_up_no_other_and_is_logged_without_persons(engine: Engine) -> None:
    with transaction(engine) as db:
        desk = Desk(db, small_world(db), NOW)
        desk.stock("az-10/AZ003", 2)
        desk.stock("az-10/AZ003", 2, place="pkm-tanah-tinggi-k1")
        there = desk.session(facility=desk.world.neighbour)
        booked = {booking.session_id: booking.id for booking in (desk.book(desk.session()), desk.book(there))}
        # Pools are tidied in the order of their ids: the first one's session cannot be written.
        first = min(desk.world.puskesmas.id, desk.world.neighbour.id)
        db.execute(
            text(
                f"""
                CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql
                    AS $$ BEGIN RAISE EXCEPTION 'Warga Rekaan'; END $$;
                CREATE TRIGGER planted BEFORE UPDATE ON vaccination_session FOR EACH ROW
                    WHEN (NEW.facility_id = '{first}') EXECUTE FUNCTION planted();
                """
            )
        )
    try:
        with capture_logs() as logs:
            assert tidy_pools(engine, now=NOW + timedelta(hours=1)) == 1
    finally:
        with transaction(engine) as db:
            db.execute(text("DROP FUNCTION planted CASCADE"))
    with transaction(engine) as db:
        states = sorted(db.get_one(Booking, one).state.value for one in booked.values())
    assert states == [BookingState.LAPSED.value, BookingState.RESERVED.value]
    (line,) = [line for line in logs if line["event"] == "part of the pools' round failed"]
    assert (line["step"], line["ids"][0]) == ("displace", str(first))
    assert line["error"].endswith("Error")
    assert "Warga" not in str(line)
