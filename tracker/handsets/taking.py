"""Use cases of a phone: it begins its book, and sends what was written there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.database.types import any_of
from tracker.edge.services import Services
from tracker.edge.values import Instant
from tracker.feed.service import append
from tracker.handsets.acting import Refusal, try_out
from tracker.handsets.commands import Enrol
from tracker.handsets.errors import (
    ChainBroken,
    CutOff,
    HandsetTaken,
    HandsetUnknown,
    NeedDropped,
    NeedUnknown,
    StepTaken,
    StepUnreadable,
    TooManyHandsets,
)
from tracker.handsets.events import HandsetEnrolled, StepInConflict
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.rules import MOST_DEEP, NOTHING, OPEN, Said, StepState, check_chain, depth_of
from tracker.kit.errors import Forbidden
from tracker.kit.members import each_once
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.network.queries import as_id, facility_by_code_or_id

# A person changes browsers seldom; who loops makes no rows without end. Those laid aside stand in nobody's way.
MOST_HANDSETS = 50
IN_USE = timedelta(days=30)


class StepText(BaseModel):
    """What the text of a step must hold; what its body must hold, its kind says."""

    model_config = ConfigDict(extra="ignore")

    number: int = Field(strict=True, ge=1, lt=2**31)
    id: UUID
    at: Instant
    facility: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    needs: list[UUID] = Field(default_factory=list, max_length=200)
    kind: str = Field(pattern=r"^[a-z][a-z_.]{0,39}$")
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A step's text beside what it says."""

    said: Said
    step: StepText


def enrol(db: Session, principal: Principal, command: Enrol, *, now: datetime) -> tuple[Handset, bool]:
    """Begin a book for the caller at a facility they may see stock of, or go on with it there; the same again is the same (False).

    What was done before stays of the facility where it was done.

    Raises NotFound, Forbidden, HandsetTaken, TooManyHandsets, CutOff.
    """
    facility = facility_by_code_or_id(db, principal, command.facility, Permission.STOCK_READ)
    if principal.account_id is None:
        raise HandsetUnknown
    known = select(func.count()).select_from(Handset)
    known = known.where(Handset.account_id == principal.account_id, Handset.heard_at > now - IN_USE)
    if db.get(Handset, command.id) is None and (db.scalar(known) or 0) >= MOST_HANDSETS:
        raise TooManyHandsets(most=MOST_HANDSETS)
    made = db.execute(
        insert(Handset)
        .values(
            id=command.id, account_id=principal.account_id, facility_id=facility.id, name=command.name,
            enrolled_at=now, heard_at=now, last_hash=NOTHING,
        )
        .on_conflict_do_nothing()
        .returning(Handset.id)
    ).scalar()  # fmt: skip
    handset = db.get_one(Handset, command.id, populate_existing=True, with_for_update=True)
    if handset.account_id != principal.account_id:
        raise HandsetTaken
    if handset.cut_off_at is not None:
        raise CutOff
    moved = handset.facility_id != facility.id
    if moved:
        handset.former = sorted({*handset.former, handset.facility_id})
        handset.facility_id, handset.name, handset.heard_at = facility.id, command.name, now
        db.flush()
    if made is not None or moved:
        event = HandsetEnrolled(handset_id=handset.id, facility_id=facility.id)
        append(db, event, unit_id=facility.id, subject=handset.id, occurred_at=now, now=now)
    return handset, made is not None or moved


def own_handset(db: Session, principal: Principal, handset_id: UUID) -> Handset:
    """The caller's handset, locked: one batch of a book at a time. Raises HandsetUnknown, CutOff."""
    query = select(Handset).where(Handset.id == handset_id).with_for_update().execution_options(populate_existing=True)
    handset = db.scalar(query)
    if handset is None or handset.account_id != principal.account_id:
        raise HandsetUnknown
    if handset.cut_off_at is not None:
        raise CutOff
    return handset


