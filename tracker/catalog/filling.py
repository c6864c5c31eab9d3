"""Filling a new house: vaccines, storage classes and products at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.service import (
    NewPresentation,
    NewStorageClass,
    add_presentation,
    ensure_storage_class,
    ensure_vaccine,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What to make known; vaccines as (code, name)."""

    vaccines: Sequence[tuple[str, str]]
    storage_classes: Sequence[NewStorageClass]
    products: Sequence[NewPresentation]


def fill_catalog(db: Session, principal: Principal, command: Filling, *, now: datetime) -> None:
    """Make known what is not yet; each is told on the feed. Raises what the single use cases raise."""
    for code, name in command.vaccines:
        ensure_vaccine(db, principal, code=code, name=name, now=now)
    for storage_class in command.storage_classes:
        ensure_storage_class(db, principal, storage_class, now=now)
    for product in command.products:
        add_presentation(db, principal, product, now=now)
