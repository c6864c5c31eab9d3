"""Persons who never had a dose and whose bookings are long over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from tracker.database.letting_go import Piece
from tracker.people.forgetting import anonymise, old_persons
from tracker.people.models import Person
from tracker.quota.models import Booking, Claim, Displacement
from tracker.quota.rules.words import SEATED, OfferState

# Most persons are patients and stay, so a piece is so many that are looked at, not that go.
LOOKED_AT = 2_000
_NOBODY = UUID(int=0)


def persons_without_use(before: datetime) -> Select[*tuple[Any, ...]]:
    """Persons whom nothing medical and nothing under way speaks of, and with whom nothing was done since that instant.

    A dose, a screening and a claim are medical facts and stay with their person; so does whoever waits to be offered a place.
    """
    theirs = select(Booking.id).where(Booking.person_id == Person.id)
    needed = theirs.where(
        or_(
            Booking.changed_at >= before,
            Booking.state.in_(SEATED),
            Booking.screening.is_not(None),
            Booking.vaccinated_at.is_not(None),
        )
    )
    waits = theirs.join(Displacement, Displacement.booking_id == Booking.id).where(
        Displacement.state == OfferState.PENDING
    )
    claims = select(Claim.id).where(Claim.person_id == Person.id)
    return old_persons(before).where(~needed.exists(), ~waits.exists(), ~claims.exists())


@dataclass(frozen=True, slots=True)
class OldPersons:
    """Persons without use, found by looking at all in the order of their ids.

    `needed`: for whom a room above still has a use; True for rows of `Person`.
    """

    needed: ColumnElement[bool]

    def count(self, db: Session, before: datetime, *, most: int) -> int | None:
        """Nobody knows before the run: whoever asks would have to look at every person of the nation."""
        del db, before, most
        return None

    def count_all(self, db: Session, before: datetime) -> int:
        """How many there are; looks at every person."""
        count, after = 0, _NOBODY
        while (until := _last_of_next(db, after)) is not None:
            some = self._without_use(before, after, until)
            count += db.scalar(select(func.count()).select_from(some.subquery())) or 0
            after = until
        return count

    def next(self, db: Session, before: datetime, reached: str | None, *, now: datetime) -> Piece:
        """Look at the next persons and make nobody of those without use."""
        after = UUID(reached) if reached else _NOBODY
        until = _last_of_next(db, after)
        if until is None:
            return Piece(how_many=0, reached=None)
        some = self._without_use(before, after, until)
        ids = db.scalars(some.order_by(Person.id).with_for_update(skip_locked=True, of=Person)).all()
        if ids:
            # Their bookings stay, for counting, without a word that somebody wrote about them.
            db.execute(update(Booking).where(Booking.person_id.in_(ids)).values(override=None))
            anonymise(db, ids, now)
        return Piece(how_many=len(ids), reached=str(until))

    def _without_use(self, before: datetime, after: UUID, until: UUID) -> Select[*tuple[Any, ...]]:
        return persons_without_use(before).where(Person.id > after, Person.id <= until, ~self.needed)


def _last_of_next(db: Session, after: UUID) -> UUID | None:
    some = select(Person.id).where(Person.id > after).order_by(Person.id).limit(LOOKED_AT).subquery()
    return db.scalar(select(some.c.id).order_by(some.c.id.desc()).limit(1))
