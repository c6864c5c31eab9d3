"""`/scan`: the phone's page; what a code means comes from `POST /api/v1/scans`."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Query, Response
from markupsafe import Markup
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from dashboard.frame.joining import inline_script, inline_style
from dashboard.frame.rendering import page, template_source
from dashboard.frame.security import policy_of
from dashboard.frame.statics import static_body
from dashboard.frame.viewer import Member, Viewer
from dashboard.scan.words import words_of
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.handsets.holdings import show_holdings
from tracker.handsets.presenting import holdings_out
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id

router = Router(include_in_schema=False)

TEMPLATES = ("scan/scan.html", "frame/base.html", "frame/reader.html", "frame/ui.html")
MOST_FOUND = 12
MOST_LYING = 400
"""Lines of stock up to which a page brings them: some ten kilobytes on the line."""


@router.get("/scan")
def show_scan(viewer: Member, db: Db) -> Response:
    """The page; its facility is the caller's own, or the one an overseer types: the uppermost until then."""
    known = viewer.known()
    facilities = db.execute(_facilities(known).order_by(func.nlevel(Unit.path), Facility.name).limit(2)).all()
    facility = facilities[0] if facilities else None
    works = viewer.may("stock.write")
    script, later = inline_script("scan.js"), inline_script("scan_later.js", behind="scan.js")
    style = inline_style("app.css", _written())
    words, words_later = words_of(viewer.texts)
    answer = page(
        viewer,
        "scan/scan.html",
        facility=facility,
        several=len(facilities) > 1,
        may_work=works,
        words=json.dumps(words, ensure_ascii=False),
        words_later=_data(json.dumps(words_later, ensure_ascii=False)),
        script=script,
        later=later,
        style=style,
        table=_data(static_body("gs1_table.json").decode()),
        holdings=_holdings(db, facility.code, viewer) if facility and works else None,
    )
    answer.headers["Content-Security-Policy"] = policy_of(f"{script.source} {later.source}", style.source)
    return answer


@lru_cache(maxsize=1)
def _written() -> str:
    """All that may put a class on something in this page: its templates, its program, and what every page loads."""
    program = [inline_script("scan.js").markup, inline_script("scan_later.js", behind="scan.js").markup]
    loaded = [static_body(name).decode() for name in ("live.js", "sheet.js", "refill.js")]
    return "\n".join([*map(template_source, TEMPLATES), *program, *loaded])


def _holdings(db: Session, code: str, viewer: Viewer) -> Markup | None:
    """What a phone that holds nothing yet works with until it has asked for itself; None where that is much."""
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    told = show_holdings(db, viewer.known(), facility, most=MOST_LYING)
    return None if told is None else _data(holdings_out(facility, told, viewer.now).model_dump_json())


def _data(text: str) -> Markup:
    """JSON as it may stand in a page: nothing in it ends the element that holds it."""
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no element begins or ends in it


@router.get("/scan/fasilitas.json")
def find_facilities(viewer: Member, db: Db, q: Annotated[str, Query(max_length=100)] = "") -> dict[str, Any]:
    """The caller's facilities whose name or code holds the letters, a few; `more`: others do, too."""
    found = _facilities(viewer.known()).where(
        or_(Facility.name.icontains(q.strip(), autoescape=True), Facility.code.icontains(q.strip(), autoescape=True))
    )
    rows = db.execute(found.order_by(Facility.name, Facility.code).limit(MOST_FOUND + 1)).all()
    items = [{"code": row.code, "name": row.name} for row in rows[:MOST_FOUND]]
    return {"items": items, "more": len(rows) > MOST_FOUND}


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
