"""`/cari`: from a few letters to the page one means."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from dashboard.search.queries import search
from tracker.edge.deps import Db
from tracker.edge.hop import Router

router = Router(include_in_schema=False)


@router.get("/cari")
def show_search(viewer: Member, db: Db, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """What the letters find in the caller's subtree, a few of each kind."""
    asked = q.strip()
    return page(viewer, "search/search.html", asked=asked, groups=search(db, viewer.known(), asked))
