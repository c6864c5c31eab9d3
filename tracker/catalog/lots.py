"""Lots that are, or may be, one another: read wrongly, typed alike, or run together with what stood behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session, aliased

from tracker.catalog.models import Batch, look_of
from tracker.catalog.rules.lots import goes_on, lot_before_expiry, lots_within


@dataclass(frozen=True, slots=True)
class Lost:
    """What a label most likely says whose separator was lost; `batch` where that lot is known."""

    lot: str
    batch: Batch | None


def lost_separator(
    db: Session, presentation_id: UUID, elements: Mapping[str, str], expiry: date | None, *, today: date
) -> Lost | None:
    """The lot that an unknown one begins with (or looks so), going on like another identifier; None when there is none.

    `elements` by application identifier, as they were read; `expiry` when it was read or typed beside them.
    """
    within = lots_within(elements, today)
    known = within and db.scalar(
        select(Batch)
        .where(
            Batch.presentation_id == presentation_id,
            # Who loses separators may change case and marks as well.
            text(f"batch.look IN (SELECT {look_of('within.lot')} FROM unnest(CAST(:within AS text[])) AS within(lot))"),
        )
        .order_by(Batch.lot.in_(within).desc(), func.length(Batch.lot).desc())
        .limit(1),
        {"within": within},
    )
    if known:
        return Lost(known.lot, known)
    # Nobody knows the lot yet, but it holds the expiry that the label must have: none else was read, or the same.
    guess = lot_before_expiry(elements.get("10", ""), today)
    return Lost(guess[0], None) if guess is not None and expiry in (None, guess[1]) else None


def may_be_taken_for(mine: str, other: str) -> str:
    """In SQL: whether the lot of one row of `batch` may be an `other`'s, before `rules.lots` has looked closely."""
    return (
        f"{other}.presentation_id = {mine}.presentation_id AND {other}.id <> {mine}.id AND {other}.joined_into_id IS NULL AND ({other}.look = {mine}.look"
        f" OR starts_with({other}.lot, {mine}.lot) OR starts_with({mine}.lot, {other}.lot))"
    )


_mine, _other = aliased(Batch, name="mine"), aliased(Batch, name="other")
_ALIKE = (
    select(_mine.id, _mine.lot, _mine.look, _other)
    .join(_other, text(may_be_taken_for("mine", "other")))
    .where(_mine.id.in_(bindparam("batch_ids", expanding=True)))
    .order_by(_other.lot)
)


def look_alikes(db: Session, batch_ids: Collection[UUID], *, today: date) -> dict[UUID, list[Batch]]:
    """The other lots of the same product that one could take for each of these, in one statement; by lot.

    They differ in case, marks or letters that look like digits, or one is the other with its separator lost.
    """
    rows = db.execute(_ALIKE, {"batch_ids": list(batch_ids)})
    found: dict[UUID, list[Batch]] = {batch_id: [] for batch_id in batch_ids}
    for batch_id, lot, look, each in rows:
        if each.look == look or goes_on(lot, each.lot, today) or goes_on(each.lot, lot, today):
            found[batch_id].append(each)
    return found


def that_look_like(db: Session, presentation_id: UUID, lot: str) -> list[Batch]:
    """The known lots of a product that one could take for a lot that is not known."""
    return list(
        db.scalars(
            select(Batch)
            .where(Batch.presentation_id == presentation_id, text(f"batch.look = {look_of(':lot')}"))
            .order_by(Batch.lot),
            {"lot": lot},
        )
    )


def warned_of(alike: Collection[Batch]) -> list[str]:
    """The words in which answers warn of look-alikes."""
    return [f"looks_like {batch.lot}" for batch in alike]


def alike_warned(db: Session, batch_ids: Collection[UUID], *, today: date) -> list[str]:
    """The warnings of an answer that brings goods in: other lots that one could take for one of these, each once."""
    alike = look_alikes(db, batch_ids, today=today)
    return list(dict.fromkeys(warned_of([other for others in alike.values() for other in others])))
