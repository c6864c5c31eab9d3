"""The worker's step that tells P-Care what waits.

Records are claimed (`sent`, and a time at which they are asked about) and committed; only then does a request leave, so no
transaction waits for the network. Whoever dies in between leaves records of which nobody knows whether they arrived: P-Care is
asked for them by our reference before anything is sent again. So each is there once, whatever is killed when.

When nothing gets through, the line rests, longer each time, and one round tries it; records wait without being tried in vain.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from tracker.database.engine import transaction
from tracker.database.hot import packed, run
from tracker.database.types import any_of
from tracker.delivery.rules.backoff import wait_after
from tracker.feed.service import Happening, append_all
from tracker.kit.clock import Clock
from tracker.pcare.client import Absent, Letter, PcareClient, RefusedThere, Shut, Trouble
from tracker.pcare.events import RecordRefused
from tracker.pcare.models import PcareDay, PcareLink, PcareRecord
from tracker.pcare.rules.steps import done, task
from tracker.pcare.rules.words import HELD, State, Task, Why
from tracker.pcare.service.letters import letters_of
from tracker.people.vault import NikVault

# Longer than a round may take with all its answers: nobody asks about a record whose request may still be under way.
CLAIM = timedelta(seconds=180)
ROUND = timedelta(seconds=60)
AT_ONCE = 100
# So many in a row without one that gets through, and the line rests.
IN_VAIN = 5
LONGEST_REST = timedelta(minutes=5)
FIRST_COMPARISON = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A record to be told: its letter, the number it is held under, and whether it may have arrived before."""

    record: PcareRecord
    letter: Letter | None
    held: str | None
    asked_before: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one: its new state, and what to write beside it. `through`: P-Care answered."""

    record: PcareRecord
    state: State
    through: bool
    number: str | None = None
    why: Why | None = None
    words: str | None = None
    shut: bool = False


def send_due(engine: Engine, client: PcareClient, vault: NikVault, *, clock: Clock, parallel: int) -> int:
    """Tell P-Care of up to `AT_ONCE` records that are due; returns how many were brought further. Call again while it is not 0."""
    now = clock()
    claimed = _claim(engine, vault, now)
    if not claimed:
        return 0
    outcomes = _tell_all(client, claimed, clock, now + ROUND, parallel)
    _record(engine, outcomes, clock())
    return sum(one.through for one in outcomes)


def _claim(engine: Engine, vault: NikVault, now: datetime) -> list[_Claimed]:
    with transaction(engine) as db:
        link = db.get_one(PcareLink, 1)
        if link.next_at is not None and link.next_at > now:
            return []
        # A line that rested is tried with a few; what would only wait for their time-outs stays as it is.
        most = IN_VAIN if link.failures else AT_ONCE
        before = aliased(PcareRecord)
        under_way = (
            select(before.id)
            .where(before.booking_id == PcareRecord.booking_id, before.state == State.SENT, before.id != PcareRecord.id)
            .exists()
        )
        records = db.scalars(
            select(PcareRecord)
            .where(PcareRecord.state.in_((State.WAITING, State.SENT)), PcareRecord.next_at <= now, ~under_way)
            .order_by(PcareRecord.next_at, PcareRecord.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        if not records:
            return []
        letters = letters_of(db, records, vault)
        held = _held(db, records)
        db.expunge_all()  # what is written here is written in two statements, however many there are
        claimed: list[_Claimed] = []
        nameless: list[UUID] = []
        for record in records:
            asked_before = record.state is State.SENT
            if record.dose is not None and record.id not in letters and not asked_before:
                nameless.append(record.id)
                continue
            record.state = State.SENT
            record.attempts += 1
            claimed.append(_Claimed(record, letters.get(record.id), held.get(record.booking_id), asked_before))
        waits = {"why": Why.NO_NIK, "next_at": None, "changed_at": now}
        tried = {"state": State.SENT, "next_at": now + CLAIM, "attempts": PcareRecord.attempts + 1}
        _set(db, nameless, waits)
        _set(db, [one.record.id for one in claimed], tried)
        return claimed


def _set(db: Session, ids: Sequence[UUID], values: dict[str, Any]) -> None:
    if ids:
        db.execute(
            update(PcareRecord)
            .where(any_of(PcareRecord.id, ids))
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def _held(db: Session, records: Sequence[PcareRecord]) -> dict[UUID, str]:
    rows = db.execute(
        select(PcareRecord.booking_id, PcareRecord.number).where(
            any_of(PcareRecord.booking_id, [record.booking_id for record in records]),
            PcareRecord.state == State.ACCEPTED,
        )
    )
    return {booking_id: number for booking_id, number in rows if number is not None}


def _tell_all(
    client: PcareClient, claimed: Sequence[_Claimed], clock: Clock, until: datetime, parallel: int
) -> list[_Outcome]:
    """Those whose turn does not come before `until`, or before nothing gets through any more, stay as they were."""
    vain = 0

    def tell(one: _Claimed) -> _Outcome:
        nonlocal vain
        if clock() >= until or vain >= IN_VAIN:
            return _Outcome(one.record, State.SENT if one.asked_before else State.WAITING, through=False)
        outcome = _tell(client, one)
        vain = 0 if outcome.through else vain + 1
        return outcome

    if parallel == 1 or len(claimed) == 1:
        return [tell(one) for one in claimed]
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="pcare") as hands:
        return list(hands.map(tell, claimed))


def _tell(client: PcareClient, one: _Claimed) -> _Outcome:
    record, stands = one.record, one.record.dose is not None
    maybe = one.asked_before
    try:
        if one.asked_before and stands and (number := client.find(str(record.id))) is not None:
            return _Outcome(record, State.ACCEPTED, through=True, number=number)
        # They say that it never arrived, or to take something back twice harms nobody: from here on it is as if new.
        maybe = False
        number = _carry_out(client, one)
    except RefusedThere as refusal:
        return _Outcome(record, State.REFUSED, through=True, why=Why.REFUSED, words=str(refusal))
    except Trouble as trouble:
        state = State.SENT if maybe or trouble.arrived else State.WAITING
        return _Outcome(
            record, state, through=False, why=Why.NO_ANSWER, words=str(trouble), shut=isinstance(trouble, Shut)
        )
    if stands and number is None:
        return _Outcome(record, State.WAITING, through=True, why=Why.NO_NIK)
    return _Outcome(record, done(stands), through=True, number=number)


def _carry_out(client: PcareClient, one: _Claimed) -> str | None:
    """Tell it; answers the number it has there, None where there is nothing to tell or nobody to tell it of."""
    what = task(one.record.dose is not None, held=one.held is not None)
    if what is Task.REMOVE and one.held is not None:
        try:
            client.remove(one.held)
        except Absent:
            pass
        return None
    if what is Task.NOTHING or one.letter is None:
        return None
    if what is Task.CHANGE and one.held is not None:
        try:
            return client.change(one.held, one.letter)
        except Absent:
            pass  # they forgot it: it is told as new
    return client.add(one.letter)


def _record(engine: Engine, outcomes: Sequence[_Outcome], now: datetime) -> None:
    """Write down what became of a round, in a few statements however many it had."""
    with transaction(engine) as db:
        # Where another worker took one over after our claim ran out, its word counts.
        mine = {
            (row.id, row.attempts)
            for row in db.execute(
                select(PcareRecord.id, PcareRecord.attempts)
                .where(
                    any_of(PcareRecord.id, [one.record.id for one in outcomes]),
                    PcareRecord.state == State.SENT,
                )
                .order_by(PcareRecord.id)
                .with_for_update()
            )
        }
        settled = [one for one in outcomes if (one.record.id, one.record.attempts) in mine]
        _replace(db, [one.record for one in settled if one.state in {State.ACCEPTED, State.DELETED}], now)
        _write(db, settled, now)
        _await_comparison(db, settled, now)
        refused = [_refused(one.record, now) for one in settled if one.state is State.REFUSED]
        append_all(db, refused, now=now)
        _note_line(db, outcomes, now)


def _refused(record: PcareRecord, now: datetime) -> Happening:
    told = RecordRefused(record_id=record.id, booking_id=record.booking_id, facility_id=record.facility_id)
    return Happening(event=told, unit_id=record.facility_id, subject=record.id, occurred_at=now)


def _replace(db: Session, records: Sequence[PcareRecord], now: datetime) -> None:
    """What the other side held of these doses until now is corrected."""
    if records:
        db.execute(
            update(PcareRecord)
            .where(
                any_of(PcareRecord.booking_id, [record.booking_id for record in records]),
                PcareRecord.state.in_(HELD),
            )
            .values(state=State.CORRECTED, changed_at=now)
            .execution_options(synchronize_session=False)
        )


_OUTCOMES = """
    UPDATE pcare_record AS r
    SET state = o.state, why = o.why, words = o.words, number = o.number, next_at = o.next_at, changed_at = %(now)s
    FROM json_to_recordset(CAST(%(outcomes)s AS json))
        AS o(id uuid, state text, why text, words text, number text, next_at timestamptz)
    WHERE r.id = o.id
