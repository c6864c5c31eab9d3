"""Use cases of people about phones: a conflict is settled, a lost phone is cut off."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from tracker.access.ending import end_logins
from tracker.access.models import LoginAccount, Unit
from tracker.access.principal import Principal
from tracker.access.queries import principal_of, visible_to
from tracker.access.rules import Permission
from tracker.edge.services import Services
from tracker.feed.service import append
from tracker.handsets.acting import carry_out, fields_of
from tracker.handsets.commands import Settle
from tracker.handsets.errors import AlreadySettled, BodyNeeded, BodyWrong, HandsetUnknown, StepNotFound, StillWaiting
from tracker.handsets.events import HandsetCutOff, StepSettled
from tracker.handsets.models import Handset, HandsetHolding, HandsetStep
from tracker.handsets.rules import MOST_DEEP, OPEN, StepState, Way, depth_of
from tracker.handsets.taking import attempt, meant
from tracker.network.models import Facility
from tracker.network.queries import path_of


def handsets_visible_to(principal: Principal) -> Select[*tuple[Any, ...]]:
    """A select of (handset, account's name, facility), not ordered."""
    return (
        select(Handset, LoginAccount.name, Facility)
        .join(LoginAccount, LoginAccount.id == Handset.account_id)
        .join(Facility, Facility.id == Handset.facility_id)
        .join(Unit, Unit.id == Handset.facility_id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ))
    )


def steps_visible_to(principal: Principal) -> Select[*tuple[Any, ...]]:
    """A select of (step, handset, account's name, the step's facility), not ordered."""
    return (
        select(HandsetStep, Handset, LoginAccount.name, Facility)
        .join(Handset, Handset.id == HandsetStep.handset_id)
        .join(LoginAccount, LoginAccount.id == Handset.account_id)
        .join(Facility, Facility.id == HandsetStep.facility_id)
        .join(Unit, Unit.id == HandsetStep.facility_id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ))
    )


def settle(
    db: Session, principal: Principal, step_id: UUID, command: Settle, *, shared: Services, now: datetime
) -> HandsetStep:
    """Do the step once more as it is, or as it should have been, or drop it; what built upon it follows, in order.

    Whoever settles acts, with their own rights: what the house refuses is raised and nothing has changed. The same decision
    again answers the first. What follows is done with the rights of whoever wrote it. Raises StepNotFound, Forbidden, AlreadySettled, StillWaiting, BodyNeeded, and what the act raises.
    """
    handset = _locked(db, principal, step_id)
    step = db.get_one(HandsetStep, step_id, populate_existing=True)
    if step.settle_id == command.id:
        return step
    if step.state not in OPEN:
        raise AlreadySettled(state=step.state.value)
    if command.way is Way.CORRECT and command.body is None:
        raise BodyNeeded(field="body")
    if depth_of(command.body) > MOST_DEEP:
        raise BodyWrong(fields=["body"])
    if command.way is not Way.DROP:
        if _waits(db, step):
            raise StillWaiting
        step.corrected = command.body if command.way is Way.CORRECT else None
        try:
            step.result_id = carry_out(db, principal, step.kind, meant(db, step), shared=shared, now=now)
        except ValidationError as error:
            raise BodyWrong(fields=fields_of(error)) from error
    step.state = StepState.DROPPED if command.way is Way.DROP else StepState.DONE
    step.settle_id, step.settled_at, step.settled_by = command.id, now, principal.name
    step.way, step.reason = command.way, command.reason
    db.flush()
    event = StepSettled(handset_id=handset.id, facility_id=step.facility_id, step_id=step.id, way=command.way.value)
    append(db, event, unit_id=step.facility_id, subject=step.id, occurred_at=now, now=now)
    # Who settles saw this step only: what the phone wrote behind it is done with the rights of whoever wrote it.
    owner = principal_of(db, handset.account_id)
    for later in _waiting(db, handset):
        attempt(db, owner, later, shared=shared, now=now)
        db.flush()
    return step


def _locked(db: Session, principal: Principal, step_id: UUID) -> Handset:
    row = db.execute(steps_visible_to(principal).where(HandsetStep.id == step_id)).first()
    if row is None:
        raise StepNotFound
    principal.require(Permission.STOCK_WRITE, path_of(db, row[0].facility_id))
    # The book is the lock: neither two people nor a person and the phone judge a step at once.
    query = select(Handset).where(Handset.id == row[0].handset_id).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()


def _waits(db: Session, step: HandsetStep) -> bool:
    needed = select(HandsetStep.id).where(HandsetStep.id.in_(step.needs), HandsetStep.state.in_(sorted(OPEN)))
    return bool(step.needs) and db.scalar(needed.limit(1)) is not None


def _waiting(db: Session, handset: Handset) -> list[HandsetStep]:
    query = select(HandsetStep).where(HandsetStep.handset_id == handset.id, HandsetStep.state == StepState.WAITING)
    return list(db.scalars(query.order_by(HandsetStep.number)))


def cut_off(db: Session, principal: Principal, handset_id: UUID, *, reason: str, now: datetime) -> Handset:
    """Nothing is taken from the phone any more, it is told to forget all, and its account must log in anew. Twice is harmless.

    For whose it is, and for who may cut off phones at its facility. Raises HandsetUnknown, Forbidden.
    """
    row = db.execute(handsets_visible_to(principal).where(Handset.id == handset_id)).first()
    handset = db.get(Handset, handset_id, with_for_update=True, populate_existing=True)
    own = handset is not None and principal.account_id is not None and handset.account_id == principal.account_id
    if handset is None or (row is None and not own):
        raise HandsetUnknown
    if not own:
        principal.require(Permission.HANDSET_CUT_OFF, path_of(db, handset.facility_id))
    if handset.cut_off_at is not None:
        return handset
    handset.cut_off_at, handset.cut_off_by, handset.cut_off_reason = now, principal.name, reason
    db.execute(delete(HandsetHolding).where(HandsetHolding.account_id == handset.account_id))
    end_logins(db, db.get_one(LoginAccount, handset.account_id), now=now)
    event = HandsetCutOff(handset_id=handset.id, facility_id=handset.facility_id)
    append(db, event, unit_id=handset.facility_id, subject=handset.id, occurred_at=now, now=now)
    return handset


def was_cut_off(db: Session, handset_id: UUID) -> bool:
    """Whether a phone is to forget what it holds; False of one that nobody knows."""
    return db.scalar(select(Handset.cut_off_at).where(Handset.id == handset_id)) is not None
