"""What the catalogue says on the feed; it belongs to the whole country."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

from tracker.feed.contract import Audience, Event, formerly


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCatalog(Event):
    """The subject of the event is the id of what is spoken of."""

    AUDIENCE: ClassVar[Audience] = Audience.NATION


@dataclass(frozen=True, slots=True, kw_only=True)
class VaccineAdded(_OfCatalog):
    """A vaccine is known now."""

    KIND: ClassVar[str] = "catalog.vaccine_added"

    vaccine_code: Annotated[str, formerly("vaccine")]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClassAdded(_OfCatalog):
    """A way of keeping vaccines is known now."""

    KIND: ClassVar[str] = "catalog.storage_class_added"

    storage_class_code: Annotated[str, formerly("storage_class")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationAdded(_OfCatalog):
    """A product, a vaccine as it is packed, is known now."""

    KIND: ClassVar[str] = "catalog.presentation_added"

    presentation_code: Annotated[str, formerly("product")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationChanged(_OfCatalog):
    """Facts of a product were put right; `changed` names them."""

    KIND: ClassVar[str] = "catalog.presentation_changed"

    presentation_code: Annotated[str, formerly("product")]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAdded(_OfCatalog):
    """A lot of a product is known now."""

    KIND: ClassVar[str] = "catalog.batch_added"

    presentation_code: Annotated[str, formerly("product")]
    lot: str
    expiry: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChanged(_OfCatalog):
    """Facts of a lot were put right; `changed` names them."""

    KIND: ClassVar[str] = "catalog.batch_changed"

    lot: str
    changed: tuple[str, ...]
