"""Evaluation of what has newly arrived: from marks to episodes, alarms and hourly aggregates.

Each touched channel is recomputed from the latest checkpoint its new readings leave valid. Channels
are evaluated many at a time, because what costs is the statement, not the arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tracker.coldchain import models
from tracker.coldchain.rules.days import Day, episodes_of_days
from tracker.coldchain.rules.episodes import Checkpoint, Evaluation
from tracker.coldchain.rules.handing_over import evaluate_watch
from tracker.coldchain.rules.hours import Stretch, hours_of
from tracker.coldchain.rules.instants import DAY, Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import SUMS, WATCHED_ROLES, Floats, Limit, windows_of
from tracker.coldchain.rules.standing import Instants, Series, is_silent, silent_from, until_of, watched_from
from tracker.coldchain.service.aggregates import store_hours
from tracker.coldchain.service.handing_over import Begins, beginnings, with_successors
from tracker.coldchain.service.loading import (
    ChannelFacts,
    Progress,
    days_printed,
    limits_in_force,
    load_readings,
    lock_progress,
    save_progress,
    save_unheard,
)
from tracker.coldchain.service.reconciling import ChannelFindings, reconcile
from tracker.coldchain.service.silence import Voice, note_silence
from tracker.coldchain.service.state import carries_to_json, instant_or_none, partial_to_bytes
from tracker.database.engine import transaction
from tracker.telemetry.queries import take_marks
from tracker.telemetry.rules.words import Quantity


def evaluate_marked(engine: Engine, *, now: datetime, limit: int = 1000) -> int:
    """Take up to `limit` marks and evaluate their channels, all in one transaction.

    Returns the number of channels evaluated; 0 means nothing is waiting. Two workers may run at
    once: marks are skipped while another takes them, and a channel's state row is the lock.
    """
    with transaction(engine) as db:
        return evaluate_waiting(db, now=now, limit=limit)


def evaluate_waiting(db: Session, *, now: datetime, limit: int = 1000) -> int:
    """`evaluate_marked` within the caller's transaction."""
    marks = take_marks(db, most=limit)
    evaluate_channels(db, {channel: to_micros(at) for channel, at in marks.items()}, heard=True, now=now)
    return len(marks)


def check_silence(db: Session, *, now: datetime, limit: int = 1000) -> int:
    """Evaluate channels from which nothing came for three intervals: runs end, alarms of silence rise.

    Periodic; returns how many fell silent.
    """
    state = models.ChannelEvaluation
    rows = db.execute(
        select(state.channel_id, state.newest_at)
        .where(~state.silent, state.silent_after < now)
        .order_by(state.silent_after)
        .limit(limit)
    )
    # One that never spoke has no newest reading; where it would begin does not matter.
    waiting = {channel_id: to_micros(at or now) for channel_id, at in rows}
    evaluate_channels(db, waiting, heard=False, now=now)
    return len(waiting)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """One channel, evaluated but not yet written."""

    facts: ChannelFacts
    progress: Progress
    series: Series
    evaluation: Evaluation
    cuts: list[int]
    silent: bool
    silent_after: Micros


def evaluate_channels(db: Session, earliest: Mapping[int, Micros], *, heard: bool, now: datetime) -> None:
    """Recompute the channels (id → earliest change) and write what follows from it.

    `heard`: readings have just come. A device that delivers what it stored is not lost, however old its newest
    reading is: its channels get three intervals from now to go on before they count as silent.
    """
    if not earliest:
        return
    # Whoever took over a place's watch after the change goes on from another state.
    channels, changes = with_successors(db, earliest)
    channels = {one: facts for one, facts in channels.items() if _is_evaluated(facts)}
    if not channels:
        return
    progress = lock_progress(db, {one: changes[one] for one in channels})
    readings = load_readings(db, {one: state.resume for one, state in progress.items()})
    limits = limits_in_force(db)
    present = to_micros(now)
    series = {
        one: Series(readings.at[first:after], readings.low[first:after], readings.high[first:after])
        for one, first, after in readings.slices()
    }
    begins = beginnings(db, [(channels[one], progress[one].resume, mine) for one, mine in series.items()], limits)
    judgements = [
        _judge(channels[one], progress[one], mine, limits, present, begins[one], heard=heard and one in earliest)
        for one, mine in series.items()
    ]
    voices = [_voice_of(one) for one in judgements]
    unheard = [_unheard(channels[one], state, present) for one, state in progress.items() if one not in series]
    if unheard:
        save_unheard(db, [(one.facts.id, one.silent_after, one.silent) for one in unheard], now=now)
    printed = days_printed(db, [one.facts.id for one in unheard])
    judged = [_judge_days(channels[one], days, limits) for one, days in printed.items()]
    if not (judgements or judged):
        note_silence(db, unheard, now=now)
        return
    partials = _write_hours(db, judgements)
    _write_progress(db, judgements, partials, now)
    judged += [
        ChannelFindings(
            facts=one.facts,
            since=one.progress.resume.at if one.progress.resume else None,
            episodes=one.evaluation.episodes,
        )
        for one in judgements
    ]
    reconcile(db, judged, {limit.id: limit for limit in limits}, now=now)
    note_silence(db, [*voices, *unheard], now=now)