"""


def _write(db: Session, outcomes: Sequence[_Outcome], now: datetime) -> None:
    rows = [
        {
            "id": one.record.id,
            "state": one.state,
            "why": one.why,
            "words": one.words,
            "number": one.number,
            "next_at": _next_at(one, now),
        }
        for one in outcomes
    ]
    if rows:
        run(db.connection(), _OUTCOMES, {"now": now, "outcomes": packed(rows)})


def _next_at(one: _Outcome, now: datetime) -> datetime | None:
    if one.state is State.WAITING:
        if one.why is Why.NO_NIK:
            return None
        return now if one.shut or one.why is None else now + min(wait_after(one.record.attempts), LONGEST_REST)
    if one.state is State.SENT:
        # Not before a request that was given up on over here can be through over there.
        return now + max(wait_after(one.record.attempts), CLAIM / 2)
    return None


def _await_comparison(db: Session, outcomes: Sequence[_Outcome], now: datetime) -> None:
    """The days of what was accepted are compared with P-Care's after a while."""
    days = sorted({(one.record.facility_id, one.record.day) for one in outcomes if one.state is State.ACCEPTED})
    if days:
        at = now + FIRST_COMPARISON
        asked = insert(PcareDay).values([{"facility_id": unit, "day": day, "check_at": at} for unit, day in days])
        db.execute(
            asked.on_conflict_do_update(
                index_elements=["facility_id", "day"],
                set_={"check_at": func.least(func.coalesce(PcareDay.check_at, at), at)},
            )
        )


def _note_line(db: Session, outcomes: Sequence[_Outcome], now: datetime) -> None:
    """Whether anything gets through. After too much in vain, or shut out, the line rests; one record alone is no proof."""
    vain = [one for one in outcomes if not one.through and one.words is not None]
    through = any(one.through for one in outcomes)
    shut = [one for one in vain if one.shut]
    link = db.get_one(PcareLink, 1, with_for_update=True)
    if through and not shut:
        link.failures, link.next_at, link.trouble, link.answered_at = 0, None, None, now
    elif vain:
        link.trouble = (shut or vain)[-1].words
        if shut or link.failures or len(vain) >= IN_VAIN:
            link.failures += 1
            link.next_at = now + min(wait_after(link.failures), LONGEST_REST)
    db.flush()
