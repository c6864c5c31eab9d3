"""How alarms follow from episodes: raised, joined, merged, ended, reopened, withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from tracker.coldchain.events import (
    AdvisoryRaised,
    AlarmEnded,
    AlarmRaised,
    BrokenLimit,
    EpisodeChanged,
    EpisodeNews,
)
from tracker.coldchain.models import Alarm, AlarmStep, Episode
from tracker.coldchain.rules.escalation import Level, first_escalation
from tracker.coldchain.rules.instants import SECOND
from tracker.coldchain.rules.limits import Limit, Severity
from tracker.coldchain.rules.matching import overlap
from tracker.feed.service import Happening, append, append_all
from tracker.kit.ids import uuid7
from tracker.telemetry.models import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one stored episode."""

    episode: Episode
    was_alarmed: bool
    is_new: bool = False
    reshaped: bool = False
    """Its start, alarm or end changed."""
    heir: Episode | None = None
    """The episode it merged into."""

    @property
    def lives(self) -> bool:
        """Neither merged nor void."""
        return self.episode.void_at is None and self.episode.merged_into is None


def follow_changes(db: Session, changes: Sequence[Change], limits: Mapping[int, Limit], *, now: datetime) -> None:
    """Let alarms follow; append to the feed what others must know."""
    for change in changes:
        if change.heir is not None and change.heir.alarm_id is None:
            change.heir.alarm_id = change.episode.alarm_id
    raised, joined = _raise_alarms(db, changes, now=now)
    db.flush()
    touched: set[UUID] = set()
    heirs: dict[UUID, UUID] = {}
    for change in changes:
        alarm_id, heir_id = change.episode.alarm_id, change.heir.alarm_id if change.heir else None
        if alarm_id is None or change.episode.id in raised:
            continue
        if change.reshaped or not change.lives or change.episode.id in joined:
            touched.add(alarm_id)
        if heir_id is not None and heir_id != alarm_id:
            heirs[alarm_id] = heir_id
    _refresh(db, sorted(touched), heirs, now=now)
    for change in changes:
        episode = change.episode
        limit = limits[episode.limit_id]
        if episode.id in raised:
            news = AlarmRaised if episode.severity is Severity.ALARM else AdvisoryRaised
            _tell(db, news, episode, limit, now=now)
        elif episode.id in joined or (episode.alarm_id is not None and (change.reshaped or not change.lives)):
            _tell(db, EpisodeChanged, episode, limit, now=now)


def _tell(db: Session, news: type[EpisodeNews], episode: Episode, limit: Limit, *, now: datetime) -> None:
    """Append an episode's news to the feed, with the evidence.

    A new alarm is told under its own id, so what is told of it later names its cause without looking it up.
    """
    raises = news is not EpisodeChanged
    told = news(
        alarm_id=episode.alarm_id,
        episode_id=episode.id,
        rule=episode.rule,
        severity=episode.severity,
        channel_id=episode.channel_id,
        assignment_id=episode.assignment_id,
        equipment_id=episode.equipment_id,
        shipment_id=episode.shipment_id,
        started_at=episode.started_at,
        alarmed_at=episode.alarmed_at,
        ended_at=episode.ended_at,
        void=episode.void_at is not None,
        merged_into_id=episode.merged_into,
        peak=episode.peak,
        exposed_s=episode.exposed_s,
        known_s=episode.known_s,
        limit=BrokenLimit(
            id=limit.id,
            quantity=limit.quantity,
            operator=limit.operator,
            value=limit.value,
            mode=limit.mode,
            duration_s=limit.duration // SECOND,
        ),
    )
    append(
        db,
        told,
        unit_id=episode.unit_id,
        subject=episode.alarm_id or episode.id,
        occurred_at=episode.alarmed_at or episode.started_at,
        now=now,
        event_id=episode.alarm_id if raises else None,
        caused_by=None if raises else episode.alarm_id,
    )


def note_step(
    db: Session, alarm: Alarm, kind: str, *, now: datetime, name: str | None = None, comment: str | None = None
) -> None:
    """Write one line of the alarm's history."""
    db.add(AlarmStep(alarm_id=alarm.id, at=now, kind=kind, level=alarm.level, name=name, comment=comment))