def _is_evaluated(facts: ChannelFacts) -> bool:
    if facts.quantity is Quantity.TEMPERATURE:
        return True
    return facts.role in WATCHED_ROLES.get(facts.quantity, ())


def _judge(
    facts: ChannelFacts,
    progress: Progress,
    series: Series,
    limits: Iterable[Limit],
    present: Micros,
    begins: Begins,
    *,
    heard: bool,
) -> _Judgement:
    newest = int(series.at[-1])
    interval = facts.intervals.one(newest)
    windows = windows_of(
        limits,
        [place.placement for place in facts.places.values()],
        quantity=facts.quantity,
        role=facts.role,
    )
    cuts = [*_first_of_days(series.at), series.at.size - 1]
    evaluation = evaluate_watch(
        series,
        windows,
        facts.intervals,
        until=until_of(newest, interval, present),
        sums=facts.quantity in SUMS,
        resume=progress.resume,
        cuts=cuts,
        begins=begins,
    )
    # What was silent stays so until a fresh reading comes: a late one does not end the silence.
    old = is_silent(newest, interval, present)
    from_then = present if old and heard and not progress.was_silent else newest
    silent_after = silent_from(from_then, interval)
    place = facts.place_at(present)
    if place is not None and newest < place.placement.from_at:
        silent_after = max(silent_after, watched_from(place.placement.from_at, interval))
    return _Judgement(facts, progress, series, evaluation, cuts, present > silent_after, silent_after)


def _judge_days(facts: ChannelFacts, days: Sequence[Day], limits: Iterable[Limit]) -> ChannelFindings:
    """A logger that prints days and keeps no readings: all of them anew, there are sixty at most an export."""
    windows = windows_of(
        limits, [place.placement for place in facts.places.values()], quantity=facts.quantity, role=facts.role
    )
    return ChannelFindings(facts=facts, since=None, episodes=episodes_of_days(days, windows))


def _voice_of(one: _Judgement) -> Voice:
    return Voice(
        facts=one.facts,
        was_silent=one.progress.was_silent,
        silent=one.silent,
        silent_after=one.silent_after,
        newest=int(one.series.at[-1]),
    )


def _unheard(facts: ChannelFacts, progress: Progress, present: Micros) -> Voice:
    """A channel without any reading: it is silent once its watch has gone on for too long."""
    place = facts.place_at(present)
    after = None
    if place is not None and facts.live:
        began = place.placement.from_at
        after = watched_from(began, facts.intervals.one(began))
    silent = after is not None and present > after
    return Voice(facts=facts, was_silent=progress.was_silent, silent=silent, silent_after=after, newest=None)


def _first_of_days(at: Instants) -> list[int]:
    """Indices of readings that are the first of a UTC day and not the first at all."""
    if int(at[0]) // DAY == int(at[-1]) // DAY:
        return []
    days: list[int] = (np.flatnonzero(np.diff(at // DAY)) + 1).tolist()
    return days


def _write_hours(db: Session, judgements: Sequence[_Judgement]) -> dict[int, list[Floats]]:
    parts = [
        Stretch(
            channel_id=one.facts.id,
            series=one.series,
            standing=one.evaluation.standing,
            partial=one.progress.partial,
            cuts=one.cuts,
        )
        for one in judgements
        if one.facts.quantity is Quantity.TEMPERATURE
    ]
    if not parts:
        return {}
    hours = hours_of(parts)
    store_hours(db, hours, [(part.channel_id, int(part.series.at[0])) for part in parts])
    return {part.channel_id: found for part, found in zip(parts, hours.partials, strict=True)}


def _write_progress(
    db: Session, judgements: Sequence[_Judgement], partials: Mapping[int, list[Floats]], now: datetime
) -> None:
    heads = []
    days = []
    for one in judgements:
        mine = partials.get(one.facts.id)
        rows = [None] * len(one.cuts) if mine is None else [partial_to_bytes(row) for row in mine]
        *earlier, head = zip(one.evaluation.checkpoints, rows, strict=True)
        newest = int(one.series.at[-1])
        heads.append(
            {
                "channel_id": one.facts.id,
                "newest_at": from_micros(newest),
                "silent_after": from_micros(one.silent_after),
                "silent": one.silent,
                "evaluated_at": now,
                "head_at": from_micros(head[0].at),
                "head_before": instant_or_none(head[0].before),
                "head_carries": json.dumps(carries_to_json(head[0].carries)),
                "head_partial": head[1],
            }
        )
        days += [_day_row(one.facts.id, checkpoint, row) for checkpoint, row in earlier]
    save_progress(db, heads, days)


def _day_row(channel_id: int, checkpoint: Checkpoint, partial: bytes | None) -> dict[str, object]:
    return {
        "channel_id": channel_id,
        "at": from_micros(checkpoint.at),
        "before": instant_or_none(checkpoint.before),
        "carries": carries_to_json(checkpoint.carries),
        "partial": partial,
    }
