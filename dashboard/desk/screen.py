"""`/meja/{session}/layar`: the numbers of those who wait, for a screen in the room: large, and without a name."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from dashboard.desk.pages import MOST_SHOWN, OBSERVED
from dashboard.desk.sessions import served
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.quota.queries.desk import WAITING, count_guests, guests_of
from tracker.quota.rules.words import BookingState

router = Router(include_in_schema=False)


@router.get("/meja/{session_id}/layar")
def show_screen(session_id: UUID, viewer: Member, db: Db) -> Response:
    """Whose turn it is: to be vaccinated, to be screened, and until when who had their dose stays."""
    here = served(db, viewer.known(), session_id)
    waiting = guests_of(db, here.session.id, WAITING, most=MOST_SHOWN)
    watched = guests_of(db, here.session.id, (BookingState.VACCINATED,), most=MOST_SHOWN, since=viewer.now - OBSERVED)
    counts = count_guests(db, here.session.id)
    by_state = {
        state: [one.number for one in waiting if one.booking.state is state and one.number] for state in WAITING
    }
    return page(
        viewer,
        "desk/screen.html",
        here=here,
        fit=by_state[BookingState.FIT],
        arrived=by_state[BookingState.ARRIVED],
        more=max(0, sum(counts.get(state, 0) for state in WAITING) - MOST_SHOWN),
        watched=[
            (one.number, one.booking.vaccinated_at + OBSERVED)
            for one in watched
            if one.number and one.booking.vaccinated_at
        ],
    )
