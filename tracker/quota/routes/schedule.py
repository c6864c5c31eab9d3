"""The schedule: when doses are due, as dated rows that everybody reads and the ministry writes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Response

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db
from tracker.quota.presenting import rule_command, schedule_out
from tracker.quota.queries.schedule import rules_of
from tracker.quota.routes.router import router
from tracker.quota.schedule_schemas import RuleBody, ScheduleOut
from tracker.quota.service.scheduling import add_rule

_AGAIN: dict[int | str, dict[str, Any]] = {200: {"description": "The same again."}}


@router.get("/schedule")
def read_schedule(
    db: Db, caller: Caller, *, vaccine: Annotated[str | None, Query(max_length=64, description="Its code.")] = None
) -> ScheduleOut:
    """Intervals, ages and distances between vaccines, those of the past too."""
    caller.require(Permission.QUOTA_READ)
    return schedule_out(rules_of(db, vaccine))


@router.post("/schedule", status_code=201, responses=_AGAIN)
def write_rule(body: Annotated[RuleBody, Body()], db: Db, caller: Caller, response: Response) -> ScheduleOut:
    """Write a rule down, in force from its day on; the same again answers 200. The rules of its vaccine are answered."""
    response.status_code = 201 if add_rule(db, caller, rule_command(body)) else 200
    return schedule_out(rules_of(db, body.vaccine))
