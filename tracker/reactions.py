"""Which event of the feed wakes which use case: the worker's table of contents.

The feed carries consequences, never an invariant: what must always hold stands in one transaction in one room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.coldchain.events import AlarmRaised, EpisodeChanged, EpisodeNews
from tracker.feed.reacting import Reaction, Runner
from tracker.feed.service import cause_of
from tracker.kit.clock import Clock
from tracker.passport.service.correcting import lift_mistaken
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import hold_for_episode
from tracker.pcare.service.noting import note_dose, note_person
from tracker.people.events import IdentityChanged
from tracker.quota.events import BookingDisplaced, DoseGiven, DoseTakenBack, SessionChanged, StillShort
from tracker.quota.service.claims import fund_claims, give_back_and_fund
from tracker.quota.service.displacing import displace
from tracker.quota.service.offering import make_offer
from tracker.quota.service.pools import lock_pool, pool_facts, pools_beside
from tracker.stock.events import OpenDosesFell, StockAvailable, StockMoved, StockShort
from tracker.stock.rules.words import Kind
from tracker.trace.events import RecallGoesOn, RecallStarted, RecallWithdrawn
from tracker.trace.recalls import sweep_recalls, tell_found


def _hold(db: Session, event: EpisodeNews, now: datetime) -> None:
    if event.void:
        lift_mistaken(db, event.episode_id, now=now)
    else:
        hold_for_episode(db, SYSTEM, event.episode_id, now=now)


def _hold_entering(db: Session, event: StockMoved, now: datetime) -> None:
    hold_entering(db, SYSTEM, event.stock_event_id, now=now, told=cause_of(db))


def _displace(db: Session, event: StockShort | StillShort | OpenDosesFell | SessionChanged, now: datetime) -> None:
    displace(db, event.facility_id, event.presentation_id, now=now)


def _share_opened(db: Session, event: StockMoved, now: datetime) -> None:
    if event.kind is Kind.OPENING:
        for presentation_id in event.presentation_ids:
            stores = pool_facts(db, event.facility_id, presentation_id, now)
            lock_pool(db, stores)
            for pool in pools_beside(db, stores):
                give_back_and_fund(db, pool, now, None)


def _offer(db: Session, event: BookingDisplaced, now: datetime) -> None:
    make_offer(db, event.booking_id, now=now)


def _fund(db: Session, event: StockAvailable, now: datetime) -> None:
    pool = pool_facts(db, event.facility_id, event.presentation_id, now)
    lock_pool(db, pool)
    fund_claims(db, pool, now)


def _recall(db: Session, event: StockMoved, now: datetime) -> None:
    tell_found(db, event.stock_event_id, now=now)
    for batch_id in event.batch_ids:
        sweep_recalls(db, batch_id, now=now, moved_by=event.stock_event_id)


def _sweep(db: Session, event: RecallStarted | RecallWithdrawn | RecallGoesOn, now: datetime) -> None:
    sweep_recalls(db, event.batch_id, now=now)


def _note_dose(db: Session, event: DoseGiven | DoseTakenBack, now: datetime) -> None:
    note_dose(db, event.booking_id, now=now)


def _note_person(db: Session, event: IdentityChanged, now: datetime) -> None:
    note_person(db, event.person_id, now=now)


REACTIONS: tuple[Reaction[Any], ...] = (
    # An alarm, or an alarmed episode that grew: stop what it may have harmed, wherever that is now. One that was
    # measured elsewhere than was said, as a person has corrected: free what it had stopped.
    Reaction(name="hold", on=(AlarmRaised, EpisodeChanged), act=_hold),
    # Stock that entered a place under alarm, or whose stay there is learnt of late.
    Reaction(name="hold_entering", on=(StockMoved,), act=_hold_entering),
    # Vials of a recalled batch that came to light since: told, and stopped where the standing order did not see them.
    Reaction(name="recall", on=(StockMoved,), act=_recall),
    # A recall stands, or was withdrawn: what it has left, some hundred facilities at a time, and vials that came while that
    # was being done, of which neither could know, are stopped, or given back.
    Reaction(name="recall_started", on=(RecallStarted, RecallWithdrawn, RecallGoesOn), act=_sweep),
    # Vials fell below promises: the newest give way, second doses last; some hundreds at a time.
    Reaction(name="displace", on=(StockShort, StillShort), act=_displace),
    # A vial was opened, whoever it was for: its doses serve the day's bookings, which need that much less.
    Reaction(name="share_opened", on=(StockMoved,), act=_share_opened),
    # Doses of an opened vial were thrown away, or its opening taken back: its people need another vial, or give way.
    Reaction(name="open_doses", on=(OpenDosesFell,), act=_displace),
    # At other hours an opened vial may be past its time before anybody comes: they need another vial, or give way.
    Reaction(name="session_hours", on=(SessionChanged,), act=_displace),
    # Who gave way is offered the nearest place with room.
    Reaction(name="offer", on=(BookingDisplaced,), act=_offer),
    # Vials came: claims to second doses are first in line.
    Reaction(name="fund_claims", on=(StockAvailable,), act=_fund),
    # A dose was given, set right or taken back: what P-Care is to be told of it.
    Reaction(name="pcare_dose", on=(DoseGiven, DoseTakenBack), act=_note_dose),
    # Somebody got their number, or another name: P-Care is told again, or at last.
    Reaction(name="pcare_person", on=(IdentityChanged,), act=_note_person),
)

BY_NAME: Mapping[str, Reaction[Any]] = {reaction.name: reaction for reaction in REACTIONS}


def runners(engine: Engine, clock: Clock) -> Iterator[Runner]:
    """One runner for each reaction."""
    return (Runner(engine, reaction, clock) for reaction in REACTIONS)
