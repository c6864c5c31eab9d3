"""What lies in the fridges when the world begins: opening balances, back-dated so that sensors can harm them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.names import BUSY, CITY_STORE, NEIGHBOURS, STORY, event_id
from rantai.world.places import has_second_fridge, puskesmas_rows
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockEvent
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningBalance:
    """Vials of one batch in one place, as the seed first books them."""

    batch: str
    place: str
    vials: int


# Vials at one puskesmas two weeks before the world is made: first lot, second lot. What is given every week leaves about a
# month's need of it; deterministic differences come from the code below.
_PUSKESMAS_VIALS = {
    "coronavac-10": (("CV21060A", 4), ("CV21073B", 6)),
    "astrazeneca-10": (("AZ4120", 4), ("AZ4188", 7)),
    "pentabio-5": (("5012324", 4), ("5014424", 3)),
    "bcg-20": (("1120423", 3),),
    "mr-10": (("0120M031", 3),),
    "bopv-10": (("2080623", 6),),
    "ipv-5": (("A2330X", 6),),
    "td-10": (("7300124", 6),),
}
_STORES = {
    # place suffix and vials of each lot, by facility
    CITY_STORE: ("r1", 400),
    "dinkes-banten": ("r1", 2_000),
    "dinkes-dki": ("r1", 2_000),
    "biofarma": ("r1", 60_000),
}
# COVID vaccines lie in the first fridge of the story, the rest in the second: the heat takes the promises.
_COVID = ("coronavac-10", "astrazeneca-10")
# A lot that came to few places and was called back since: (batch, vials by place).
CALLED_BACK = "mr-10/0119M044"
_CALLED_BACK_AT = {f"{CITY_STORE}-r1": 36, "pkm-ciledug-k1": 3, "pkm-jatake-k1": 3, "pkm-poris-gaga-k1": 2}


def balances_of(facility: str) -> Iterator[OpeningBalance]:
    """What a puskesmas has; a few have nothing of one vaccine, so that the pages have something to say."""
    for position, (product, lots) in enumerate(_PUSKESMAS_VIALS.items()):
        draw = sum(map(ord, facility)) + 7 * position
        if draw % 23 == 0 and facility not in (STORY, *NEIGHBOURS, *BUSY):
            continue
        for lot, vials in lots:
            yield OpeningBalance(batch=f"{product}/{lot}", place=_place(facility, product), vials=vials + draw % 3)


def _place(facility: str, product: str) -> str:
    if facility == STORY:
        return f"{facility}-{'k1' if product in _COVID else 'k2'}"
    return f"{facility}-{'k2' if has_second_fridge(facility) and product == 'td-10' else 'k1'}"


def seed_stock(db: Session, batches: Mapping[str, Batch], *, now: datetime) -> None:
    """Post the opening balance of every facility that has none, as of `now`."""
    facilities = {row.code: row.id for row in db.execute(select(Facility.code, Facility.id))}
    places = {row.code: row.id for row in db.execute(select(Equipment.code, Equipment.id))}
    for name, balances in _opening_balances(batches):
        post = PostEvent(
            id=event_id(f"opening balance of {name}"),
            kind=Kind.SUPPLY,
            facility_id=facilities[name],
            occurred_at=now,
            reference="saldo awal",
            lines=tuple(
                Line(batch_id=batches[balance.batch].id, vials=balance.vials, place_id=places[balance.place])
                for balance in balances
            ),
        )
        if db.get(StockEvent, post.id) is None:
            post_event(db, SYSTEM, post, now=now)


def _opening_balances(batches: Mapping[str, Batch]) -> Iterator[tuple[str, list[OpeningBalance]]]:
    for facility, (suffix, vials) in _STORES.items():
        yield (
            facility,
            [
                # OPV lies frozen in stores, cold at the puskesmas.
                OpeningBalance(batch=key, place=f"{facility}-{'f1' if key.startswith('bopv') else suffix}", vials=vials)
                for key in batches
                if key != CALLED_BACK
            ]
            + _called_back_at(facility),
        )
    for row in puskesmas_rows():
        yield row["code"], [*balances_of(row["code"]), *_called_back_at(row["code"])]


def _called_back_at(facility: str) -> list[OpeningBalance]:
    return [
        OpeningBalance(batch=CALLED_BACK, place=place, vials=vials)
        for place, vials in _CALLED_BACK_AT.items()
        if place.rpartition("-")[0] == facility
    ]