def _place_key(episode: Episode) -> str:
    return f"{episode.equipment_id or episode.shipment_id} {episode.rule} {episode.severity.value}"


def _raise_alarms(db: Session, changes: Iterable[Change], *, now: datetime) -> tuple[set[UUID], set[UUID]]:
    """Give every alarmed episode its alarm. Returns ids of episodes that raised one, and that joined one."""
    waiting = [
        change.episode
        for change in changes
        if change.lives and change.episode.alarmed_at is not None and change.episode.alarm_id is None
    ]
    if not waiting:
        return set(), set()
    # Two channels of one fridge, evaluated by two workers, must not raise two alarms.
    keys = sorted({_place_key(episode) for episode in waiting})
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM unnest(cast(:keys AS text[])) AS k"),
        {"keys": keys},
    )
    known = _candidates(db, waiting)
    parents = _parent_alarms(db, waiting)
    devices = _devices(db, waiting)
    raised: set[UUID] = set()
    joined: set[UUID] = set()
    for episode in sorted(waiting, key=lambda one: (one.started_at, one.id)):
        parent = parents.get(episode.split_from) if episode.split_from else None
        found = parent or _overlapping(known.get(_place_key(episode), ()), episode)
        if found is not None:
            episode.alarm_id = found
            joined.add(episode.id)
            continue
        alarm = _new_alarm(episode, devices[episode.channel_id], now)
        db.add(alarm)
        db.flush()
        note_step(db, alarm, "raised", now=now)
        episode.alarm_id = alarm.id
        known.setdefault(_place_key(episode), []).append(alarm)
        raised.add(episode.id)
    return raised, joined


def _new_alarm(episode: Episode, device_id: UUID, now: datetime) -> Alarm:
    escalates = episode.severity is Severity.ALARM
    return Alarm(
        id=uuid7(),
        rule=episode.rule,
        severity=episode.severity,
        unit_id=episode.unit_id,
        equipment_id=episode.equipment_id,
        shipment_id=episode.shipment_id,
        device_id=device_id,
        channel_id=episode.channel_id,
        started_at=episode.started_at,
        alarmed_at=episode.alarmed_at,
        ended_at=episode.ended_at,
        raised_at=now,
        level=int(Level.FACILITY),
        escalate_at=first_escalation(now, ended_at=episode.ended_at) if escalates else None,
    )


def _candidates(db: Session, episodes: Iterable[Episode]) -> dict[str, list[Alarm]]:
    """Alarms an episode may join: same place and rule, not closed, over by the earliest start at most."""
    waiting = list(episodes)
    earliest = min(episode.started_at for episode in waiting)
    rows = db.scalars(
        select(Alarm).where(
            or_(
                Alarm.equipment_id.in_({one.equipment_id for one in waiting if one.equipment_id}),
                Alarm.shipment_id.in_({one.shipment_id for one in waiting if one.shipment_id}),
            ),
            Alarm.rule.in_({one.rule for one in waiting}),
            Alarm.closed_at.is_(None),
            Alarm.withdrawn_at.is_(None),
            Alarm.merged_into.is_(None),
            or_(Alarm.ended_at.is_(None), Alarm.ended_at >= earliest),
        )
    )
    found: dict[str, list[Alarm]] = {}
    for alarm in rows:
        key = f"{alarm.equipment_id or alarm.shipment_id} {alarm.rule} {alarm.severity.value}"
        found.setdefault(key, []).append(alarm)
    return found


def _overlapping(alarms: Iterable[Alarm], episode: Episode) -> UUID | None:
    for alarm in alarms:
        if overlap(episode.started_at, episode.ended_at, alarm.started_at, alarm.ended_at):
            return alarm.id
    return None


def _parent_alarms(db: Session, episodes: Iterable[Episode]) -> dict[UUID, UUID]:
    """Alarms of the episodes these were split from: what a person has acknowledged stays one matter."""
    parents = {episode.split_from for episode in episodes if episode.split_from}
    if not parents:
        return {}
    rows = db.execute(select(Episode.id, Episode.alarm_id).where(Episode.id.in_(parents)))
    return {episode_id: alarm_id for episode_id, alarm_id in rows if alarm_id is not None}


