"""`/fasilitas`: the facilities worst first; `/fasilitas/{code}`: stock by batch, fridges live, open vials, alarms."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Response

from dashboard.alarms.queries import alarms
from dashboard.frame import labels
from dashboard.frame.exports import csv_answer
from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member
from dashboard.quota.queries import sessions_visible_to
from dashboard.stock.areas import areas_of, sight_of, tally_of, worst_areas_first, worst_facilities
from dashboard.stock.queries import (
    discards_at,
    facilities_with_stock,
    open_vials_at,
    parcels_at,
    worst_facilities_first,
)
from dashboard.temperature.places import places_of
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.queries import areas_served_by, facility_by_code_or_id

router = Router(include_in_schema=False)

# Facilities on a page of the list, how many pages one can turn, and facilities in a file: more than a city has.
A_PAGE = 25
MOST_PAGES = 1_000
MOST_EXPORTED = 100
# What a phone shows before somebody asks for the rest.
FIRST_PRODUCTS = 8
FIRST_PARCELS = 6
FIRST_SESSIONS = 4


@router.get("/fasilitas")
def show_facilities(
    viewer: Member,
    db: Db,
    keadaan: str = "",
    wilayah: str = "",
    halaman: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
) -> Response:
    """The facilities in sight, worst first, a page at a time; `keadaan` keeps one stock state, `wilayah` one area."""
    principal, texts = viewer.known(), viewer.texts
    sight = sight_of(db, principal, viewer.now, wilayah)
    below = areas_of(db, sight)
    tally = tally_of(below)
    total = sum(tally.values())
    chosen = keadaan if keadaan in tally else ""
    count = tally[chosen] if chosen else total
    passed = (halaman - 1) * A_PAGE
    worst = worst_facilities(db, sight, limit=A_PAGE, offset=passed, state=chosen)
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
        facilities=worst_facilities_first(facilities_with_stock(db, principal, viewer.now, worst)),
        sight=sight,
        areas=worst_areas_first(below) if halaman == 1 and not chosen else [],
        first=passed + 1,
        last=passed + len(worst),
        count=count,
        before=address(**kept, **({"halaman": halaman - 1} if halaman > 2 else {})) if halaman > 1 else "",
        after=address(**kept, halaman=halaman + 1) if passed + len(worst) < count and halaman < MOST_PAGES else "",
        csv="/fasilitas.csv" + (f"?{urlencode(where)}" if where else ""),
        choices=choices,
        chosen=chosen,
    )


@router.get("/fasilitas.csv")
def export_facilities(viewer: Member, db: Db, wilayah: str = "") -> Response:
    """One line a facility and product: what lies there, for a spreadsheet. The worst facilities, and how many more there are."""
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
    worst = worst_facilities(db, sight, limit=MOST_EXPORTED)
    rows: list[tuple[object, ...]] = [
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
        for facility in facilities_with_stock(db, principal, viewer.now, worst)
        for product in facility.products
    ]
    hidden = sum(tally_of(areas_of(db, sight)).values()) - len(worst)
    if hidden > 0:
        rows.append(
            (
                texts.ngettext(
                    "%(n)s fasilitas lagi tidak termuat: pilih wilayahnya, lalu unduh di sana.",
                    "%(n)s facilities more are not in this file: choose their area, and download it there.",
                    hidden,
                ),
            )
        )
    return csv_answer("stok", viewer.now, head, rows)


@router.get("/fasilitas/{code}")
def show_facility(code: str, viewer: Member, db: Db, semua: bool = False) -> Response:
    """One facility; outside the caller's subtree there is no such page. `semua` shows whole lists."""
    principal = viewer.known()
    facility = facility_by_code_or_id(db, principal, code, Permission.STOCK_READ)
    stock = facilities_with_stock(db, principal, viewer.now, [facility.id])
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
