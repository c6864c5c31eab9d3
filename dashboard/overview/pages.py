"""`/`: what needs a hand now. Who oversees an area sees its worst first; who works at one place sees that place."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.alarms.queries import alarms, count_open_alarms
from dashboard.alarms.story import chapters
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member, Viewer
from dashboard.overview.pictures import trend_picture
from dashboard.overview.queries import trend_of, workplace_of
from dashboard.overview.tasks import tasks_at
from dashboard.quota.queries import promises_today, sessions_visible_to
from dashboard.recalls.queries import count_open, to_set_aside
from dashboard.shipments.queries import count_late, shipments
from dashboard.stock.areas import areas_of, sight_of, tally_of, worst_areas_first, worst_facilities
from dashboard.stock.queries import expiring, facilities_with_stock, open_vial_list, worst_facilities_first
from dashboard.temperature.places import places_of, silent_sensors
from tracker.access.rules import Permission, Role
from tracker.adverse.queries import count_waiting
from tracker.adverse.rules.words import Level
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.feed.aside import count_aside
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Facility

router = Router(include_in_schema=False)

# As many as fit beside what else needs a hand; the rest is one tap away.
FIRST_FACILITIES = 5
FIRST_AREAS = 8
FIRST_PRODUCTS = 8
FIRST_LINES = 4

# What each worker's day is made of, the most pressing first.
BLOCKS: dict[Role, tuple[str, ...]] = {
    Role.VACCINATOR: ("sessions", "open_vials", "places", "stock"),
    Role.WAREHOUSE: ("shipments", "places", "expiring", "stock"),
    Role.MANAGER: ("places", "sessions", "shipments", "stock", "expiring"),
}


@router.get("/")
def show_overview(viewer: Member, db: Db) -> Response:
    """The home of whoever asks, by the role and where it was given."""
    if viewer.may(Permission.HOTLINE_SERVE) and not viewer.may(Permission.NETWORK_READ):
        return RedirectResponse("/hotline", status_code=303)  # who only takes calls has no other home
    work = workplace_of(db, viewer.known(), BLOCKS)
    if work is None:
        return _area(viewer, db)
    role, facility = work
    return _workplace(viewer, db, role, facility)


def _area(viewer: Viewer, db: Session) -> Response:
    principal = viewer.known()
    sight = sight_of(db, principal, viewer.now)
    below = areas_of(db, sight)
    tally = tally_of(below)
    areas = worst_areas_first(below)
    worst = worst_facilities(db, sight, limit=FIRST_FACILITIES)
    facilities = worst_facilities_first(facilities_with_stock(db, principal, viewer.now, worst))
    open_alarms, unanswered = count_open_alarms(db, principal)
    silent_count, silent = silent_sensors(db, principal, viewer.now, limit=FIRST_LINES)
    on_road, late = count_late(db, principal, viewer.now)
    today = local_day(viewer.now, facilities[0].zone if facilities else WESTERN)
    return page(
        viewer,
        "overview/overview.html",
        charts=True,
        today=today,
        areas=areas[:FIRST_AREAS],
        areas_hidden=max(0, len(areas) - FIRST_AREAS),
        facilities=facilities,
        total=sum(tally.values()),
        tally=tally,
        waiting=sight.waiting,
        alarms=alarms(db, principal, limit=FIRST_LINES),
        open_alarms=open_alarms,
        unanswered=unanswered,
        expiring=expiring(db, principal, viewer.now, limit=3),
        promises=promises_today(db, principal, viewer.now),
        chapters=chapters(db, principal, viewer.now),
        on_road=on_road,
        late=late,
        silent=silent,
        silent_count=silent_count,
        recalls=count_open(db, principal),
        adverse=count_waiting(db, principal, Level.OFFICE),
        set_aside=count_aside(db) if principal.may(Permission.FEED_REPAIR) else 0,
        trend=trend_picture(trend_of(db, principal, today), viewer.texts),
    )


def _workplace(viewer: Viewer, db: Session, role: Role, facility: Facility) -> Response:
    principal = viewer.known()
    stock = facilities_with_stock(db, principal, viewer.now, [facility.id])
    products = stock[0].worst_first() if stock else []
    open_alarms, unanswered = count_open_alarms(db, principal, facility.id)
    opened = open_vial_list(db, facility, most=FIRST_LINES)
    going = shipments(db, principal, viewer.now, "going", facility_id=facility.id)
    return page(
        viewer,
        "overview/workplace.html",
        facility=facility,
        today=local_day(viewer.now, facility.timezone),
        blocks=BLOCKS[role],
        recalled=to_set_aside(db, facility.id),
        state=stock[0].state if stock else "unreported",
        alarms=alarms(db, principal, facility_id=facility.id, limit=FIRST_LINES),
        open_alarms=open_alarms,
        places=places_of(db, facility, viewer.now),
        products=products[:FIRST_PRODUCTS],
        products_hidden=max(0, len(products) - FIRST_PRODUCTS),
        sessions=sessions_visible_to(
            db,
            principal,
            viewer.now,
            ahead=timedelta(days=14),
            facility_id=facility.id,
            limit=FIRST_LINES,
        ),
        open_vials=opened,
        tasks=tasks_at(
            db,
            principal,
            facility,
            viewer.now,
            viewer.texts,
            unanswered=unanswered,
            opened=opened.rows,
            going=going,
        ),
        shipments=going[:FIRST_LINES],
        shipments_hidden=max(0, len(going) - FIRST_LINES),
        expiring=expiring(db, principal, viewer.now, limit=FIRST_LINES, facility_id=facility.id),
    )
