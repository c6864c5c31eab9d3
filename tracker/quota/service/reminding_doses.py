"""Whoever has a claim to a next dose is told when it is due, and reminded before and after. The worker calls `remind_claims`.

A claim has a row of `claim_reminder` while something is left to be said of it, by the day on which that falls due. Saying it
and moving the row on stand in one transaction, and the row is locked: neither a second worker nor a death says it twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Select, String, and_, cast, or_, select
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.delivery.service import queue_messages
from tracker.kit.days import latest_day, local_day
from tracker.network.models import Facility
from tracker.network.rules.words import TIME_ZONES
from tracker.quota.models import Booking, Claim, ClaimReminder
from tracker.quota.rules.reminding import DoseWord, Reminding, following, is_worth_saying
from tracker.quota.rules.words import ClaimState
from tracker.quota.service.claims import OPEN
from tracker.quota.service.reminding import many_wait

_CLAIMS_AT_ONCE = 100


def remind_claims(engine: Engine, *, now: datetime, reminding: Reminding) -> int:
    """Say what is due of the next claims; how many were looked at. While many messages wait, or it is night everywhere, none."""
    zones = [zone for zone in TIME_ZONES if reminding.night.over_at(now, zone) is None]
    if not zones:
        return 0
    with transaction(engine) as db:
        if many_wait(db, now):
            return 0
        rows = db.execute(_due(now, zones)).all()
        said: dict[tuple[DoseWord, UUID, str], list[tuple[str, str, Mapping[str, object]]]] = defaultdict(list)
        for reminder, claim, medium, zone, told in rows:
            today = local_day(now, zone)
            says = (
                claim.state in OPEN
                and claim.last_day >= today
                and is_worth_saying(reminder.word, reminder.due_day, today)
            )
            if says and not told:
                params = {
                    "booking": str(claim.given_booking_id),
                    "from": claim.from_day.isoformat(),
                    "due": reminder.due_day.isoformat(),
                    "dose": claim.dose,
                }
                message = (medium.value, str(claim.person_id), params)
                said[reminder.word, claim.facility_id, zone].append(message)
            _move_on(db, reminder, claim, today if says else None, reminding)
        for (word, facility_id, zone), messages in said.items():
            queue_messages(db, messages, template=word.value, also={"zone": zone}, unit_id=facility_id, now=now)
    return len(rows)


def dose_now(db: Session, params: Mapping[str, object], now: datetime) -> Mapping[str, object] | None:
    """Where the next dose waits as the message leaves; None where that dose is booked, given, claimed no more or too late."""
    found = db.execute(
        select(Claim.last_day, Facility.name, Facility.timezone)
        .join(Facility, Facility.id == Claim.facility_id)
        .where(
            Claim.given_booking_id == UUID(str(params["booking"])),
            Claim.from_day == date.fromisoformat(str(params["from"])),
            Claim.state.in_(OPEN),
        )
    ).one_or_none()
    if found is None or found.last_day < local_day(now, found.timezone):
        return None
    return {"facility": found.name}


def _due(now: datetime, zones: list[str]) -> Select[*tuple[Any, ...]]:
    # A dose that was put right makes a claim anew: what was said of the same day before is not said again.
    told = select(OutMessage.id).where(
        OutMessage.recipient_ref == cast(Claim.person_id, String),
        OutMessage.template == cast(ClaimReminder.word, String),
        OutMessage.params["booking"].astext == cast(Claim.given_booking_id, String),
        OutMessage.params["from"].astext == cast(Claim.from_day, String),
    )
    here = [and_(Facility.timezone == zone, ClaimReminder.next_day <= local_day(now, zone)) for zone in zones]
    return (
        select(ClaimReminder, Claim, Booking.medium, Facility.timezone, told.exists())
        .join(Claim, Claim.id == ClaimReminder.claim_id)
        .join(Booking, Booking.id == Claim.given_booking_id)
        .join(Facility, Facility.id == Claim.facility_id)
        .where(ClaimReminder.next_day <= latest_day(now), or_(*here))
        .order_by(ClaimReminder.next_day, ClaimReminder.claim_id)
        .limit(_CLAIMS_AT_ONCE)
        .with_for_update(of=ClaimReminder, skip_locked=True)
    )


def _move_on(db: Session, reminder: ClaimReminder, claim: Claim, said_on: date | None, reminding: Reminding) -> None:
    """To what is said next; a claim that is booked may come to stand again, one that is none any more never does."""
    stands = claim.state in (*OPEN, ClaimState.USED)
    found = following(reminder.word, reminder.due_day, said_on, reminding) if stands else None
    if found is None:
        db.delete(reminder)
    else:
        reminder.word, reminder.next_day = found
