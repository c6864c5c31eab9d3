"""Which vial a dose came from: one that was open, not past its time and not used up when it was given, else one is opened.

All of it is judged at the instant of the dose, not at that of its recording (domain.md §7): a morning's paper entries, typed
in the afternoon and in any order, come from the vials of the morning.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, or_, select, text
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.models import Batch
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.quota.errors import NoVial
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.loads import promised
from tracker.quota.rules.sharing import Opened
from tracker.quota.service.pools import PoolFacts, needed_by_day
from tracker.stock.errors import HistoryNegative, OpenVialNotFound, OutOfService, PackedVials, VvmSpent
from tracker.stock.models import OpenVial, StockEvent
from tracker.stock.queries.availability import need_by_day
from tracker.stock.queries.tracing import parcels_then
from tracker.stock.rules.fefo import Parcel, pick
from tracker.stock.rules.vials import discard_by
from tracker.stock.rules.words import Status
from tracker.stock.service.commands import OpenForSession
from tracker.stock.service.opening import (
    not_opened,
    open_at,
    open_for_session,
    status_where_it_lay,
    vial_status_at,
)

OPENED_FOR_A_DOSE = "dose"
"""The reason of an opening that nobody told: the house inferred it from the first dose, so another first dose moves it."""


def vial_for_dose(
    db: Session,
    principal: Principal,
    pool: PoolFacts,
    session: VaccinationSession,
    named: UUID | None,
    *,
    at: datetime,
    now: datetime,
) -> UUID:
    """The open vial that a dose given at `at` came from: the one `named`, else one that was open then, else a new one.

    The pool is locked. Raises OpenVialNotFound (a named vial of another facility or product), NoVial.
    """
    if named is not None:
        vial = _named(db, pool, named)
        if at < vial.opened_at:
            judge_opening(db, principal, vial.id, also=at, now=now)
        return vial.id
    db.flush()
    kept = promised(db, {pool.anchor}, now, {session.day}).shared[pool.anchor].kept_from(session.id)
    found = _open_then(db, pool, session, at, kept)
    return found or _open(db, principal, pool, session, kept, at=at, now=now)


def judge_opening(
    db: Session, principal: Principal, open_vial_id: UUID | None, *, also: datetime | None = None, now: datetime
) -> None:
    """The doses of a vial have changed: an opening inferred from them was at the first that is left, or, without any, never.

    `also` is a dose about to be given from it. An opening that somebody told stays as it was told, and so does one whose
    rest was thrown away when no dose is left: a vial was open. The pool is locked.
    """
    db.flush()
    vial = None if open_vial_id is None else db.get(OpenVial, open_vial_id, populate_existing=True)
    if vial is None or not is_inferred(db, vial):
        return
    query = select(Booking.vaccinated_at).where(Booking.open_vial_id == vial.id)
    given = [at for at in db.scalars(query) if at is not None]
    first = min(given if also is None else [*given, also], default=None)
    if first is None:
        if vial.remaining == vial.doses_per_vial:
            not_opened(db, principal, vial.id, now=now)
    elif first != vial.opened_at:
        open_at(db, principal, vial.id, first, last_dose_at=max(given, default=None), now=now)


def is_inferred(db: Session, vial: OpenVial) -> bool:
    """Whether nobody told that the vial was opened."""
    return db.scalar(select(StockEvent.reason).where(StockEvent.id == vial.event_id)) == OPENED_FOR_A_DOSE


def vials_named(db: Session, ref: UUID | None) -> set[UUID] | None:
    """The vials that `ref` may mean, also one that was not opened after all; None where none is named."""
    return None if ref is None else {ref} | set(db.scalars(select(OpenVial.id).where(is_named(ref))))


def emptied_vial(db: Session, pool: PoolFacts, session: VaccinationSession, named: UUID | None, at: datetime) -> UUID:
    """The vial that gave more than it should have held: the one named, else the session's last one that is used up."""
    if named is not None:
        return _named(db, pool, named).id
    found = db.scalar(
        select(OpenVial.id)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .where(
            OpenVial.facility_id == pool.facility_id,
            OpenVial.session_id == session.id,
            Batch.presentation_id == pool.presentation_id,
            OpenVial.remaining == 0,
            OpenVial.discarded == 0,
            OpenVial.opened_at <= at,
            OpenVial.discard_by > at,
        )
        .order_by(OpenVial.opened_at.desc(), OpenVial.id.desc())
        .limit(1)
    )
    if found is None:
        raise NoVial(facility=str(pool.facility_id), presentation=str(pool.presentation_id))
    return found


