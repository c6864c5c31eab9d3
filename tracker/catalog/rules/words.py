"""Words of this room. Pure."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why the catalogue says something else now."""

    MISTAKE = "mistake"  # it was read or typed wrongly
    OFFICIAL = "official"  # its maker or the regulator changed it; old labels were right
