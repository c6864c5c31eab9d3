"""`/fasilitas`: the facilities worst first; `/fasilitas/{code}`: stock by batch, fridges live, open vials, alarms."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from fastapi import Request, Response
from sqlalchemy.orm import Session

from dashboard.alarms.queries import alarms
from dashboard.frame import labels
from dashboard.frame.exports import Parts
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts, mark
from dashboard.frame.viewer import Member
from dashboard.quota.queries import sessions_visible_to
from dashboard.stock.areas import (
    FacilityKey,
    areas_of,
    next_facilities,
    sight_of,
    tally_of,
    worst_areas_first,
    worst_listed,
)
from dashboard.stock.queries import (
    FacilityStock,
    discard_list,
    facilities_with_stock,
    open_vial_list,
    parcels_at,
    worst_facilities_first,
)
from dashboard.temperature.places import places_of
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.queries import areas_served_by, facility_by_code_or_id, path_of

router = Router(include_in_schema=False)

# Facilities on a page of the list, and facilities in one part of a file.
A_PAGE = 25
A_PART = 100
# What a phone shows before somebody asks for the rest.
FIRST_PRODUCTS = 8
FIRST_PARCELS = 6
FIRST_SESSIONS = 4
FIRST_VIALS = 6


@router.get("/fasilitas")
def show_facilities(viewer: Member, db: Db, keadaan: str = "", wilayah: str = "", sesudah: str = "") -> Response:
    """The facilities in sight, worst first, from where the page before ended; `keadaan` keeps one stock state, `wilayah` one area."""
    principal, texts = viewer.known(), viewer.texts
    sight = sight_of(db, principal, viewer.now, wilayah)
    below = areas_of(db, sight)
    tally = tally_of(below)
    total = sum(tally.values())
    chosen = keadaan if keadaan in tally else ""
    count = tally[chosen] if chosen else total
    turned = worst_listed(db, sight, most=A_PAGE, after=sesudah, state=chosen)
    where = {"wilayah": wilayah} if wilayah else {}

    def address(**more: object) -> str:
        asked = urlencode({**where, **more})
        return f"/fasilitas?{asked}" if asked else "/fasilitas"

    choices = [(address(), texts.gettext("Semua") + f" {texts.number(total)}", not chosen)]
    for state, number in tally.items():
        if number:
            name = f"{texts.gettext(labels.STOCK_STATE[state])} {texts.number(number)}"
            choices.append((address(keadaan=state), name, state == chosen))
    kept: dict[str, object] = {"keadaan": chosen} if chosen else {}
    return page(
        viewer,
        "facility/facilities.html",
        facilities=worst_facilities_first(facilities_with_stock(db, principal, viewer.now, turned.rows)),
        sight=sight,
        areas=[] if turned.begun or chosen else worst_areas_first(below),
        count=count,
        turned=turned,
        address=address(**kept),
        csv="/fasilitas.csv" + (f"?{urlencode(where)}" if where else ""),
        choices=choices,
        chosen=chosen,
    )


@router.get("/fasilitas.csv")
def export_facilities(request: Request, viewer: Member, db: Db, wilayah: str = "") -> Response:
    """One line a facility and product, by the facility's name: what lies there, for a spreadsheet; all that is in sight."""
    texts = viewer.texts
    head = [
        texts.gettext(word)
        for word in (
            mark("Kode"),
            mark("Fasilitas"),
            mark("Jenis"),
            mark("Produk"),
            mark("Keadaan"),
            mark("Siap pakai (vial)"),
            mark("Dosis per vial"),
            mark("Ditahan"),
        )
    ]
    principal = viewer.known()
    sight = sight_of(db, principal, viewer.now, wilayah)

    def read(db: Session, after: FacilityKey | None) -> tuple[list[tuple[object, ...]], FacilityKey | None]:
        keys = next_facilities(db, sight, after=after, limit=A_PART)
        found = facilities_with_stock(db, principal, viewer.now, [facility_id for _, facility_id in keys])
        return [line for facility in found for line in _lines(facility, texts)], keys[-1] if len(
            keys
        ) == A_PART else None

    return Parts(request, read).answer(db, "stok", viewer.now, head)


def _lines(facility: FacilityStock, texts: Texts) -> list[tuple[object, ...]]:
    return [
        (
            facility.code,
            facility.name,
            texts.gettext(labels.UNIT_KIND.get(facility.kind, facility.kind)),
            product.product,
            texts.gettext(labels.STOCK_STATE[product.state]),
            product.usable,
            product.doses_per_vial,
            product.held,
        )
        for product in facility.products
    ]


@router.get("/fasilitas/{code}")
def show_facility(code: str, viewer: Member, db: Db, semua: bool = False) -> Response:
    """One facility; outside the caller's subtree there is no such page. `semua` shows all its products."""
    principal = viewer.known()
    facility = facility_by_code_or_id(db, principal, code, Permission.STOCK_READ)
    stock = facilities_with_stock(db, principal, viewer.now, [facility.id])
    products = stock[0].worst_first() if stock else []
    parcels, lying = parcels_at(db, facility, viewer.now, limit=FIRST_PARCELS)
    shown = len(products) if semua else FIRST_PRODUCTS
    return page(
        viewer,
        "facility/facility.html",
        facility=facility,
        products=products[:shown],
        products_hidden=max(0, len(products) - shown),
        state=stock[0].state if stock else "unreported",
        parcels=parcels,
        parcels_hidden=lying - len(parcels),
        open_vials=open_vial_list(db, facility, most=FIRST_VIALS),
        discards=discard_list(db, facility, viewer.now, most=FIRST_VIALS),
        places=places_of(db, facility, viewer.now),
        sessions=sessions_visible_to(
            db,
            principal,
            viewer.now,
            ahead=timedelta(days=14),
            facility_id=facility.id,
            limit=FIRST_SESSIONS,
        ),
        served=areas_served_by(db, facility),
        alarms=alarms(db, principal, facility_id=facility.id, limit=5),
        may_work=principal.may(Permission.STOCK_WRITE, path_of(db, facility.id)),
    )
