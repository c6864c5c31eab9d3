"""Opened vials: where each dose goes, and when the vial is empty.

Opening moves a vial from its place to the facility's `open` account; the vial's row says how many doses
went into people, were thrown away, or are left. With the last dose the vial goes open → used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.ids import uuid7
from tracker.stock.errors import (
    BadVials,
    Expired,
    HistoryNegative,
    OpenVialNotFound,
    OtherContent,
    OutOfService,
    PackedVials,
    TooManyDoses,
    VialNotOpen,
    VialStopped,
    VvmSpent,
)
from tracker.stock.models import OpenVial, StockEntry, StockEvent
from tracker.stock.rules.entries import Entry, Key
from tracker.stock.rules.lines import Line
from tracker.stock.rules.replay import Pair, status_at
from tracker.stock.rules.vials import good_until, opened_by, vial_id
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.availability import check_need
from tracker.stock.service.commands import (
    DiscardDoses,
    GiveDoses,
    OpenForSession,
    Posted,
    PostEvent,
)
from tracker.stock.service.posting import anchors_of, carry_out, checked_time, prepare
from tracker.stock.service.reading import BatchFacts, Facts, lock_anchors, read_facts, read_history
from tracker.stock.service.telling import tell_open_doses_fell
from tracker.stock.service.work import Work

# An opening makes a row a vial; nobody opens more than this at once.
MOST_OPENED = 1_000


def open_vials(db: Session, principal: Principal, command: PostEvent, *, now: datetime) -> Posted:
    """Post an opening and make a row for each vial; the same again answers the first."""
    return _open(db, principal, command, None, now=now)


def open_for_session(db: Session, principal: Principal, command: OpenForSession, *, now: datetime) -> list[UUID]:
    """Open vials for a session and lower the need of the bookings they serve, in one transaction.

    Both sides change together, so a vial that serves its bookings never shows as a shortage. Returns the
    open vials' ids (the same ones on a repeat). Raises what `post_event` raises.
    """
    event = PostEvent(
        id=command.id,
        kind=Kind.OPENING,
        facility_id=command.facility_id,
        occurred_at=command.occurred_at,
        lines=(Line(batch_id=command.batch_id, place_id=command.place_id, vials=command.vials),),
        session_id=command.session_id,
        reason=command.reason,
    )
    _open(db, principal, event, command, now=now)
    return list(db.scalars(select(OpenVial.id).where(OpenVial.event_id == command.id).order_by(OpenVial.id)))


def _open(
    db: Session, principal: Principal, event: PostEvent, session: OpenForSession | None, *, now: datetime
) -> Posted:
    need = {day: -vials for day, vials in session.need.items() if vials} if session is not None else {}
    place_id = session.need_of if session is not None else None
    work = prepare(db, principal, event, need=need, need_of=place_id, now=now)
    for index, line in enumerate(event.lines):
        if line.vials > MOST_OPENED:
            raise BadVials(line=index, field="vials", vials=line.vials)
    lock_anchors(db, anchors_of(work))
    _check_need(db, event, work, need)
    posted = carry_out(db, principal, work, now=now)
    if not posted.fresh:
        return posted
    opened_at, facts = work.occurred_at, work.facts
    # An act of the house after that instant has found these vials too.
    statuses: dict[UUID, list[Status]] = defaultdict(list)
    for key, vials in work.moved.items():
        if key.holder_id == event.facility_id:
            statuses[key.batch_id] += [key.status] * vials
    rows: list[dict[str, Any]] = []
    for line in event.lines:
        batch = facts.batches[line.batch_id]
        until = _until(batch, opened_at, facts.timezone)
        rows += [
            {
                "id": vial_id(event.id, len(rows) + index),
                "facility_id": event.facility_id,
                "batch_id": line.batch_id,
                "place_id": line.place_id,
                "event_id": event.id,
                "session_id": event.session_id,
                "status": statuses[line.batch_id].pop(),
                "doses_per_vial": batch.doses_per_vial,
                "given": 0,
                "discarded": 0,
                "remaining": batch.doses_per_vial,
                "opened_at": opened_at,
                "discard_by": until,
            }
            for index in range(line.vials)
        ]
    made = insert(OpenVial).on_conflict_do_nothing(index_elements=["id"]).returning(OpenVial.id)
    if len(db.scalars(made, rows).all()) < len(rows):
        # Another opening, whose id stands beside this one's, has vials of these ids.
        raise OtherContent(event=str(event.id))
    return posted


def give_doses(db: Session, principal: Principal, command: GiveDoses, *, now: datetime) -> OpenVial:
    """Record doses of an opened vial as given to people; an empty vial goes open → used.

    What was injected is a fact, judged by its own instant: a vial that was stopped, thrown away or past its `discard_by`
    since still answers, and what was thrown away of it was that much less. The caller keys the repeat (a vaccination is
    given once). Raises OpenVialNotFound, Forbidden, VialNotOpen, VialStopped, TooManyDoses, TooFarAhead.
    """
    vial, facts = locked_vial(db, principal, command.open_vial_id)
    at = checked_time(command.occurred_at, now)
    if not opened_by(vial.opened_at, at):
        raise VialNotOpen(open_vial=str(vial.id), opened_at=vial.opened_at.isoformat())
    thrown_since = vial.closed_at is not None and at <= vial.closed_at and vial.discarded > 0
    if (vial.closed_at is not None and not thrown_since) or _status_at(db, vial, at) is not Status.USABLE:
        raise VialStopped(open_vial=str(vial.id), status=vial.status.value, remaining=vial.remaining)
    if thrown_since:
        vial.remaining, vial.discarded = vial.discarded, 0
    _take(vial, command.doses)
    vial.given += command.doses
    if thrown_since:
        vial.remaining, vial.discarded = 0, vial.remaining
        db.flush()
    else:
        _close_if_empty(db, principal, vial, facts, at, now=now)
    return vial


def discard_doses(db: Session, principal: Principal, command: DiscardDoses, *, now: datetime) -> OpenVial:
    """Record the rest (or some) of an opened vial as thrown away, with the reason; a held vial may be discarded.

    Raises OpenVialNotFound, Forbidden, VialStopped (already empty), TooManyDoses, TooFarAhead.
    """
    vial, facts = locked_vial(db, principal, command.open_vial_id)
    if vial.closed_at is not None:
        raise VialStopped(open_vial=str(vial.id), status=vial.status.value, remaining=vial.remaining)
    doses = vial.remaining if command.doses is None else command.doses
    _take(vial, doses)
    vial.discarded += doses
    vial.discard_reason = command.reason
    occurred_at = checked_time(command.occurred_at, now)
    _close_if_empty(db, principal, vial, facts, occurred_at, now=now)
    presentation_id = facts.batches[vial.batch_id].presentation_id
    tell_open_doses_fell(
        db, facility_id=vial.facility_id, presentation_id=presentation_id, occurred_at=occurred_at, now=now
    )
    return vial


def vial_status_at(db: Session, open_vial_id: UUID, at: datetime) -> Status:
    """What state an opened vial was in at `at`, whatever a hold or a recall made of it since."""
    return _status_at(db, db.get_one(OpenVial, open_vial_id, populate_existing=True), at)


def status_where_it_lay(db: Session, open_vial_id: UUID, at: datetime) -> Status:
    """What state an opened vial would be in at `at`, had it been left where it came from."""
    vial = db.get_one(OpenVial, open_vial_id, populate_existing=True)
    key = Key(vial.place_id, vial.batch_id, Status.USABLE)
    history = read_history(db.connection(), [key], vial.opened_at, vial.event_id)
    return status_at(history.acts.get(Pair(key.holder_id, key.batch_id), ()), vial.opened_at, at)


def open_at(
    db: Session, principal: Principal, open_vial_id: UUID, at: datetime, *, last_dose_at: datetime | None, now: datetime
) -> bool:
    """Take back the opening of a vial and open it at `at` instead, doses and what was thrown away and all.

    False, and nothing changed, where that cannot be: it would have been past its time at its last dose, or was not
    there then. For openings that nobody told, when the first dose turns out to be another. Raises as `give_doses`.
    """
    vial, facts = locked_vial(db, principal, open_vial_id)
    batch = facts.batches[vial.batch_id]
    until = _until(batch, at, facts.timezone)
    # What was thrown away may have been past its time by then.
    if (last_dose_at or at) >= until:
        return False
    emptied_at = vial.closed_at
    event = db.get_one(StockEvent, vial.event_id)
    again = PostEvent(
        id=uuid7(),
        kind=Kind.OPENING,
        facility_id=vial.facility_id,
        occurred_at=at,
        lines=(Line(batch_id=vial.batch_id, place_id=vial.place_id, vials=1),),
        session_id=vial.session_id,
        reason=event.reason,
    )
    try:
        with db.begin_nested():
            if emptied_at is not None:
                back_in_use(db, principal, vial, facts, event.reason or "", now=now)
            carry_out(db, principal, _not_opened(vial, event, facts), now=now, locked=True)
            work = prepare(db, principal, again, now=now, facts=facts)
            carry_out(db, principal, work, now=now, locked=True)
    except (HistoryNegative, Expired, OutOfService, PackedVials, VvmSpent):
        return False
    vial.event_id, vial.opened_at, vial.discard_by = again.id, work.occurred_at, until
    vial.status = next(
        key.status for key, vials in work.moved.items() if key.holder_id == vial.facility_id and vials > 0
    )
    if emptied_at is not None:
        _use_up(db, principal, vial, facts, emptied_at, now=now)
    db.flush()
    return True


def not_opened(db: Session, principal: Principal, open_vial_id: UUID, *, now: datetime) -> None:
    """A vial of which nothing was taken was not opened after all: it lies where it came from. Where the ledger will not have it so, it stays open.

    Raises as `give_doses`.
    """
    vial, facts = locked_vial(db, principal, open_vial_id)
    event = db.get_one(StockEvent, vial.event_id)
    try:
        with db.begin_nested():
            carry_out(db, principal, _not_opened(vial, event, facts), now=now, locked=True)
    except HistoryNegative:
        return
    tell_open_doses_fell(
        db,
        facility_id=vial.facility_id,
        presentation_id=facts.batches[vial.batch_id].presentation_id,
        occurred_at=event.occurred_at,
        now=now,
    )
    db.delete(vial)
    db.flush()


def _not_opened(vial: OpenVial, event: StockEvent, facts: Facts) -> Work:
    return Work(
        id=uuid7(),
        kind=Kind.REVERSAL,
        facility_id=vial.facility_id,
        occurred_at=event.occurred_at,
        content=f"not opened then: {event.id}",
        facts=facts,
        reason=event.reason,
        reverses_id=event.id,
        ordinal=event.number,
        entries=[
            Entry(Account.PLACE, Key(vial.place_id, vial.batch_id, Status.USABLE), 1),
            Entry(Account.OPEN, Key(vial.facility_id, vial.batch_id, Status.USABLE), -1),
        ],
    )


def _until(batch: BatchFacts, opened_at: datetime, timezone: str) -> datetime:
    keeps = batch.open_vial_hours, batch.open_vial_days
    return good_until(opened_at, *keeps, expiry=batch.expiry, said=batch.said, timezone=timezone)


def _status_at(db: Session, vial: OpenVial, at: datetime) -> Status:
    """What state the vial was in at that instant: a hold or a recall since then changes nothing of it."""
    if vial.status is Status.USABLE:
        return Status.USABLE
    key = Key(vial.facility_id, vial.batch_id, vial.status)
    history = read_history(db.connection(), [key], vial.opened_at, vial.event_id)
    return status_at(history.acts.get(Pair(key.holder_id, key.batch_id), ()), vial.opened_at, at)


def _check_need(db: Session, event: PostEvent, work: Work, need: Mapping[date, int]) -> None:
    if not need:
        return
    presentation_id = work.facts.batches[event.lines[0].batch_id].presentation_id
    recorded = db.scalar(select(StockEvent.id).where(StockEvent.id == event.id))
    if recorded is None:
        check_need(db, (work.need_of or event.facility_id, presentation_id), need)


def locked_vial(db: Session, principal: Principal, open_vial_id: UUID) -> tuple[OpenVial, Facts]:
    """An opened vial and its facts, its pool locked; raises OpenVialNotFound, Forbidden."""
    found = db.execute(
        select(OpenVial.facility_id, OpenVial.batch_id, OpenVial.place_id).where(OpenVial.id == open_vial_id)
    ).one_or_none()
    if found is None:
        raise OpenVialNotFound(open_vial=str(open_vial_id))
    facts = read_facts(db.connection(), found.facility_id, [found.batch_id], [None], [None])
    if not principal.sees(facts.path):
        raise OpenVialNotFound(open_vial=str(open_vial_id))
    principal.require(Permission.STOCK_WRITE, facts.path)
    lock_anchors(db, {(found.facility_id, facts.batches[found.batch_id].presentation_id)})
    vial = db.scalars(
        select(OpenVial).where(OpenVial.id == open_vial_id).execution_options(populate_existing=True)
    ).one_or_none()
    if vial is None:
        raise OpenVialNotFound(open_vial=str(open_vial_id))
    return vial, facts


def _take(vial: OpenVial, doses: int) -> None:
    if not 1 <= doses <= vial.remaining:
        raise TooManyDoses(open_vial=str(vial.id), doses=doses, remaining=vial.remaining)
    vial.remaining -= doses


def _close_if_empty(
    db: Session, principal: Principal, vial: OpenVial, facts: Facts, occurred_at: datetime, *, now: datetime
) -> None:
    # Doses come in any order; the vial was empty after the last of them.
    occurred_at = max(occurred_at, vial.opened_at, vial.last_taken_at or vial.opened_at)
    vial.last_taken_at = occurred_at
    if vial.remaining == 0:
        vial.closed_at = occurred_at
        _use_up(db, principal, vial, facts, occurred_at, now=now)
    db.flush()


def _use_up(db: Session, principal: Principal, vial: OpenVial, facts: Facts, at: datetime, *, now: datetime) -> None:
    key = Key(vial.facility_id, vial.batch_id, _status_at(db, vial, at))
    work = Work(
        id=uuid7(),
        kind=Kind.USE,
        facility_id=vial.facility_id,
        occurred_at=at,
        content=f"emptied: {vial.id}",
        facts=facts,
        reference=str(vial.id),
        entries=[Entry(Account.OPEN, key, -1), Entry(Account.USED, key, 1)],
    )
    carry_out(db, principal, work, now=now)


def back_in_use(db: Session, principal: Principal, vial: OpenVial, facts: Facts, reason: str, *, now: datetime) -> None:
    """The vial is not empty after all: used → open, at the instant it was said to be."""
    reversal = aliased(StockEvent)
    used = db.scalars(
        select(StockEvent)
        .outerjoin(reversal, reversal.reverses_id == StockEvent.id)
        .where(
            StockEvent.facility_id == vial.facility_id,
            StockEvent.kind == Kind.USE,
            StockEvent.reference == str(vial.id),
            reversal.id.is_(None),
        )
    ).one()
    entries = db.scalars(select(StockEntry).where(StockEntry.event_id == used.id).order_by(StockEntry.seq)).all()
    work = Work(
        id=uuid7(),
        kind=Kind.REVERSAL,
        facility_id=vial.facility_id,
        occurred_at=used.occurred_at,
        content=f"not emptied: {vial.id}",
        facts=facts,
        reason=reason,
        reference=str(vial.id),
        reverses_id=used.id,
        ordinal=used.number,
        entries=[Entry(each.account, _key_now(each, vial), -each.vials) for each in entries],
    )
    carry_out(db, principal, work, now=now)
    # A hold or a recall that came after the vial was said to be empty has found it too.
    vial.status = next(key.status for key, vials in work.moved.items() if vials > 0)


def _key_now(entry: StockEntry, vial: OpenVial) -> Key:
    """Of the lot that the vial has by now: it may have been corrected since, and was then told in a status of its own."""
    status = entry.status if vial.batch_id == entry.batch_id else vial.status
    return Key(entry.holder_id, vial.batch_id, status)
