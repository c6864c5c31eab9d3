"""Wire shapes from what was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from tracker.access.models import LoginAccount
from tracker.edge.deps import Speaker
from tracker.handsets.holdings import Row, Told
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.schemas import ConflictOut, HandsetOut, HoldingsOut, StandingOut, StepOut, StepsOut
from tracker.network.models import Facility


def handset_out(row: Any, now: datetime) -> HandsetOut:
    """A row of `handsets_visible_to`."""
    handset, account, facility = row
    return HandsetOut(
        id=handset.id,
        facility=facility.code,
        name=handset.name,
        account=account,
        enrolled_at=handset.enrolled_at,
        heard_at=handset.heard_at,
        last_number=handset.last_number,
        last_hash=handset.last_hash,
        cut_off_at=handset.cut_off_at,
        now=now,
    )


def handset_of(db: Session, handset: Handset, now: datetime) -> HandsetOut:
    """One handset."""
    account = db.get_one(LoginAccount, handset.account_id)
    return handset_out((handset, account.name, db.get_one(Facility, handset.facility_id)), now)


def steps_out(handset: Handset, steps: Sequence[HandsetStep], speak: Speaker, now: datetime) -> StepsOut:
    """What became of a batch of steps."""
    return StepsOut(
        now=now,
        last_number=handset.last_number,
        last_hash=handset.last_hash,
        items=[StepOut(**_step(step, speak)) for step in steps],
    )


def _step(step: HandsetStep, speak: Speaker) -> dict[str, Any]:
    said: Mapping[str, str] = speak(step.code, step.params) if step.code else {}
    return {
        "number": step.number,
        "id": step.id,
        "kind": step.kind,
        "state": step.state,
        "result_id": step.result_id,
        "code": step.code,
        "params": step.params,
        "detail": said.get("detail"),
        "message": said.get("en"),
        "message_id": said.get("id"),
    }


def conflict_out(row: Any, speak: Speaker) -> ConflictOut:
    """A row of `steps_visible_to`."""
    step, handset, account, facility = row
    return ConflictOut(
        **_step(step, speak),
        handset=handset.id,
        handset_name=handset.name,
        account=account,
        facility=facility.code,
        said_at=step.said_at,
        received_at=step.received_at,
        needs=step.needs,
        body=step.body,
        way=step.way,
        reason=step.reason,
        settled_by=step.settled_by,
        settled_at=step.settled_at,
    )


def holdings_out(facility: Facility, told: Told, now: datetime, *, nested: bool = False) -> HoldingsOut:
    """What a phone is told of its facility; `nested`: in a whole answer what lies of a batch stands with it."""
    lists = _in_batches(told.lists) if nested and told.whole else told.lists
    return HoldingsOut(
        as_of=now,
        token=told.token,
        whole=told.whole,
        facility=facility.code,
        conflicts=told.conflicts,
        timezone=facility.timezone,
        gone={name: keys for name, keys in told.gone.items() if keys},
        **lists,
    )


def _in_batches(lists: Mapping[str, list[Row]]) -> Mapping[str, list[Row]]:
    """An id is random and twice as long on the road as anything else of its row, so it is said once."""
    lying: dict[str, list[Row]] = defaultdict(list)
    for row in lists["stock"]:
        lying[row["batch"]].append({name: value for name, value in row.items() if name != "batch"})
    return {**lists, "batches": [{**row, "lies": lying[row["id"]]} for row in lists["batches"]], "stock": []}


def standing_out(*, cut_off: bool, now: datetime) -> StandingOut:
    """Whether a phone is to forget what it holds."""
    return StandingOut(cut_off=cut_off, now=now)
