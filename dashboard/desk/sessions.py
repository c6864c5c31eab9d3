"""The session a desk serves, for who may serve there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.kit.days import earliest_day, latest_day, local_day
from tracker.network.models import Facility
from tracker.network.queries import local_today
from tracker.quota.models import VaccinationSession
from tracker.quota.rules.words import SessionState
from tracker.quota.service.sessions import session_for
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Status

MOST = 50
YESTERDAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A session, where it is and what it gives."""

    session: VaccinationSession
    facility: Facility
    product: Presentation

    def over(self, now: datetime) -> bool:
        """Whether nobody is awaited there any more."""
        return self.session.state is SessionState.CLOSED or self.session.closes_at <= now

    def begun(self, now: datetime) -> bool:
        """Whether its day has come."""
        return self.session.day <= local_day(now, self.facility.timezone)


def served(db: Session, principal: Principal, session_id: UUID) -> Served:
    """A session the caller serves; raises SessionNotFound, Forbidden."""
    session = session_for(db, principal, session_id, Permission.BOOKING_SERVE)
    return Served(
        session=session,
        facility=db.get_one(Facility, session.facility_id),
        product=db.get_one(Presentation, session.presentation_id),
    )


def sessions_to_serve(db: Session, principal: Principal, now: datetime) -> Sequence[Served]:
    """Today's and yesterday's sessions where the caller serves, today's first; what was called off is none."""
    rows = db.execute(
        select(VaccinationSession, Facility, Presentation)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .where(
            visible_to(principal, Unit.path, Permission.BOOKING_SERVE),
            VaccinationSession.day.between(earliest_day(now) - YESTERDAY, latest_day(now)),
            VaccinationSession.day.between(local_today(now) - 1, local_today(now)),
            VaccinationSession.cancelled.is_(None),
        )
        .order_by(VaccinationSession.day.desc(), Facility.name, VaccinationSession.opens_at, VaccinationSession.id)
        .limit(MOST)
    )
    return [Served(session=session, facility=facility, product=product) for session, facility, product in rows]


def vials_open(db: Session, here: Served, now: datetime) -> Sequence[tuple[OpenVial, str]]:
    """Opened vials of the product at the facility that may still be drawn from, with their lot; which must be used first, first."""
    rows = db.execute(
        select(OpenVial, Batch.lot)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .where(
            OpenVial.facility_id == here.facility.id,
            Batch.presentation_id == here.product.id,
            OpenVial.closed_at.is_(None),
            OpenVial.status == Status.USABLE,
            OpenVial.remaining > 0,
            OpenVial.discard_by > now,
        )
        .order_by(OpenVial.discard_by, OpenVial.id)
        .limit(MOST)
    )
    return [(vial, lot) for vial, lot in rows]