def hear(db: Session, principal: Principal, handset_id: UUID, *, now: datetime) -> None:
    """The caller's phone asked for something: it was heard. One that is not theirs (yet) is passed over. Raises CutOff."""
    mine = (Handset.id == handset_id, Handset.account_id == principal.account_id)
    if db.scalar(select(Handset.cut_off_at).where(*mine)) is not None:
        raise CutOff
    db.execute(update(Handset).where(*mine).values(heard_at=func.greatest(Handset.heard_at, now)))


def take_steps(
    db: Session,
    principal: Principal,
    handset_id: UUID,
    lines: Sequence[tuple[str, str]],
    *,
    shared: Services,
    now: datetime,
) -> tuple[Handset, list[HandsetStep]]:
    """Take the next steps of a book, (text, hash) each, in order; those that are known already are answered again.

    Each is carried out within a savepoint: one that is refused is kept as a conflict, and stops only what builds upon it.
    Raises HandsetUnknown, CutOff, StepUnreadable, StepsMissing, ChainBroken, StepTaken; then nothing was taken.
    """
    handset = own_handset(db, principal, handset_id)
    written = [_read(index, text, digest) for index, (text, digest) in enumerate(lines)]
    known = _known(db, handset, written)
    fresh = written[len(known) :]
    check_chain([one.said for one in fresh], number=handset.last_number, before=handset.last_hash)
    _refuse_taken(db, fresh)
    homes = _homes(db, handset)
    taken = [_take(db, principal, handset, one, homes, shared=shared, now=now) for one in fresh]
    handset.heard_at = now
    db.flush()
    return handset, [*known, *taken]


def _no_number(word: str) -> float:
    raise ValueError(word)  # NaN and its like are no JSON


def _read(index: int, text: str, digest: str) -> Written:
    try:
        text.encode()
        found = json.loads(text, parse_constant=_no_number, object_pairs_hook=each_once)
        if depth_of(found) > MOST_DEEP:
            raise StepUnreadable(line=index)
        step = StepText.model_validate(found)
    except (ValidationError, ValueError, RecursionError) as error:
        raise StepUnreadable(line=index) from error
    return Written(said=Said(number=step.number, text=text, hash=digest), step=step)


def _known(db: Session, handset: Handset, written: Sequence[Written]) -> list[HandsetStep]:
    """Steps at the beginning that the book has already, word for word. Raises ChainBroken."""
    repeated = [one for one in written if one.said.number <= handset.last_number]
    numbers = [one.said.number for one in repeated]
    query = select(HandsetStep).where(HandsetStep.handset_id == handset.id, HandsetStep.number.in_(numbers))
    found = {step.number: step for step in db.scalars(query)} if numbers else {}
    for one in repeated:
        if found[one.said.number].hash != one.said.hash:
            raise ChainBroken(number=one.said.number)
    if repeated != list(written[: len(repeated)]):
        raise ChainBroken(number=written[0].said.number)
    return [found[number] for number in numbers]


def _refuse_taken(db: Session, fresh: Sequence[Written]) -> None:
    ids = [one.step.id for one in fresh]
    taken = set(db.scalars(select(HandsetStep.id).where(any_of(HandsetStep.id, ids)))) if ids else set()
    for index, one in enumerate(fresh):
        if one.step.id in taken or one.step.id in ids[:index]:
            raise StepTaken(number=one.said.number)


def _take(
    db: Session,
    principal: Principal,
    handset: Handset,
    one: Written,
    homes: dict[str, UUID],
    *,
    shared: Services,
    now: datetime,
) -> HandsetStep:
    number = one.said.number
    done_at = _done_at(db, principal, one.step, homes)
    step = HandsetStep(
        id=one.step.id,
        handset_id=handset.id,
        facility_id=handset.facility_id if isinstance(done_at, Refusal) else done_at or handset.facility_id,
        number=number,
        previous=number - 1 if number > 1 else None,
        before=handset.last_hash,
        hash=one.said.hash,
        text=one.said.text,
        kind=one.step.kind,
        needs=one.step.needs,
        said_at=one.step.at if 2000 <= one.step.at.year <= 2200 else now,
        received_at=now,
    )
    if isinstance(done_at, Refusal):
        _keep_refused(db, step, done_at, now=now)
    else:
        attempt(db, principal, step, shared=shared, now=now)
    db.add(step)
    handset.last_number, handset.last_hash = number, one.said.hash
    db.flush()
    return step


