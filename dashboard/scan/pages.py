"""`/scan`: the phone's page; what a code means comes from `POST /api/v1/scans`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Select, func, or_, select

from dashboard.frame.rendering import page
from dashboard.frame.statics import static_body, static_family
from dashboard.frame.viewer import Member
from dashboard.scan.words import words_of
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.models import Facility

router = Router(include_in_schema=False)

MOST_FOUND = 12


@router.get("/scan")
def show_scan(viewer: Member, db: Db) -> Response:
    """The page; its facility is the caller's own, or the one an overseer types: the uppermost until then."""
    known = viewer.known()
    facilities = db.execute(_facilities(known).order_by(func.nlevel(Unit.path), Facility.name).limit(2)).all()
    return page(
        viewer,
        "scan/scan.html",
        facility=facilities[0] if facilities else None,
        several=len(facilities) > 1,
        may_work=viewer.may("stock.write"),
        words=json.dumps(words_of(viewer.texts), ensure_ascii=False),
        scripts=static_family("scan.js"),
    )


@router.get("/scan/fasilitas.json")
def find_facilities(viewer: Member, db: Db, q: Annotated[str, Query(max_length=100)] = "") -> dict[str, Any]:
    """The caller's facilities whose name or code holds the letters, a few."""
    found = _facilities(viewer.known()).where(
        or_(Facility.name.icontains(q.strip(), autoescape=True), Facility.code.icontains(q.strip(), autoescape=True))
    )
    rows = db.execute(found.order_by(Facility.name).limit(MOST_FOUND))
    return {"items": [{"code": row.code, "name": row.name} for row in rows]}


def _facilities(principal: Principal) -> Select[str, str]:
    return (
        select(Facility.code, Facility.name)
        .join(Unit, Unit.id == Facility.id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ))
    )


@router.get("/scan/sw.js")
def show_worker() -> Response:
    """The script that keeps the page for when there is no network; it may act for `/scan` though it lies below."""
    headers = {"Service-Worker-Allowed": "/scan", "Cache-Control": "no-cache"}
    return Response(static_body("scan_worker.js"), media_type="text/javascript; charset=utf-8", headers=headers)
