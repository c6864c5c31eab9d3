"""`/pengiriman`: what is on the road, what is late, what did not arrive as it was sent."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request, Response
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.exports import Parts
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts, mark
from dashboard.frame.viewer import Member, Viewer
from dashboard.shipments.ends import ends_of
from dashboard.shipments.loggers import oddities
from dashboard.shipments.queries import (
    SHOWS,
    ShipmentKey,
    ShipmentRow,
    next_shipments,
    product_names,
    ready_vials,
    shipment_list,
)
from dashboard.stock.forms import Typed
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.edge.versions import version_of
from tracker.shipments.presenting import shipment_detail

router = Router(include_in_schema=False)


A_PAGE = 25


@router.get("/pengiriman")
def show_shipments(viewer: Member, db: Db, tampil: str = "going", sesudah: str = "") -> Response:
    """The list; `tampil` is going, done or all, `sesudah` where the page before ended."""
    show = tampil if tampil in SHOWS else "going"
    found = shipment_list(db, viewer.known(), viewer.now, show, after=sesudah, most=A_PAGE)
    words = {name: viewer.texts.gettext(labels.SHIPMENT_SHOW[name]) for name in SHOWS}
    return page(
        viewer,
        "shipments/shipments.html",
        shipments=found.rows,
        turned=found,
        show=show,
        choices=[(f"/pengiriman?tampil={name}", word, name == show) for name, word in words.items()],
    )


@router.get("/pengiriman.csv")
def export_shipments(request: Request, viewer: Member, db: Db) -> Response:
    """One line a shipment, the newest first, all of them, for a spreadsheet."""
    texts = viewer.texts
    words = (
        mark("Nomor"),
        mark("Dari"),
        mark("Ke"),
        mark("Keadaan"),
        mark("Vial diminta"),
        mark("Vial dikirim"),
        mark("Diterima"),
        mark("Selisih"),
        mark("Diharapkan tiba"),
    )

    def read(db: Session, after: ShipmentKey | None) -> tuple[list[tuple[object, ...]], ShipmentKey | None]:
        rows, last = next_shipments(db, viewer.known(), viewer.now, after)
        return [_line(row, texts) for row in rows], last

    return Parts(request, read).answer(db, "kiriman", viewer.now, [texts.gettext(word) for word in words])


def _line(s: ShipmentRow, texts: Texts) -> tuple[object, ...]:
    return (
        s.code,
        s.sender,
        s.receiver,
        texts.gettext(labels.SHIPMENT_STATE[s.state]),
        s.asked,
        s.sent,
        s.accepted,
        s.wrong,
        s.expected_at.isoformat() if s.expected_at else None,
    )


@router.get("/pengiriman/{ref}")
def show_shipment(ref: str, viewer: Member, db: Db, sudah: bool = False) -> Response:
    """One shipment, by id or code, with everything both sides did and what the viewer may do next."""
    return shipment_page(viewer, db, ref, Typed({}), before_you=sudah)


def agreed_fields(lines: Iterable[tuple[int, int | None]]) -> dict[str, str]:
    """What was agreed to of an order, by field of the form: nothing as long as nobody agreed."""
    return {f"setuju-{line}": "" if vials is None else str(vials) for line, vials in lines}


def shipment_page(viewer: Viewer, db: Session, ref: str, typed: Typed, *, before_you: bool = False) -> Response:
    """The page of a shipment; `before_you`: somebody else did what the viewer came for."""
    found = shipment_detail(db, viewer.known(), ref, viewer.now)
    ends = ends_of(db, viewer, str(found.id))
    codes = {line.product for line in found.lines} | {line.product for line in found.differences}
    codes |= {line.product for box in found.boxes for line in box.lines}
    codes |= {line.product for line in found.told.lines} if found.told else set()
    return page(
        viewer,
        "shipments/shipment.html",
        status=422 if typed.faults else 200,
        shipment=found,
        sender=ends.sender,
        receiver=ends.receiver,
        steps=ends.steps,
        products=product_names(db, codes),
        ready=ready_vials(db, ends.sender.id, viewer.now) if "approve" in ends.steps else {},
        oddities=oddities(db, viewer, [logger for receipt in found.receipts for logger in receipt.loggers]),
        before_you=before_you,
        version=version_of(agreed_fields((n, line.approved) for n, line in enumerate(found.lines))),
        typed=typed,
    )