def _devices(db: Session, episodes: Iterable[Episode]) -> dict[int, UUID]:
    ids = {episode.channel_id for episode in episodes}
    rows = db.execute(select(Channel.id, Channel.device_id).where(Channel.id.in_(ids)))
    return {row.id: row.device_id for row in rows}


def _refresh(db: Session, ids: Sequence[UUID], heirs: Mapping[UUID, UUID], *, now: datetime) -> None:
    """Start, end and fate of alarms whose episodes changed."""
    if not ids:
        return
    episodes: dict[UUID, list[Episode]] = {}
    for episode in db.scalars(
        select(Episode).where(
            Episode.alarm_id.in_(ids),
            Episode.alarmed_at.is_not(None),
            Episode.void_at.is_(None),
            Episode.merged_into.is_(None),
        )
    ):
        if episode.alarm_id is not None:
            episodes.setdefault(episode.alarm_id, []).append(episode)
    for alarm in db.scalars(select(Alarm).where(Alarm.id.in_(ids)).order_by(Alarm.id).with_for_update()):
        living = episodes.get(alarm.id)
        if living:
            _follow(db, alarm, living, now)
        elif alarm.id in heirs:
            _merge(db, alarm, heirs[alarm.id], now)
        elif alarm.withdrawn_at is None:
            alarm.withdrawn_at = now
            alarm.ended_at = alarm.ended_at or now
            alarm.escalate_at = None
            note_step(db, alarm, "withdrawn", now=now)
            tell_end(db, alarm, now=now)


def _follow(db: Session, alarm: Alarm, episodes: Sequence[Episode], now: datetime) -> None:
    over = alarm.ended_at is not None
    ends = [episode.ended_at for episode in episodes if episode.ended_at is not None]
    alarm.started_at = min(episode.started_at for episode in episodes)
    alarm.alarmed_at = min(episode.alarmed_at for episode in episodes if episode.alarmed_at is not None)
    alarm.ended_at = max(ends) if len(ends) == len(episodes) else None
    if alarm.withdrawn_at is not None:
        alarm.withdrawn_at = None
        note_step(db, alarm, "reopened", now=now)
    if alarm.ended_at is not None and not over:
        note_step(db, alarm, "ended", now=now)
        tell_end(db, alarm, now=now)
    elif alarm.ended_at is None and over:
        note_step(db, alarm, "reopened", now=now)


def _merge(db: Session, alarm: Alarm, heir_id: UUID, now: datetime) -> None:
    """The alarm goes on in another; what a person said of it goes with it."""
    heir = db.get_one(Alarm, heir_id)
    alarm.merged_into = heir_id
    alarm.ended_at = alarm.ended_at or now
    alarm.escalate_at = None
    note_step(db, alarm, "merged", now=now)
    if heir.acknowledged_at is None and alarm.acknowledged_at is not None:
        heir.acknowledged_at = alarm.acknowledged_at
        heir.acknowledged_by = alarm.acknowledged_by
        heir.acknowledged_name = alarm.acknowledged_name
        heir.comment = alarm.comment
        heir.escalate_at = None


def tell_end(db: Session, alarm: Alarm, *, now: datetime) -> None:
    """Append an alarm's end to the feed."""
    tell_ends(db, [alarm], now=now)


def tell_ends(db: Session, alarms: Sequence[Alarm], *, now: datetime) -> None:
    """`tell_end` for many, in one statement."""
    db.flush()
    append_all(db, [_end_of(alarm, now) for alarm in alarms], now=now)


def _end_of(alarm: Alarm, now: datetime) -> Happening:
    told = AlarmEnded(
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        shipment_id=alarm.shipment_id,
        rule=alarm.rule,
        severity=alarm.severity,
        channel_id=alarm.channel_id,
        started_at=alarm.started_at,
        ended_at=alarm.ended_at,
        withdrawn=alarm.withdrawn_at is not None,
    )
    return Happening(
        event=told,
        unit_id=alarm.unit_id,
        subject=alarm.id,
        occurred_at=alarm.ended_at or now,
        caused_by=alarm.id,
    )