def _homes(db: Session, handset: Handset) -> dict[str, UUID]:
    """Where the phone is and was at home, by code and id."""
    query = select(Facility.id, Facility.code).where(any_of(Facility.id, [handset.facility_id, *handset.former]))
    return {word: row.id for row in db.execute(query) for word in (row.code, str(row.id))}


def _done_at(db: Session, principal: Principal, step: StepText, homes: dict[str, UUID]) -> UUID | Refusal | None:
    """The facility that a step says it was done at, else that its body names; None where neither names one.

    Nobody lays a step before people of a store that they neither see nor worked at; whoever works elsewhere by now is believed.
    """
    named = step.facility or step.body.get("facility")
    if not isinstance(named, str):
        return None
    ref = str(as_id(named) or named)
    try:
        if ref not in homes and not ref.isprintable():
            raise FacilityNotFound(facility=ascii(ref))
        if ref not in homes:
            homes[ref] = facility_by_code_or_id(db, principal, ref, Permission.STOCK_READ).id
    except FacilityNotFound as error:
        # What a body names wrongly is refused by its own call.
        return Refusal(code=error.code, params=error.params) if step.facility else None
    return homes[ref]


def attempt(db: Session, principal: Principal | None, step: HandsetStep, *, shared: Services, now: datetime) -> None:
    """Carry a step out if what it builds upon is done; say so on its row. Nobody (a locked account) may do nothing."""
    standing = _needs(db, step.needs)
    refusal: Refusal | None = None
    if isinstance(standing, Refusal):
        refusal = standing
    elif standing is StepState.WAITING:
        step.state, step.code, step.params = StepState.WAITING, None, {}
        return
    elif principal is None:
        refusal = Refusal(code=Forbidden.code, params={})
    else:
        step.result_id, refusal = try_out(db, principal, step.kind, meant(db, step), shared=shared, now=now)
    if refusal is None:
        step.state, step.code, step.params = StepState.DONE, None, {}
        return
    _keep_refused(db, step, refusal, now=now)


def _keep_refused(db: Session, step: HandsetStep, refusal: Refusal, *, now: datetime) -> None:
    step.state, step.code, step.params = StepState.CONFLICT, refusal.code, refusal.params
    event = StepInConflict(handset_id=step.handset_id, facility_id=step.facility_id, step_id=step.id, code=refusal.code)
    append(db, event, unit_id=step.facility_id, subject=step.id, occurred_at=now, now=now)


def meant(db: Session, step: HandsetStep) -> dict[str, Any]:
    """What a step says; where it names a step that it builds upon, what came of that one.

    Who walked in has a place already, now and then: a phone without a network names what it asked for.
    """
    said = step.body
    named = {value for value in said.values() if isinstance(value, str)} & {str(one) for one in step.needs}
    if not named:
        return said
    query = select(HandsetStep.id, HandsetStep.result_id).where(any_of(HandsetStep.id, [UUID(one) for one in named]))
    came = {str(row.id): str(row.result_id) for row in db.execute(query) if row.result_id is not None}
    return {key: came.get(value, value) if isinstance(value, str) else value for key, value in said.items()}


def _needs(db: Session, needs: Iterable[UUID]) -> StepState | Refusal:
    """DONE where all that a step builds upon is done, WAITING where a person must settle something first."""
    wanted = set(needs)
    if not wanted:
        return StepState.DONE
    states = dict(db.execute(select(HandsetStep.id, HandsetStep.state).where(any_of(HandsetStep.id, wanted))).all())
    if wanted - set(states):
        return Refusal(code=NeedUnknown.code, params={})
    if StepState.DROPPED in states.values():
        return Refusal(code=NeedDropped.code, params={})
    return StepState.WAITING if OPEN & set(states.values()) else StepState.DONE
