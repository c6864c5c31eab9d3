"""What a form offers to choose from: all where a list holds it, else the first, those that are alike, and a field for the code."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from dashboard.frame.texts import mark
from tracker.catalog.models import Presentation
from tracker.edge.words import Seen
from tracker.network.models import Equipment, Facility

MOST = 100
UNKNOWN = mark("Tidak ada pilihan dengan kode itu. Pilih yang mirip, atau tulis kodenya.")
Said = Annotated[str, Seen, Query(max_length=100)]
"""What an address says of a choice: a code, or letters of it."""
Coded = TypeVar("Coded", bound=Facility | Equipment | Presentation)


class Choices(list[Coded]):
    """Some of what there is. `cut`: there is more, and any of it may be written; `alike`: these are what was written may mean."""

    def __init__(self, rows: Sequence[Coded], *, cut: bool = False, alike: bool = False) -> None:
        super().__init__(rows)
        self.cut, self.alike = cut, alike

    @property
    def only(self) -> Coded | None:
        """The one there is, where there is but one."""
        return self[0] if len(self) == 1 and not self.alike else None


def choices(
    db: Session, query: Select[Coded], of: type[Coded], *, said: str = "", first: Sequence[Any] = ()
) -> Choices[Coded]:
    """What of the query's rows to offer, `first` before the others, else by name; `said`: a code, or letters of code or name."""
    ordered = query.order_by(*first, of.name, of.code).limit(MOST + 1)
    rows = db.scalars(ordered).all()
    if len(rows) <= MOST:
        return Choices(rows)
    if said:
        letters = or_(of.code.icontains(said, autoescape=True), of.name.icontains(said, autoescape=True))
        found = db.scalars(ordered.where(letters)).all()
        if found:
            return Choices(found[:MOST], cut=len(found) > MOST, alike=len(found) <= MOST)
    return Choices(rows[:MOST], cut=True)


def known(db: Session, query: Select[Coded], of: type[Coded], codes: Collection[str]) -> dict[str, Coded]:
    """Which of these codes are among the query's rows."""
    return {one.code: one for one in db.scalars(query.where(of.code.in_(codes)))} if codes else {}
