"""`/fasilitas`: the facilities worst first; `/fasilitas/{code}`: stock by batch, fridges live, open vials, alarms."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Response

from dashboard.alarms.queries import alarms
from dashboard.frame import labels
from dashboard.frame.exports import csv_answer
from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member
from dashboard.quota.queries import sessions_visible_to
from dashboard.stock.queries import (
    discards_at,
    facilities_with_stock,
    open_vials_at,
    parcels_at,
    worst_facilities_first,
)
from dashboard.stock.states import WORST_FIRST
from dashboard.temperature.places import places_of
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.queries import areas_served_by, facility_by_code_or_id

router = Router(include_in_schema=False)

# What a phone shows before somebody asks for the rest.
FIRST_FACILITIES = 25
FIRST_PRODUCTS = 8
FIRST_PARCELS = 6
FIRST_SESSIONS = 4


@router.get("/fasilitas")
def show_facilities(viewer: Member, db: Db, keadaan: str = "", semua: bool = False) -> Response:
    """The facilities of the caller's subtree, worst first; `keadaan` keeps one stock state, `semua` shows them all."""
    found = worst_facilities_first(facilities_with_stock(db, viewer.known(), viewer.now))
    tally = {state: sum(f.state == state for f in found) for state in WORST_FIRST}
    chosen = keadaan if keadaan in tally else ""
    listed = [f for f in found if chosen in ("", f.state)]
    shown = listed if semua else listed[:FIRST_FACILITIES]
    texts = viewer.texts
    choices = [("/fasilitas", texts.gettext("Semua") + f" {texts.number(len(found))}", not chosen)]
    for state, count in tally.items():
        if count:
            name = f"{texts.gettext(labels.STOCK_STATE[state])} {texts.number(count)}"
            choices.append((f"/fasilitas?keadaan={state}", name, state == chosen))
    return page(
        viewer,
        "facility/facilities.html",
        facilities=shown,
        hidden=len(listed) - len(shown),
        choices=choices,
        chosen=chosen,
    )


@router.get("/fasilitas.csv")
def export_facilities(viewer: Member, db: Db) -> Response:
    """One line a facility and product: what lies there, for a spreadsheet."""
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
    rows = [
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
        for facility in facilities_with_stock(db, viewer.known(), viewer.now)
        for product in facility.products
    ]
    return csv_answer("stok", viewer.now, head, rows)


@router.get("/fasilitas/{code}")
def show_facility(code: str, viewer: Member, db: Db, semua: bool = False) -> Response:
    """One facility; outside the caller's subtree there is no such page. `semua` shows whole lists."""
    principal = viewer.known()
    facility = facility_by_code_or_id(db, principal, code, Permission.STOCK_READ)
    stock = facilities_with_stock(db, principal, viewer.now, facility.id)
    products = stock[0].worst_first() if stock else []
    parcels, lying = parcels_at(db, facility, viewer.now, limit=None if semua else FIRST_PARCELS)
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
        open_vials=open_vials_at(db, facility),
        discards=discards_at(db, facility, viewer.now),
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
    )
