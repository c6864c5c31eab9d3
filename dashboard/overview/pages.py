"""`/`: what needs a hand now, and how the facilities stand."""

from __future__ import annotations

from fastapi import APIRouter, Response

from dashboard.alarms.queries import alarms, count_open_alarms
from dashboard.alarms.story import chapters
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from dashboard.quota.queries import promises_today
from dashboard.shipments.queries import count_late
from dashboard.stock.queries import expiring, facilities_with_stock
from dashboard.stock.states import WORST_FIRST
from dashboard.temperature.places import silent_sensors
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.feed.aside import count_aside

router = APIRouter(include_in_schema=False)

# As many as fit beside what else needs a hand; the rest is one tap away.
FIRST = 12


@router.get("/")
def show_overview(viewer: Member, db: Db, keadaan: str = "", semua: bool = False) -> Response:
    """The overview; `keadaan` keeps only facilities in one stock state, `semua` lists them all."""
    principal = viewer.known()
    facilities = facilities_with_stock(db, principal, viewer.now)
    listed = sorted(
        (f for f in facilities if keadaan in ("", f.state)), key=lambda f: (WORST_FIRST.index(f.state), f.name)
    )
    tally = {state: sum(f.state == state for f in facilities) for state in WORST_FIRST}
    open_alarms, unanswered = count_open_alarms(db, principal)
    silent_count, silent = silent_sensors(db, principal, viewer.now)
    on_road, late = count_late(db, principal, viewer.now)
    return page(
        viewer,
        "overview/overview.html",
        facilities=listed if semua or keadaan else listed[:FIRST],
        hidden=0 if semua or keadaan else max(0, len(listed) - FIRST),
        total=len(facilities),
        tally=tally,
        chosen=keadaan if keadaan in tally else "",
        alarms=alarms(db, principal, limit=6),
        open_alarms=open_alarms,
        unanswered=unanswered,
        expiring=expiring(db, principal, viewer.now, limit=8),
        promises=promises_today(db, principal, viewer.now),
        chapters=chapters(db, principal, viewer.now),
        on_road=on_road,
        late=late,
        silent=silent,
        silent_count=silent_count,
        set_aside=count_aside(db) if principal.may(Permission.FEED_REPAIR) else 0,
    )
