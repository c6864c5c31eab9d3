"""`/pengiriman`: what is on the road, what is late, what did not arrive as it was sent."""

from __future__ import annotations

from fastapi import APIRouter, Response

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from dashboard.shipments.queries import SHOWS, names_of, shipments
from tracker.edge.deps import Db
from tracker.shipments.presenting import shipment_detail

router = APIRouter(include_in_schema=False)


@router.get("/pengiriman")
def show_shipments(viewer: Member, db: Db, tampil: str = "going") -> Response:
    """The list; `tampil` is going, done or all."""
    show = tampil if tampil in SHOWS else "going"
    found = shipments(db, viewer.known(), viewer.now, show)
    return page(viewer, "shipments/shipments.html", shipments=found, show=show, shows=list(SHOWS))


@router.get("/pengiriman/{ref}")
def show_shipment(ref: str, viewer: Member, db: Db) -> Response:
    """One shipment, by id or code, with everything both sides did."""
    found = shipment_detail(db, viewer.known(), ref, viewer.now)
    ends = names_of(db, (found.from_, found.to))
    return page(viewer, "shipments/shipment.html", shipment=found, sender=ends[found.from_], receiver=ends[found.to])
