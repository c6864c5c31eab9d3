"""Whole lists of a facility: `/fasilitas/{code}/batch`, what lies there closed; `/vial`, what is open, and of what doses were
thrown away of late.
"""

from __future__ import annotations

from fastapi import Response

from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member
from dashboard.stock.queries import discard_list, open_vial_list, parcel_list
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.queries import facility_by_code_or_id

router = Router(include_in_schema=False)

A_PAGE = 25
SHOWS = {"terbuka": mark("Terbuka"), "terbuang": mark("Terbuang sepekan ini")}


@router.get("/fasilitas/{code}/batch")
def show_parcels(code: str, viewer: Member, db: Db, sesudah: str = "") -> Response:
    """Closed vials by product, expiry, lot and place; `sesudah` where the page before ended."""
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    turned = parcel_list(db, facility, viewer.now, after=sesudah, most=A_PAGE)
    return page(viewer, "facility/parcels.html", facility=facility, turned=turned)


@router.get("/fasilitas/{code}/vial")
def show_vials(code: str, viewer: Member, db: Db, tampil: str = "terbuka", sesudah: str = "") -> Response:
    """`tampil`: terbuka or terbuang; `sesudah` where the page before ended."""
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    show = tampil if tampil in SHOWS else "terbuka"
    if show == "terbuka":
        opened, thrown = open_vial_list(db, facility, after=sesudah, most=A_PAGE), None
    else:
        opened, thrown = None, discard_list(db, facility, viewer.now, after=sesudah, most=A_PAGE)
    path = f"/fasilitas/{facility.code}/vial"
    return page(
        viewer,
        "facility/vials.html",
        facility=facility,
        opened=opened,
        thrown=thrown,
        address=f"{path}?tampil={show}",
        choices=[(f"{path}?tampil={name}", viewer.texts.gettext(word), name == show) for name, word in SHOWS.items()],
    )
