"""What lies in the fridges when the world begins: opening balances, back-dated so that sensors can harm them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.places import has_second_fridge, puskesmas_rows
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockEvent
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

# Stock has been there for days: a fridge that failed twelve hours ago had it inside.
LYING_SINCE = timedelta(days=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningBalance:
    """Vials of one batch in one place, as the seed first books them."""

    batch: str
    place: str
    vials: int


# Vials at one puskesmas: first lot, second lot; deterministic differences come from the code below.
_PUSKESMAS_VIALS = {
    "coronavac-10": (("CV21060A", 8), ("CV21073B", 14)),
    "astrazeneca-10": (("AZ4120", 4), ("AZ4188", 10)),
    "pentabio-5": (("5012324", 18), ("5014424", 20)),
    "bcg-20": (("1120423", 6),),
    "mr-10": (("0120M031", 10),),
    "bopv-10": (("2080623", 12),),
    "ipv-5": (("A2330X", 14),),
    "td-10": (("7300124", 16),),
}
_STORES = {
    # place suffix and vials of each lot, by facility
    "dinkes-kota-tangerang": ("r1", 400),
    "dinkes-banten": ("r1", 2_000),
    "dinkes-dki": ("r1", 2_000),
    "biofarma": ("r1", 60_000),
}
# COVID vaccines lie in the first fridge of the story, the rest in the second: the heat takes the promises.
_STORY = "pkm-cipondoh"
_COVID = ("coronavac-10", "astrazeneca-10")


def event_id(name: str) -> UUID:
    """The same name, the same event: seeding again finds it."""
    return uuid5(NAMESPACE_URL, f"https://rantai.invalid/world/{name}")


def balances_of(facility: str) -> Iterator[OpeningBalance]:
    """What a puskesmas has; a few have nothing of one vaccine, so that the pages have something to say."""
    for position, (product, lots) in enumerate(_PUSKESMAS_VIALS.items()):
        draw = sum(map(ord, facility)) + 7 * position
        if draw % 23 == 0 and facility not in (_STORY, "pkm-ketapang", "pkm-gondrong"):
            continue
        for lot, vials in lots:
            yield OpeningBalance(batch=f"{product}/{lot}", place=_place(facility, product), vials=vials + draw % 5)


def _place(facility: str, product: str) -> str:
    if facility == _STORY:
        return f"{facility}-{'k1' if product in _COVID else 'k2'}"
    return f"{facility}-{'k2' if has_second_fridge(facility) and product == 'td-10' else 'k1'}"


def seed_stock(db: Session, batches: Mapping[str, Batch], *, now: datetime) -> None:
    """Post the opening balance of every facility that has none."""
    facilities = {row.code: row.id for row in db.execute(select(Facility.code, Facility.id))}
    places = {row.code: row.id for row in db.execute(select(Equipment.code, Equipment.id))}
    for name, balances in _opening_balances(batches):
        post = PostEvent(
            id=event_id(f"opening balance of {name}"),
            kind=Kind.SUPPLY,
            facility_id=facilities[name],
            occurred_at=now - LYING_SINCE,
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
            ],
        )
    for row in puskesmas_rows():
        yield row["code"], list(balances_of(row["code"]))
