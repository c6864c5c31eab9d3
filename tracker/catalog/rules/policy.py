"""What may be wrong with the figures of a product. Pure."""

from __future__ import annotations

from enum import StrEnum


class PolicyFault(StrEnum):
    """Why a figure or code of a product is refused."""

    OUT_OF_RANGE = "out_of_range"
    MALFORMED = "malformed"
    GTIN_OR_NIE = "gtin_or_nie"
    HOURS_OR_DAYS = "hours_or_days"
    MULTI_DOSE_LIMIT = "multi_dose_limit"
