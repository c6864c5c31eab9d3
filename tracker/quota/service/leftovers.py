"""Doses left in opened vials when their session is over: proposed as waste, recorded by whoever throws them away."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.quota.models import VaccinationSession
from tracker.quota.rules.words import SessionState
from tracker.quota.service.sessions import session_for
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import OpenWaste
from tracker.stock.service.commands import DiscardDoses
from tracker.stock.service.opening import discard_doses


def leftovers(db: Session, session: VaccinationSession, now: datetime) -> list[tuple[OpenVial, str]]:
    """Opened vials (with their lot) whose doses are of no more use to the session: it is over, or their time is.

    Vials that keep for days are left out until their own time is over. One opened for nobody in particular belongs to the
    session in whose hours it was opened, unless another of its pool goes on.
    """
    over = session.state is SessionState.CLOSED or session.closes_at <= now
    other = aliased(VaccinationSession)
    another = exists().where(
        other.facility_id == session.facility_id,
        other.presentation_id == session.presentation_id,
        other.day == session.day,
        other.state != SessionState.CLOSED,
        other.closes_at > now,
        other.id != session.id,
    )
    loose = and_(
        OpenVial.session_id.is_(None), OpenVial.opened_at.between(session.opens_at, session.closes_at), ~another
    )
    query = (
        select(OpenVial, Batch.lot)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(
            OpenVial.facility_id == session.facility_id,
            Batch.presentation_id == session.presentation_id,
            OpenVial.closed_at.is_(None),
            OpenVial.remaining > 0,
            or_(OpenVial.session_id == session.id, loose),
            or_(OpenVial.discard_by <= now, Presentation.open_vial_days.is_(None) if over else OpenVial.id.is_(None)),
        )
        .order_by(OpenVial.opened_at, OpenVial.id)
        .execution_options(populate_existing=True)
    )
    return [(vial, lot) for vial, lot in db.execute(query)]


def throw_leftovers_away(db: Session, principal: Principal, session_id: UUID, *, now: datetime) -> list[OpenVial]:
    """Record what is proposed as thrown away; where nothing is left nothing happens.

    Raises SessionNotFound, Forbidden, and what the stock room refuses.
    """
    session = session_for(db, principal, session_id, Permission.STOCK_WRITE)
    thrown = []
    for vial, _ in leftovers(db, session, now):
        command = DiscardDoses(open_vial_id=vial.id, occurred_at=now, reason=why_thrown_away(vial, session, now))
        thrown.append(discard_doses(db, principal, command, now=now))
    return thrown


def why_thrown_away(vial: OpenVial, session: VaccinationSession, now: datetime) -> OpenWaste:
    """The reason under which a vial's doses are proposed as waste."""
    return OpenWaste.TIME_LIMIT if vial.discard_by <= min(now, session.closes_at) else OpenWaste.SESSION_END
