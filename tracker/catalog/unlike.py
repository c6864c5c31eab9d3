"""Two lots that look alike: that they are two, or one, is said by whoever has compared their labels, and kept in the history."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.errors import BatchNotFound, CorrectionIncomplete, NotJoinedHere
from tracker.catalog.events import BatchChanged
from tracker.catalog.models import Batch, CatalogChange
from tracker.catalog.rules.words import Cause
from tracker.feed.service import append
from tracker.kit.ids import uuid7

# The field under which the history says so of a lot; `after` is the other one.
UNLIKE = "unlike"
# And under which it says that one was registered twice; `before` and `after` are the two spellings.
JOINED = "joined"
# And under which it says that this was a mistake.
PARTED = "parted"


def tell_apart(
    db: Session, principal: Principal, one_id: UUID, other_id: UUID, reason: str, *, now: datetime
) -> CatalogChange:
    """Say that two lots which look alike are two (national level); said again it is said already.

    Recalls and scans go on naming both: an eye may still mistake them. Raises Forbidden, BatchNotFound (or lots of two
    products), CorrectionIncomplete.
    """
    principal.require(Permission.CATALOG_WRITE)
    if not reason.strip():
        raise CorrectionIncomplete(field="reason")
    one, other = db.get(Batch, one_id), db.get(Batch, other_id)
    if one is None or other is None or one.id == other.id or one.presentation_id != other.presentation_id:
        raise BatchNotFound(batch=str(other_id if one is not None else one_id))
    said = db.scalar(
        select(CatalogChange)
        .where(
            CatalogChange.field == UNLIKE,
            CatalogChange.batch_id.in_((one.id, other.id)),
            CatalogChange.after.in_((one.lot, other.lot)),
        )
        .limit(1)
    )
    if said is not None:
        return said
    made = CatalogChange(
        id=uuid7(),
        batch_id=one.id,
        field=UNLIKE,
        before=one.lot,
        after=other.lot,
        cause=Cause.MISTAKE,
        reason=reason.strip(),
        changed_at=now,
        account_id=principal.account_id,
        changed_by=principal.name,
    )
    db.add(made)
    db.flush()
    return made


def note_joined(db: Session, principal: Principal, one: Batch, into: Batch, reason: str, *, now: datetime) -> None:
    """Let `one` name the lot that it is from now on, and whatever was joined into it as well; both histories say so.

    What lies of it the ledger tells of the other (`stock/service/joining.py`). Raises Forbidden, CorrectionIncomplete.
    """
    principal.require(Permission.CATALOG_WRITE)
    if not reason.strip():
        raise CorrectionIncomplete(field="reason")
    db.execute(
        update(Batch).where((Batch.id == one.id) | (Batch.joined_into_id == one.id)).values(joined_into_id=into.id)
    )
    _note_in_both(db, principal, JOINED, one, into, reason.strip(), now)
    db.refresh(one)


def part_lot(db: Session, principal: Principal, standing: Batch, lot: str, reason: str, *, now: datetime) -> Batch:
    """Say that a spelling which was joined into a lot is a lot of its own after all (national level); both histories say so.

    From then on its labels mean it again, and the two count as compared. What the ledger tells of the standing lot stays; at each facility it
    was at, a lot correction tells what is the other's (ADR 37). Said again it is said already. Raises Forbidden, CorrectionIncomplete, NotJoinedHere.
    """
    principal.require(Permission.CATALOG_WRITE)
    if not reason.strip():
        raise CorrectionIncomplete(field="reason")
    one = db.scalar(
        select(Batch)
        .where(Batch.presentation_id == standing.presentation_id, Batch.lot == lot.strip(), Batch.id != standing.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if one is None:
        raise NotJoinedHere(lot=lot.strip())
    if one.joined_into_id is None and _last_said(db, one) == PARTED:
        return one
    if one.joined_into_id != standing.id:
        raise NotJoinedHere(lot=one.lot)
    one.joined_into_id = None
    db.flush()
    _note_in_both(db, principal, PARTED, one, standing, reason.strip(), now)
    tell_apart(db, principal, one.id, standing.id, reason, now=now)
    return one


def joined_into(db: Session, batch: Batch) -> list[str]:
    """The spellings that were joined into a lot."""
    return list(db.scalars(select(Batch.lot).where(Batch.joined_into_id == batch.id).order_by(Batch.lot)))


def _last_said(db: Session, batch: Batch) -> str | None:
    said = select(CatalogChange.field).where(
        CatalogChange.batch_id == batch.id, CatalogChange.field.in_((JOINED, PARTED))
    )
    return db.scalar(said.order_by(CatalogChange.changed_at.desc(), CatalogChange.id.desc()).limit(1))


def _note_in_both(
    db: Session, principal: Principal, field: str, one: Batch, other: Batch, reason: str, now: datetime
) -> None:
    for batch in (one, other):
        db.add(
            CatalogChange(
                id=uuid7(),
                batch_id=batch.id,
                field=field,
                before=one.lot,
                after=other.lot,
                cause=Cause.MISTAKE,
                reason=reason,
                changed_at=now,
                account_id=principal.account_id,
                changed_by=principal.name,
            )
        )
    told = BatchChanged(lot=one.lot, changed=(field,))
    append(db, told, unit_id=None, subject=one.id, occurred_at=now, now=now)
    db.flush()
