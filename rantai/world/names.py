"""Ids of the world's things: the same name, the same id, so that seeding again finds what is there."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

STORY = "pkm-cipondoh"
NEIGHBOURS = ("pkm-ketapang", "pkm-gondrong", "pkm-poris-plawad")
BUSY = ("pkm-ciledug", "pkm-tanah-tinggi", "pkm-cibodas-baru", "pkm-karawaci-baru", "pkm-poris-gaga", "pkm-jatake")
"""Others that vaccinated in sessions in the weeks before."""

CITY_STORE = "dinkes-kota-tangerang"


def event_id(name: str) -> UUID:
    """The id that belongs to a name."""
    return uuid5(NAMESPACE_URL, f"https://rantai.invalid/world/{name}")
