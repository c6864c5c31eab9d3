"""`/masa-simpan`: what is kept how long, when it was let go last, and how much waits."""

from __future__ import annotations

from fastapi import Response

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router
from tracker.kit.days import WESTERN
from tracker.retention import MOST_COUNTED, rules_of, standings

router = Router(include_in_schema=False)


@router.get("/masa-simpan")
def show_keeping(viewer: Member, db: Db, now: Now, shared: Shared) -> Response:
    """Every rule with its newest run and what is due. For the nation only."""
    viewer.known().require(Permission.HOUSE_READ)
    retention = shared.settings.retention
    return page(
        viewer,
        "keeping/keeping.html",
        rows=standings(db, rules_of(retention), now=now),
        by_worker=retention.by_worker,
        most=MOST_COUNTED,
        zone=WESTERN,
    )