def is_named(named: UUID) -> ColumnElement[bool]:
    """An open vial by its id, or by the event that opened it: a phone without a network knows only what it did itself."""
    return or_(OpenVial.id == named, OpenVial.event_id == named)


def _named(db: Session, pool: PoolFacts, open_vial_id: UUID) -> OpenVial:
    found = db.scalar(
        select(OpenVial)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .where(
            is_named(open_vial_id),
            OpenVial.facility_id == pool.facility_id,
            Batch.presentation_id == pool.presentation_id,
        )
        .order_by(OpenVial.remaining.desc(), OpenVial.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise OpenVialNotFound(open_vial=str(open_vial_id))
    return found


# The session's own vials first, as they are shared out; doses counted for other people are left to them.
# Last such as were thrown away since: what was given of them before was not thrown away.
_CANDIDATES = text(
    """
    SELECT v.id, v.status, e.reason = :inferred AND EXISTS (
        SELECT FROM stock_entry act
        WHERE (act.batch_id, act.holder_id) = (v.batch_id, v.place_id) AND act.status = 'usable' AND act.vials < 0
          AND act.occurred_at > v.opened_at AND act.occurred_at <= :at
          AND EXISTS (SELECT FROM stock_event k WHERE k.id = act.event_id AND k.kind = 'status' AND k.number < e.number)
    ) AS stopped_there, (SELECT max(d.vaccinated_at) FROM booking d WHERE d.open_vial_id = v.id) AS last_dose_at
    FROM open_vial v
    JOIN batch b ON b.id = v.batch_id
    JOIN stock_event e ON e.id = v.event_id
    WHERE v.facility_id = :facility AND b.presentation_id = :presentation
      AND (v.session_id = :session OR NOT v.id = ANY(CAST(:kept AS uuid[])))
      AND (v.session_id = :session
           OR CASE WHEN CAST(:place AS uuid) IS NULL THEN NOT v.place_id = ANY(CAST(:elsewhere AS uuid[]))
                   ELSE v.place_id = :place END)
      AND CASE WHEN :opened_later
               THEN v.batch_id = :batch AND v.opened_at > :at AND (v.opened_at AT TIME ZONE :zone)::date = :day_of_dose AND e.reason = :inferred
                    AND (v.closed_at IS NULL AND v.remaining > 0 OR v.closed_at >= :at AND v.discarded > 0)
               ELSE v.opened_at <= :at AND v.discard_by > :at
                    AND (v.closed_at IS NULL AND v.remaining > 0 OR v.closed_at >= :at AND v.discarded > 0) END
    ORDER BY v.closed_at IS NOT NULL, (v.session_id = :session) DESC NULLS LAST, v.discard_by, v.id
    """
)


def _candidates(
    db: Session,
    pool: PoolFacts,
    session: VaccinationSession,
    at: datetime,
    kept: Collection[UUID],
    *,
    opened_later: UUID | None = None,
) -> list[Row[Any]]:
    rows = db.execute(
        _CANDIDATES,
        {
            "facility": pool.facility_id,
            "presentation": pool.presentation_id,
            "session": session.id,
            "at": at,
            "zone": pool.timezone,
            "day_of_dose": local_day(at, pool.timezone),
            "kept": list(kept),
            "place": session.place_id,
            "elsewhere": list(_taken_along(db, session, at)),
            "opened_later": opened_later is not None,
            "batch": opened_later,
            "inferred": OPENED_FOR_A_DOSE,
        },
    )
    return list(rows)


def _open_then(
    db: Session, pool: PoolFacts, session: VaccinationSession, at: datetime, kept: Collection[UUID]
) -> UUID | None:
    for row in _candidates(db, pool, session, at, kept):
        # Of a vial that was told of after the hold, it could not know: what was stopped where it came from was not drawn from.
        # One that was told of before has the state that the hold gave or left it, by which its doses are promised, too.
        if row.stopped_there and status_where_it_lay(db, row.id, at) is not Status.USABLE:
            continue
        if row.status == Status.USABLE or vial_status_at(db, row.id, at) is Status.USABLE:
            return UUID(str(row.id))
    return None


def _opened_too_late(
    db: Session,
    principal: Principal,
    pool: PoolFacts,
    session: VaccinationSession,
    kept: Collection[UUID],
    batch_id: UUID,
    *,
    at: datetime,
    now: datetime,
) -> UUID | None:
    """A vial of the batch whose opening was only inferred from a later dose was open already for this one, where that can be."""
    for row in _candidates(db, pool, session, at, kept, opened_later=batch_id):
        if open_at(db, principal, row.id, at, last_dose_at=row.last_dose_at, now=now):
            return UUID(str(row.id))
    return None


def _open(
    db: Session,
    principal: Principal,
    pool: PoolFacts,
    session: VaccinationSession,
    kept: Collection[UUID],
    *,
    at: datetime,
    now: datetime,
) -> UUID:
    """Open the vial that was first to be used, and take it and the bookings it serves out of the rule together.

    A vial of the same batch whose opening was inferred from a later dose is that vial. What lay there then may have gone
    since; the ledger has the last word on each.
    """
    elsewhere = _taken_along(db, session, at)
    parcels = [
        each
        for each in parcels_then(db, pool.facility_id, pool.presentation_id, at)
        if (each.place_id == session.place_id if session.place_id else each.place_id not in elsewhere)
    ]
    while lines := pick(parcels, 1, local_day(at, pool.timezone)).lines:
        parcel = lines[0].parcel
        earlier = _opened_too_late(db, principal, pool, session, kept, parcel.batch_id, at=at, now=now)
        if earlier is not None:
            return earlier
        command = OpenForSession(
            id=uuid7(),
            facility_id=pool.facility_id,
            session_id=session.id,
            batch_id=parcel.batch_id,
            place_id=parcel.place_id,
            occurred_at=at,
            need=_served(db, pool, session, parcel, at=at, now=now),
            need_of=pool.place_id,
            reason=OPENED_FOR_A_DOSE,
        )
        try:
            with db.begin_nested():
                return open_for_session(db, principal, command, now=now)[0]
        except (HistoryNegative, OutOfService, PackedVials, VvmSpent):
            parcels = [each for each in parcels if each is not parcel]
    raise NoVial(facility=str(pool.facility_id), presentation=str(pool.presentation_id))


def _taken_along(db: Session, session: VaccinationSession, at: datetime) -> set[UUID]:
    """Where others took their vials from at that instant: those are not at the desk.

    From its planning until it is closed a session has its place for itself; on its own day also what was planned late.
    """
    places = db.scalars(
        select(VaccinationSession.place_id).where(
            VaccinationSession.facility_id == session.facility_id,
            VaccinationSession.place_id.is_not(None),
            VaccinationSession.cancelled.is_(None),
            or_(VaccinationSession.day == session.day, VaccinationSession.created_at <= at),
            or_(VaccinationSession.closed_at.is_(None), VaccinationSession.closed_at > at),
        )
    )
    return {place for place in places if place is not None} - {session.place_id}


def _served(
    db: Session, pool: PoolFacts, session: VaccinationSession, parcel: Parcel, *, at: datetime, now: datetime
) -> dict[date, int]:
    """Vials fewer needed, by day, once one more is open for the session."""
    until = discard_by(at, pool.open_vial_hours, pool.open_vial_days, parcel.expiry, pool.timezone)
    # Of a vial whose time is over by now the dose at hand is given all the same.
    opened = Opened(
        id=session.id,
        session_id=session.id,
        doses=pool.doses_per_vial,
        discard_by=max(until, now + timedelta(seconds=1)),
        place_id=parcel.place_id,
    )
    noted = need_by_day(db, *pool.key)
    needed = needed_by_day(db, pool, now, {session.day}, also=opened)
    return {day: noted[day] - vials for day, vials in needed.items() if noted.get(day, 0) > vials}
