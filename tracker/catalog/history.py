"""What the catalogue said before: facts that were corrected or officially changed, with reason and source."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, or_, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.errors import CorrectionIncomplete
from tracker.catalog.models import Batch, CatalogChange, Presentation
from tracker.catalog.rules.words import Cause
from tracker.kit.ids import uuid7

# The facts by which labels are read: changing one needs a reason.
CODES = ("gtin", "box_gtin", "nie")
READ_BY = (*CODES, "expiry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Why a fact changes. An official change names its source (a letter, a notice) and that one's day."""

    cause: Cause = Cause.MISTAKE
    reason: str | None = None
    source: str | None = None
    source_date: date | None = None


def note_changes(
    db: Session,
    principal: Principal,
    of: Batch | Presentation,
    before: dict[str, object],
    why: Correction,
    *,
    now: datetime,
) -> None:
    """Keep what was said before, by field; nothing of it is ever changed or forgotten. Raises CorrectionIncomplete."""
    if before.keys() & set(READ_BY):
        if not why.reason:
            raise CorrectionIncomplete(field="reason")
        if why.cause is Cause.OFFICIAL and not (why.source and why.source_date):
            raise CorrectionIncomplete(field="source" if not why.source else "source_date")
    for field, old in before.items():
        db.add(
            CatalogChange(
                id=uuid7(),
                batch_id=of.id if isinstance(of, Batch) else None,
                presentation_id=of.id if isinstance(of, Presentation) else None,
                field=field,
                before=None if old is None else str(old),
                after=str(getattr(of, field)),
                cause=why.cause,
                reason=why.reason,
                source=why.source,
                source_date=why.source_date,
                changed_at=now,
                account_id=principal.account_id,
                changed_by=principal.name,
            )
        )


def changes_of(db: Session, of: Batch | Presentation) -> list[CatalogChange]:
    """What was changed of a batch or a product, oldest first."""
    mine = CatalogChange.batch_id == of.id if isinstance(of, Batch) else CatalogChange.presentation_id == of.id
    return list(db.scalars(select(CatalogChange).where(mine).order_by(CatalogChange.changed_at, CatalogChange.id)))


def once_expired_on(db: Session, batch: Batch, expiry: date) -> bool:
    """Whether the catalogue once said this expiry of the batch, so that labels may still say it."""
    known = select(CatalogChange.id).where(
        CatalogChange.batch_id == batch.id, CatalogChange.field == "expiry", CatalogChange.before == str(expiry)
    )
    return db.scalar(known.limit(1)) is not None


def said_to_expire(db: Session, batch: Batch) -> list[tuple[date, datetime]]:
    """Expiries of a batch that were put right, each with until when it stood."""
    changes = (change for change in changes_of(db, batch) if change.field == "expiry" and change.before)
    return [(date.fromisoformat(str(change.before)), change.changed_at) for change in changes]


def last_day_then(at: datetime) -> ColumnElement[date]:
    """Of a `Batch` of the query: the last day on which what was done at `at` may have been done.

    By the catalogue now, or by what it said since then. In Python: `tracker/stock/rules/vials.py`.
    """
    said = select(func.max(cast(CatalogChange.before, Date))).where(
        CatalogChange.batch_id == Batch.id, CatalogChange.field == "expiry", CatalogChange.changed_at > at
    )
    return func.greatest(Batch.expiry, said.correlate(Batch).scalar_subquery())


def former_codes(db: Session, presentation_ids: Collection[UUID]) -> dict[UUID, dict[str, list[str]]]:
    """Of products by id: the codes that each had before, by field."""
    changes = db.execute(
        select(CatalogChange.presentation_id, CatalogChange.field, CatalogChange.before)
        .where(
            CatalogChange.presentation_id.in_(list(presentation_ids)),
            CatalogChange.field.in_(CODES),
        )
        .order_by(CatalogChange.changed_at, CatalogChange.id)
    )
    found: dict[UUID, dict[str, list[str]]] = {}
    for presentation_id, field, before in changes:
        if presentation_id is not None and before is not None:
            found.setdefault(presentation_id, {}).setdefault(field, []).append(before)
    return found


def once_coded(
    db: Session, code: str, fields: Collection[str], *, cause: Cause | None = None
) -> tuple[Presentation, str] | None:
    """The product that had this code before (only for this cause, if one is given), and in which field; the last that had."""
    query = (
        select(Presentation, CatalogChange.field)
        .join(CatalogChange, CatalogChange.presentation_id == Presentation.id)
        .where(CatalogChange.before == code, or_(*(CatalogChange.field == field for field in fields)))
        .order_by(CatalogChange.changed_at.desc())
        .limit(1)
    )
    row = db.execute(query if cause is None else query.where(CatalogChange.cause == cause)).first()
    return None if row is None else (row[0], row[1])
