"""Wire shapes of the public listing: its names are those that PeduliLindungi's had, so that what read that reads this."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field


class PublicDayOut(BaseModel):
    """One day with one lot; `batch` is null for who was given nothing. `_1` and `_2` are the first and the second dose."""

    batch: str | None
    tanggal: date
    divaksin: int
    divaksin_1: int
    divaksin_2: int
    pending_vaksin: int = Field(description="Put off at screening.")
    pending_vaksin_1: int
    pending_vaksin_2: int
    batal_vaksin: int = Field(description="Called off, by them or at screening.")
    batal_vaksin_1: int
    batal_vaksin_2: int


class PublicFacilityOut(BaseModel):
    """A facility that vaccinates, with its days, the newest first."""

    id: UUID
    kode: str
    nama: str
    latitude: float | None
    longitude: float | None
    jenis_faskes: str
    source_data: str
    detail: list[PublicDayOut]
