"""Whoever is booked is reminded the day before. The worker calls `RemindersRound`.

A session's people are reminded together and once: the row of `session_reminder` and the messages stand in one transaction,
so neither a second worker nor one that died in between reminds twice. What a message says is read again as it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Engine, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.service import queue_messages
from tracker.kit.days import earliest_day, hours_there
from tracker.network.models import Facility
from tracker.network.rules.words import TIME_ZONES
from tracker.quota.models import Booking, SessionReminder, VaccinationSession
from tracker.quota.rules.reminding import TEMPLATE, Reminding, begins, days_to_remind
from tracker.quota.rules.words import BookingState, SessionState
from tracker.quota.service.rounds import alone

_SESSIONS_AT_ONCE = 100
# Messages leave in the order in which they fall due: behind more than so many, a code that somebody waits for would run out.
MOST_WAITING = 500


_Days = set[tuple[str, date]]


@dataclass(slots=True)
class RemindersRound:
    """Remind the people of the next sessions that are due; returns how many sessions that was. While many messages wait, none.

    A zone's day is looked at until nothing is left of it: whoever books it later is told then, and needs no reminder.
    """

    engine: Engine
    reminding: Reminding
    _over: _Days = field(default_factory=set, init=False)

    def __call__(self, now: datetime) -> int:
        days = {(zone, day) for zone in TIME_ZONES for day in days_to_remind(now, zone, self.reminding)} - self._over
        if not days:
            return 0
        with transaction(self.engine) as db:
            if many_wait(db, now):
                return 0
            sessions = list(db.scalars(_due(days, now)))
        done = [
            alone(self.engine, "remind", (one,), partial(self._remind, session_id=one, now=now)) for one in sessions
        ]
        if not sessions:
            self._over = {(zone, day) for zone, day in self._over | days if day >= earliest_day(now)}
        return sum(bool(one) for one in done)

    def _remind(self, db: Session, *, session_id: UUID, now: datetime) -> bool:
        return remind_session(db, session_id, reminding=self.reminding, now=now)


def reminder_now(db: Session, params: Mapping[str, object], now: datetime) -> Mapping[str, object] | None:
    """What a reminder says as it leaves; None where nobody is awaited there any more, or the session has begun."""
    found = db.execute(
        select(VaccinationSession, Facility)
        .join(Booking, Booking.session_id == VaccinationSession.id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .where(
            Booking.id == UUID(str(params["booking"])),
            Booking.session_id == UUID(str(params["session"])),
            Booking.state == BookingState.CONFIRMED,
            VaccinationSession.state != SessionState.CLOSED,
            VaccinationSession.opens_at > now,
        )
    ).one_or_none()
    if found is None:
        return None
    session, facility = found
    hours = hours_there(session.opens_at, session.closes_at, facility.timezone)
    return {"facility": facility.name, "day": session.day.isoformat(), "hours": hours}


def many_wait(db: Session, now: datetime) -> bool:
    """Whether so many messages wait that more would hold up a code."""
    waiting = select(OutMessage.id).where(OutMessage.state == MessageState.PENDING, OutMessage.next_at <= now)
    return (db.scalar(select(func.count()).select_from(waiting.limit(MOST_WAITING).subquery())) or 0) >= MOST_WAITING


def _due(of: _Days, now: datetime) -> Select[UUID]:
    """Sessions to come of today's and tomorrow's days alone, however many there were before."""
    days = [and_(Facility.timezone == zone, VaccinationSession.day == day) for zone, day in sorted(of)]
    done = select(SessionReminder.session_id).where(SessionReminder.session_id == VaccinationSession.id)
    return (
        select(VaccinationSession.id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .where(
            or_(*days),
            VaccinationSession.state != SessionState.CLOSED,
            VaccinationSession.live > 0,
            VaccinationSession.opens_at > now,
            ~done.exists(),
        )
        .order_by(VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id)
        .limit(_SESSIONS_AT_ONCE)
    )


def remind_session(db: Session, session_id: UUID, *, reminding: Reminding, now: datetime) -> bool:
    """Queue a session's reminders; False where another worker has."""
    row = insert(SessionReminder).values(session_id=session_id, reminded_at=now)
    mine = row.on_conflict_do_nothing().returning(SessionReminder.session_id)
    if db.scalar(mine) is None:
        return False
    session = db.get_one(VaccinationSession, session_id)
    facility = db.get_one(Facility, session.facility_id)
    since = begins(session.day, facility.timezone, reminding)
    awaited = db.scalars(
        select(Booking).where(
            Booking.session_id == session_id, Booking.state == BookingState.CONFIRMED, Booking.changed_at < since
        )
    )
    queue_messages(
        db,
        [
            (each.medium.value, str(each.person_id), {"booking": str(each.id), "session": str(session_id)})
            for each in awaited
        ],
        template=TEMPLATE,
        also={"zone": facility.timezone},
        unit_id=facility.id,
        now=now,
    )
    return True
