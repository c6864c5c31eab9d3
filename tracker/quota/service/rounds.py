"""What time alone changes: reservations run out, sessions end, claims come due. The worker calls `PoolsRound`.

Each pool is tidied in a transaction of its own, and one that fails holds up no other: the next round tries it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.kit.days import earliest_day, latest_day
from tracker.quota.queries.nearby import LOOK_AHEAD
from tracker.quota.service.claims import roll_claims
from tracker.quota.service.displacing import displace
from tracker.quota.service.dosing import CLOSE_AFTER
from tracker.quota.service.ending import close_session
from tracker.quota.service.offering import make_offer
from tracker.quota.service.pools import lock_pool, pool_facts

log = structlog.get_logger("rantai.quota")

_Work = tuple[str, tuple[UUID, ...], Callable[[Session], bool]]
"""What is done, of which ids it is, and how."""

_LAPSED = text(
    """
    SELECT DISTINCT s.facility_id, s.presentation_id FROM booking b
    JOIN vaccination_session s ON s.id = b.session_id
    WHERE b.state = 'reserved' AND b.expires_at <= :now
    """
)
_WAITED_FOR = """
    SELECT DISTINCT v.facility_id, b.presentation_id FROM open_vial v
    JOIN batch b ON b.id = v.batch_id
    WHERE v.closed_at IS NULL AND {which} AND EXISTS (
        SELECT FROM vaccination_session s
        WHERE s.facility_id = v.facility_id AND s.presentation_id = b.presentation_id
          AND s.state <> 'closed' AND s.live > 0 AND (s.id = v.session_id OR s.opens_at < v.discard_by)
    )
"""
# A vial that was past its time at the last look has been reckoned with; until it is thrown away it need not be again.
_PAST_SINCE = text(_WAITED_FOR.format(which="v.discard_by > :since AND v.discard_by <= :now"))
_PAST = text(_WAITED_FOR.format(which="(v.discard_by <= :now OR v.status <> 'usable')"))
_LOOK_AT_ALL = timedelta(hours=1)
_CLAIMS = text(
    "SELECT DISTINCT facility_id, presentation_id FROM dose_claim "
    "WHERE state IN ('funded', 'unfunded') AND due_day < :today"
)
# Facilities and products take turns, and within each whoever has waited longest since a place was last looked for; so
# many whom nothing fits hold nobody up. Who should have been looked for at once and was not, is looked for here.
_UNHELPED = text(
    """
    SELECT w.booking_id FROM (
        SELECT d.booking_id, d.tried_at, row_number() OVER (
            PARTITION BY s.facility_id, s.presentation_id
            ORDER BY d.tried_at NULLS FIRST, b.dose DESC, s.day, d.displaced_at, d.booking_id
        ) AS turn
        FROM displacement d
        JOIN booking b ON b.id = d.booking_id
        JOIN vaccination_session s ON s.id = b.session_id
        WHERE (d.state = 'none_found' OR (d.state = 'pending' AND d.displaced_at < CAST(:overdue AS timestamptz)))
          AND s.day >= CAST(:since AS date)
    ) w
    ORDER BY w.turn, w.tried_at NULLS FIRST, w.booking_id LIMIT 50
    """
)
_OVERDUE = timedelta(minutes=10)
_OVER = text(
    "SELECT id FROM vaccination_session WHERE state <> 'closed' AND closes_at < :before ORDER BY closes_at, id LIMIT 500"
)


def tidy_pools(engine: Engine, *, now: datetime) -> int:
    """One round that looks at everything."""
    return PoolsRound(engine)(now)


@dataclass(slots=True)
class PoolsRound:
    """Take back what ran out, close what is over, move claims on, look again for who could not be helped.

    A round costs what time has changed since the one before; once an hour, and after a round in which something
    failed, it looks at every opened vial. Returns how many pools, sessions and people that touched.
    """

    engine: Engine
    _looked: datetime | None = field(default=None, init=False)
    _looked_at_all: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)

    def __call__(self, now: datetime) -> int:
        since = self._looked if now - self._looked_at_all < _LOOK_AT_ALL else None
        work = self._work(now, since)
        done = [alone(self.engine, what, of, act) for what, of, act in work]
        self._looked = None if None in done else now
        if since is None:
            self._looked_at_all = now
        return sum(bool(one) for one in done)

    def _work(self, now: datetime, since: datetime | None) -> list[_Work]:
        with transaction(self.engine) as db:
            over = list(db.scalars(_OVER, {"before": now - CLOSE_AFTER}))
            past = (
                db.execute(_PAST, {"now": now})
                if since is None
                else db.execute(_PAST_SINCE, {"now": now, "since": since})
            )
            pools = {(row[0], row[1]) for row in (*past, *db.execute(_LAPSED, {"now": now}))}
            # Each pool goes by its own day: one asked a little early has nothing to do.
            due = {(row[0], row[1]) for row in db.execute(_CLAIMS, {"today": latest_day(now)})}
            unhelped = list(db.scalars(_UNHELPED, {"since": earliest_day(now - LOOK_AHEAD), "overdue": now - _OVERDUE}))
        work: list[_Work] = []
        work += [("close", (one,), partial(_close, session_id=one, now=now)) for one in over]
        work += [("displace", pool, partial(_displace, pool=pool, now=now)) for pool in sorted(pools)]
        work += [("roll_claims", pool, partial(_roll, pool=pool, now=now)) for pool in sorted(due)]
        work += [("offer", (one,), partial(_offer, booking_id=one, now=now)) for one in unhelped]
        return work


def alone(engine: Engine, what: str, of: tuple[UUID, ...], act: Callable[[Session], bool]) -> bool | None:
    """Do one thing in a transaction of its own; whether it touched anything, None when it failed: logged by its ids alone."""
    try:
        with transaction(engine) as db:
            return act(db)
    except Exception as error:  # noqa: BLE001  # whatever it was, the others must have their turn
        # Neither message nor traceback: they quote parameters, which may be of a person.
        ids = [str(one) for one in of]
        log.error("part of the pools' round failed", step=what, ids=ids, error=type(error).__name__)  # noqa: TRY400  # see above
        return None


def _close(db: Session, *, session_id: UUID, now: datetime) -> bool:
    close_session(db, SYSTEM, session_id, now=now)
    return True


def _displace(db: Session, *, pool: tuple[UUID, UUID], now: datetime) -> bool:
    displace(db, *pool, now=now)
    return True


def _offer(db: Session, *, booking_id: UUID, now: datetime) -> bool:
    return make_offer(db, booking_id, now=now) is not None


def _roll(db: Session, *, pool: tuple[UUID, UUID], now: datetime) -> bool:
    facts = pool_facts(db, *pool, now)
    lock_pool(db, facts)
    roll_claims(db, facts, now)
    return True
