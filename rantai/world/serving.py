"""Whose people the story's puskesmas serves: three kelurahan, as many puskesmas do, and not only the one where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from sqlalchemy.orm import Session

from rantai.world.calendar import DAYS, Act, Calendar, Staff
from rantai.world.names import STORY
from tracker.network.serving import ServeAreas, serve_areas

# Kelurahan of Kecamatan Cipondoh in which no puskesmas of the world stands: Cipondoh Makmur, Cipondoh Indah.
SERVED = ("36.71.05.1002", "36.71.05.1003")


def service_areas_on(calendar: Calendar, back: int) -> Iterator[Act]:
    """The city's health office says so on the first day; what is changed on the page later stays so."""
    if back == DAYS - 1:
        yield Act(at=calendar.at(back, time(7, 0)), do=_serve)


def _serve(db: Session, staff: Staff, now: datetime) -> None:
    serve_areas(db, staff(db, "kota"), ServeAreas(facility=STORY, areas=SERVED), now=now)
