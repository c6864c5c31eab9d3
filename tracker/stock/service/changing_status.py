"""Stopping vials and freeing them again, for holds and recalls.

A status change stands behind all that is known where it acts: at `now`, or, where something there is later than that
(a commit that came while this waited for the locks), at that instant. So it never meets what it does not know. Only a hold
that learns late where harmed vials had been asks to stand earlier: where it would have acted (rules/harmed.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.network.errors import FacilityNotFound
from tracker.stock.models import OpenVial, StockBalance, StockEvent
from tracker.stock.rules.entries import Key
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind
from tracker.stock.service.commands import PostEvent, StatusChange, StatusLine
from tracker.stock.service.posting import OLDEST, carry_out, prepare
from tracker.stock.service.reading import Anchor, lock_anchors, read_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Vials that a status change moved, and when it stands. `fresh` is False on a repeat."""

    event_id: UUID | None
    at: datetime
    vials: int
    fresh: bool
    lines: tuple[StatusLine, ...]


def change_status(
    db: Session, principal: Principal, command: StatusChange, *, now: datetime, locked: bool = False
) -> Changed:
    """Move vials between statuses because of a hold, a release or a recall; opened vials stop with theirs.

    Lines of places and opened vials belong to `facility_id`; lines in transit name the shipment as holder
    and the facility that sent it as `facility_id`. A line asks for what is there at most: what has left
    meanwhile is not an error (a hold follows it there). With nothing to move nothing is written and
    `event_id` is None. The same id again answers the first. Changes of several facilities in one
    transaction: call `lock_anchors(db, anchors)` for all of them first, and say that they are `locked`.

    Raises FacilityNotFound, Forbidden (the system, or stock.write there), BadStatusChange, UnknownBatch,
    UnknownPlace (equipment of another facility).
    """
    connection = db.connection()
    batches = [line.batch_id for line in command.lines]
    places = [line.holder_id if line.account is Account.PLACE else None for line in command.lines]
    facts = read_facts(connection, command.facility_id, batches, places, [None] * len(batches))
    if not principal.sees(facts.path):
        raise FacilityNotFound(field="facility", facility=str(command.facility_id))
    principal.require(Permission.STOCK_WRITE, facts.path)
    if not locked:
        lock_anchors(connection, _anchors(command, {b: f.presentation_id for b, f in facts.batches.items()}))
    earlier = db.scalar(select(StockEvent.id).where(StockEvent.id == command.id))
    if earlier is not None:
        return Changed(event_id=earlier, at=now, vials=0, fresh=False, lines=())
    lines, newest = _present(db, command)
    if not lines:
        return Changed(event_id=None, at=now, vials=0, fresh=True, lines=())
    at = command.stands_at or max(now, newest)
    moved = {line.batch_id for line in lines}
    known = replace(
        facts, batches={batch_id: facts.batches[batch_id] for batch_id in facts.batches if batch_id in moved}
    )
    work = prepare(db, principal, event_of(command, lines, at), now=at, facts=known)
    carry_out(db, principal, work, now=now, locked=True)
    _stop_open_vials(db, command.facility_id, lines)
    vials = sum(line.vials or 0 for line in lines)
    return Changed(event_id=command.id, at=at, vials=vials, fresh=True, lines=tuple(lines))


def _anchors(command: StatusChange, presentations: dict[UUID, UUID]) -> set[Anchor]:
    found: set[Anchor] = {(command.facility_id, presentation) for presentation in presentations.values()}
    found |= {
        (line.holder_id, presentations[line.batch_id]) for line in command.lines if line.account is Account.TRANSIT
    }
    return found


def _present(db: Session, command: StatusChange) -> tuple[list[StatusLine], datetime]:
    """The lines cut to what is there, and the newest instant known there; the anchors are locked."""
    here = {(line.holder_id, line.batch_id) for line in command.lines}
    rows = db.execute(
        select(
            StockBalance.holder_id,
            StockBalance.batch_id,
            StockBalance.status,
            StockBalance.vials,
            StockBalance.touched_at,
        ).where(tuple_(StockBalance.holder_id, StockBalance.batch_id).in_(here))
    ).all()
    there = {Key(row.holder_id, row.batch_id, row.status): row.vials for row in rows}
    lines = cut(command.lines, there) if command.stands_at is None else list(command.lines)
    return lines, max((row.touched_at for row in rows), default=OLDEST)


def cut(asked: Sequence[StatusLine], there: Mapping[Key, int]) -> list[StatusLine]:
    """The lines with as many vials as are there at most; those that find none are left out."""
    left = defaultdict(int, there)
    lines = []
    for line in asked:
        key = Key(line.holder_id, line.batch_id, line.from_status)
        vials = left[key] if line.vials is None else min(line.vials, left[key])
        if vials:
            left[key] -= vials
            lines.append(
                StatusLine(
                    batch_id=line.batch_id,
                    holder_id=line.holder_id,
                    from_status=line.from_status,
                    to_status=line.to_status,
                    vials=vials,
                    account=line.account,
                )
            )
    return lines


def event_of(command: StatusChange, lines: Sequence[StatusLine], at: datetime) -> PostEvent:
    """The event that says so."""
    return PostEvent(
        id=command.id,
        kind=Kind.STATUS,
        facility_id=command.facility_id,
        occurred_at=at,
        lines=tuple(_as_event_line(line) for line in lines),
        reason=command.reason,
        cause=command.cause,
    )


def _as_event_line(line: StatusLine) -> Line:
    return Line(
        batch_id=line.batch_id,
        vials=line.vials or 0,
        place_id=line.holder_id if line.account is Account.PLACE else None,
        status=line.from_status,
        to_status=line.to_status,
        account=line.account,
        holder_id=line.holder_id if line.account is Account.TRANSIT else None,
    )


def _stop_open_vials(db: Session, facility_id: UUID, lines: list[StatusLine]) -> None:
    """Give the opened vials themselves the status their account got, the oldest first."""
    for line in lines:
        if line.account is not Account.OPEN:
            continue
        chosen = (
            select(OpenVial.id)
            .where(
                OpenVial.facility_id == facility_id,
                OpenVial.batch_id == line.batch_id,
                OpenVial.status == line.from_status,
                OpenVial.closed_at.is_(None),
            )
            .order_by(OpenVial.opened_at, OpenVial.id)
            .limit(line.vials)
        )
        db.execute(
            update(OpenVial)
            .where(OpenVial.id.in_(chosen))
            .values(status=line.to_status)
            .execution_options(synchronize_session=False)
        )
