"""`/scan`: the phone's page; what a code means comes from `POST /api/v1/scans`."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy import select

from dashboard.frame.rendering import page
from dashboard.frame.statics import static_body, static_family
from dashboard.frame.viewer import Member
from dashboard.scan.words import words_of
from tracker.access.models import Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.models import Facility

router = Router(include_in_schema=False)

# A phone belongs to one facility; only overseers choose, and from a list they can still scroll.
MOST_FACILITIES = 200


@router.get("/scan")
def show_scan(viewer: Member, db: Db) -> Response:
    """The page; `facility` fixes whose local day decides what has expired."""
    facilities = db.execute(
        select(Facility.code, Facility.name)
        .join(Unit, Unit.id == Facility.id)
        .where(visible_to(viewer.known(), Unit.path, Permission.STOCK_READ))
        .order_by(Facility.name)
        .limit(MOST_FACILITIES)
    ).all()
    return page(
        viewer,
        "scan/scan.html",
        facilities=facilities,
        words=words_of(viewer.texts),
        scripts=static_family("scan.js"),
    )


@router.get("/scan/sw.js")
def show_worker() -> Response:
    """The script that keeps the page for when there is no network; it may act for `/scan` though it lies below."""
    headers = {"Service-Worker-Allowed": "/scan", "Cache-Control": "no-cache"}
    return Response(static_body("scan_worker.js"), media_type="text/javascript; charset=utf-8", headers=headers)
