"""`/fasilitas/{code}`: stock by batch, fridges live, open vials, alarms."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Response

from dashboard.alarms.queries import alarms
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from dashboard.quota.queries import sessions_visible_to
from dashboard.stock.queries import facilities_with_stock, open_vials_at, parcels_at
from dashboard.temperature.places import places_of
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.network.queries import facility_by_code_or_id

router = APIRouter(include_in_schema=False)


@router.get("/fasilitas/{code}")
def show_facility(code: str, viewer: Member, db: Db) -> Response:
    """One facility; outside the caller's subtree there is no such page."""
    principal = viewer.known()
    facility = facility_by_code_or_id(db, principal, code, Permission.STOCK_READ)
    stock = facilities_with_stock(db, principal, viewer.now, facility.id)
    return page(
        viewer,
        "facility/facility.html",
        facility=facility,
        products=stock[0].products if stock else (),
        state=stock[0].state if stock else "unreported",
        parcels=parcels_at(db, facility, viewer.now),
        open_vials=open_vials_at(db, facility),
        places=places_of(db, facility, viewer.now),
        sessions=sessions_visible_to(
            db, principal, viewer.now, ahead=timedelta(days=14), facility_id=facility.id, limit=10
        ),
        alarms=alarms(db, principal, facility_id=facility.id, limit=5),
    )
