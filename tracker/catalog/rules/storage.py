"""Storage classes: ordered condition bands with time budgets and dates of effect. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

ABSOLUTE_ZERO_C = -273.15


class VvmType(StrEnum):
    """Vaccine vial monitor types; the number is the days to the end point at 37 °C."""

    VVM2 = "VVM2"
    VVM7 = "VVM7"
    VVM11 = "VVM11"
    VVM14 = "VVM14"
    VVM30 = "VVM30"
    VVM250 = "VVM250"


class Budget(StrEnum):
    """How long a vial may stay within a band."""

    SHELF_LIFE = "shelf_life"  # until it expires: the band it is meant for
    ONCE = "once"  # one stay of at most `budget_h`
    CUMULATIVE = "cumulative"  # at most `budget_h` summed over all stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Temperatures from `min_c` to `max_c` inclusive, °C, allowed for a time.

    `no_return`: whoever has been in this band may not go back to a colder one (thawed mRNA vaccine).
    In effect from `effective_from` (None: always was) up to and including `effective_to` (None: still is).
    """

    name: str
    min_c: float
    max_c: float
    budget: Budget = Budget.SHELF_LIFE
    budget_h: float | None = None
    no_return: bool = False
    effective_from: date | None = None
    effective_to: date | None = None

    def in_effect(self, day: date) -> bool:
        """Whether the band is the rule on `day`."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_to is None or day <= self.effective_to
        )


class BandFault(StrEnum):
    """What is wrong with a condition band."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    NO_RANGE = "no_range"
    BUDGET = "budget"
    NO_TIME = "no_time"
    REVERSED = "reversed"
    NO_SHELF_LIFE = "no_shelf_life"


class BandsError(ValueError):
    """The bands do not make sense; `index` is the band, `detail` the value or the name that `reason` speaks of."""

    def __init__(self, index: int, reason: BandFault, detail: str = "") -> None:
        self.detail = detail
        self.index = index
        self.reason = reason
        super().__init__(f"band {index}: {reason} {detail}".rstrip())


def bands_from_json(values: Sequence[Any]) -> tuple[Band, ...]:
    """Read bands from their JSON form and check them; raises BandsError."""
    bands = []
    for index, value in enumerate(values):
        try:
            band = Band(
                name=str(value["name"]),
                min_c=float(value["min_c"]),
                max_c=float(value["max_c"]),
                budget=Budget(value.get("budget", Budget.SHELF_LIFE)),
                budget_h=None if value.get("budget_h") is None else float(value["budget_h"]),
                no_return=bool(value.get("no_return", False)),
                effective_from=_day(value.get("effective_from")),
                effective_to=_day(value.get("effective_to")),
            )
        except KeyError as error:
            raise BandsError(index, BandFault.MISSING, str(error.args[0])) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise BandsError(index, BandFault.UNREADABLE, str(error)) from None
        bands.append(band)
    check_bands(bands)
    return tuple(bands)


def bands_to_json(bands: Sequence[Band]) -> list[dict[str, Any]]:
    """The JSON form `bands_from_json` reads; absent fields are left out."""
    return [
        {
            key: value
            for key, value in (
                ("name", band.name),
                ("min_c", band.min_c),
                ("max_c", band.max_c),
                ("budget", band.budget.value),
                ("budget_h", band.budget_h),
                ("no_return", band.no_return or None),
                ("effective_from", band.effective_from.isoformat() if band.effective_from else None),
                ("effective_to", band.effective_to.isoformat() if band.effective_to else None),
            )
            if value is not None
        }
        for band in bands
    ]


def check_bands(bands: Sequence[Band]) -> None:
    """Raise BandsError unless there is a band for the whole shelf life and each is a possible range."""
    for index, band in enumerate(bands):
        if not ABSOLUTE_ZERO_C <= band.min_c < band.max_c <= 100:
            raise BandsError(index, BandFault.NO_RANGE, f"{band.min_c}…{band.max_c}")
        if (band.budget is Budget.SHELF_LIFE) != (band.budget_h is None):
            raise BandsError(index, BandFault.BUDGET)
        if band.budget_h is not None and not band.budget_h > 0:
            raise BandsError(index, BandFault.NO_TIME)
        if band.effective_from and band.effective_to and band.effective_to < band.effective_from:
            raise BandsError(index, BandFault.REVERSED)
    if not any(band.budget is Budget.SHELF_LIFE for band in bands):
        raise BandsError(len(bands), BandFault.NO_SHELF_LIFE)


def bands_on(bands: Sequence[Band], day: date) -> tuple[Band, ...]:
    """The bands in effect on `day`, in their order."""
    return tuple(band for band in bands if band.in_effect(day))


def band_of(bands: Sequence[Band], temperature_c: float) -> Band | None:
    """The first band that allows the temperature, or None: an excursion."""
    return next((band for band in bands if band.min_c <= temperature_c <= band.max_c), None)


def is_frozen_class(bands: Sequence[Band]) -> bool:
    """Whether the vaccine is meant to be kept below 0 °C; mean kinetic temperature has no meaning there."""
    return all(band.max_c <= 0 for band in bands if band.budget is Budget.SHELF_LIFE)


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))
