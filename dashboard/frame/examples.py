"""`/contoh`: every component of the pages with an example, for whoever builds the next page."""

from __future__ import annotations

from fastapi import Response

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from tracker.edge.hop import Router

router = Router(include_in_schema=False)

ROWS = [
    {"id": "1", "name": "Puskesmas Contoh Satu", "state": "out", "vials": 0, "note": "BCG, vial 20 dosis"},
    {"id": "2", "name": "Puskesmas Contoh Dua", "state": "low", "vials": 12, "note": "Pentabio, vial 5 dosis"},
    {"id": "3", "name": "Puskesmas Contoh Tiga", "state": "ok", "vials": 1240, "note": "–"},
]


@router.get("/contoh")
def show_examples(viewer: Member) -> Response:
    """The components of `frame/ui.html`; the numbers are made up and say so."""
    viewer.known()
    return page(viewer, "frame/examples.html", rows=ROWS)
