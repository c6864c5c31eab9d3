"""How large a nation is, and which numbers stand for which place in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

PROVINCES, CITIES, PUSKESMAS, LOTS = 38, 514, 10_400, 3_000
# What one puskesmas has done in the half year: lots that came, vials opened of each, people of each session.
LOTS_EACH, OPENED_EACH, VIALS_EACH = 12, 9, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Nation:
    """So many places and lots, as things stand at `now`. A city has some twenty puskesmas, however large the nation."""

    now: datetime
    provinces: int = PROVINCES
    cities: int = CITIES
    puskesmas: int = PUSKESMAS
    lots: int = LOTS
    history: int = 1

    @classmethod
    def shrunk(cls, now: datetime, by: int) -> Nation:
        """The same at one part in `by`; never less than two provinces with a city each."""
        puskesmas = max(40, PUSKESMAS // by)
        cities = max(2, round(puskesmas * CITIES / PUSKESMAS))
        provinces = max(2, round(cities * PROVINCES / CITIES))
        return cls(now=now, provinces=provinces, cities=cities, puskesmas=puskesmas, lots=max(30, LOTS // by))

    @property
    def values(self) -> dict[str, Any]:
        """Parameters of the statements that make it."""
        return {
            "now": self.now,
            "provinces": self.provinces,
            "cities": self.cities,
            "puskesmas": self.puskesmas,
            "lots": self.lots,
            "lots_each": LOTS_EACH,
            "opened_each": OPENED_EACH,
            "vials_each": VIALS_EACH,
        }


# Ids rise with their number, as those of the house do: what lies together in time lies together on the disk.
FUNCTIONS = """
    CREATE FUNCTION pg_temp.nid(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (lpad(to_hex(n), 12, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8000000000000000')::uuid $$;
    CREATE FUNCTION pg_temp.unit(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT pg_temp.nid(1, n) $$;
    -- The n-th unit's first place; the next one's is one more.
    CREATE FUNCTION pg_temp.place(unit bigint, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT pg_temp.nid(2, unit * 10 + n) $$;
    CREATE FUNCTION pg_temp.lot(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT pg_temp.nid(3, n) $$;
"""
# Numbers of units: 0 the nation, 1 the maker's warehouse, then provinces, cities and puskesmas from these on.
PROVINCE, CITY, FIRST_PUSKESMAS = 100, 1_000, 10_000
