"""Places to choose from behind a ticket's secret: for its next dose, another day, or somebody of the family."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Response
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Viewer
from tracker.network.rules.distance import Point
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places
from tracker.registration.service.finding import named

SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is chosen: its words, the page it began on and its own, and which sessions; `nothing` and `way_out` where there are none."""

    title: str
    intro: str
    nothing: str
    way_out: str
    back: str
    here: str
    where: tuple[ColumnElement[bool], ...]
    near: Point | None


def choose(
    viewer: Viewer,
    db: Session,
    choice: Choice,
    seeker: Seeker,
    *,
    tempat: str = "",
    cursor: str | None = None,
    problem: str = "",
) -> Response:
    """Sessions with room for this person, a few a page, the nearest first."""
    where = (*choice.where, named(tempat)) if tempat else choice.where
    asked = PlacesAsked(where=where, near=choice.near)
    found = seek_places(db, seeker, asked, limit=SHOWN, now=viewer.now, cursor=cursor)
    answer = page(
        viewer,
        "citizens/choose.html",
        status=422 if problem else 200,
        choice=choice,
        tempat=tempat,
        places=found.places,
        cursor=found.cursor,
        later=bool(cursor),
        problem=problem,
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
