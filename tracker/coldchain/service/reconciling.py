"""From recomputed episodes to stored ones, and on to alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.coldchain.models import Episode, EpisodeVersion
from tracker.coldchain.rules import tracking
from tracker.coldchain.rules.episodes import Key
from tracker.coldchain.rules.instants import SECOND, Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import Limit
from tracker.coldchain.rules.matching import Matched, StoredEpisode, match
from tracker.coldchain.service.alarming import Change, follow_changes
from tracker.coldchain.service.loading import ChannelFacts
from tracker.coldchain.service.state import instant_or_none, micros_or_none
from tracker.kit.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFindings:
    """What evaluation found for one channel from `since` on (None: from its first reading)."""

    facts: ChannelFacts
    since: Micros | None
    episodes: Sequence[tracking.Episode]


def reconcile(db: Session, judged: Sequence[ChannelFindings], limits: Mapping[int, Limit], *, now: datetime) -> None:
    """Store the episodes, keep versions, and let alarms follow."""
    stored = _stored(db, judged)
    changes: list[Change] = []
    for one in judged:
        mine: dict[Key, list[Episode]] = {}
        for row in stored.get(one.facts.id, ()):
            mine.setdefault((row.limit_id, str(row.assignment_id)), []).append(row)
        found: dict[Key, list[tracking.Episode]] = {}
        for episode in one.episodes:
            found.setdefault((episode.limit_id, episode.place), []).append(episode)
        for key in mine.keys() | found.keys():
            changes += _reconcile_one(
                db, one.facts, limits[key[0]], old=mine.get(key, []), new=found.get(key, []), now=now
            )
    if not changes:
        return
    db.flush()
    _keep_versions(db, changes, now)
    follow_changes(db, changes, limits, now=now)


def _stored(db: Session, judged: Sequence[ChannelFindings]) -> dict[int, list[Episode]]:
    """Stored episodes that readings from each channel's `since` on may touch."""
    wanted = text(
        "SELECT e.id FROM unnest(cast(:ids AS bigint[]), cast(:since AS timestamptz[])) AS w(channel_id, since) "
        "CROSS JOIN LATERAL (SELECT id FROM episode WHERE episode.channel_id = w.channel_id "
        "AND void_at IS NULL AND merged_into IS NULL "
        # OFFSET 0 keeps the planner from turning the loop round and walking through all episodes there are.
        "AND coalesce(settled_at, 'infinity'::timestamptz) >= w.since OFFSET 0) AS e"
    ).bindparams(
        ids=[one.facts.id for one in judged],
        since=[from_micros(one.since if one.since is not None else 0) for one in judged],
    )
    ids = list(db.scalars(wanted))
    found: dict[int, list[Episode]] = {}
    if ids:
        for row in db.scalars(select(Episode).where(Episode.id.in_(ids)).order_by(Episode.started_at, Episode.id)):
            found.setdefault(row.channel_id, []).append(row)
    return found


def _reconcile_one(
    db: Session,
    facts: ChannelFacts,
    limit: Limit,
    *,
    old: Sequence[Episode],
    new: Sequence[tracking.Episode],
    now: datetime,
) -> Iterable[Change]:
    by_id = {row.id: row for row in old}
    matched, gone = match(new, [_known(row) for row in old])
    for one in matched:
        if one.keeps is None:
            row = _new_episode(facts, limit, one, now)
            db.add(row)
            yield Change(episode=row, was_alarmed=False, is_new=True)
            continue
        row = by_id[one.keeps]
        was_alarmed = row.alarmed_at is not None
        absorbed = [by_id[other] for other in one.absorbs]
        for other in absorbed:
            other.merged_into = row.id
            other.changed_at = now
            yield Change(episode=other, was_alarmed=other.alarmed_at is not None, heir=row)
        shape = (row.started_at, row.alarmed_at, row.ended_at)
        if _apply(row, one.episode, now) or absorbed:
            reshaped = shape != (row.started_at, row.alarmed_at, row.ended_at) or bool(absorbed)
            yield Change(episode=row, was_alarmed=was_alarmed, reshaped=reshaped)
    for other_id in gone:
        row = by_id[other_id]
        row.void_at = now
        row.changed_at = now
        yield Change(episode=row, was_alarmed=row.alarmed_at is not None)


def _known(row: Episode) -> StoredEpisode:
    return StoredEpisode(
        id=row.id,
        started_at=to_micros(row.started_at),
        ended_at=micros_or_none(row.ended_at),
        alarmed=row.alarm_id is not None,
    )


def _new_episode(facts: ChannelFacts, limit: Limit, matched: Matched, now: datetime) -> Episode:
    place = facts.places[matched.episode.place]
    row = Episode(
        id=uuid7(),
        channel_id=facts.id,
        limit_id=limit.id,
        assignment_id=place.assignment_id,
        rule=limit.rule,
        severity=limit.severity,
        unit_id=place.unit_id,
        equipment_id=place.equipment_id,
        shipment_id=place.shipment_id,
        split_from=matched.split_from,
        first_known_at=now,
    )
    _apply(row, matched.episode, now)
    return row


def _apply(row: Episode, episode: tracking.Episode, now: datetime) -> bool:
    """Bring the row up to date; whether anything changed."""
    figures: dict[str, object] = {
        "started_at": from_micros(episode.started_at),
        "alarmed_at": instant_or_none(episode.alarmed_at),
        "ended_at": instant_or_none(episode.ended_at),
        "settled_at": instant_or_none(episode.settled_at),
        "peak": episode.peak,
        "exposed_s": episode.exposed / SECOND,
        "known_s": episode.known / SECOND,
    }
    changed = [name for name, value in figures.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, figures[name])
    if changed:
        row.changed_at = now
    return bool(changed)


def _keep_versions(db: Session, changes: Iterable[Change], now: datetime) -> None:
    rows = {
        change.episode.id: {
            "episode_id": change.episode.id,
            "known_from": now,
            "started_at": change.episode.started_at,
            "alarmed_at": change.episode.alarmed_at,
            "ended_at": change.episode.ended_at,
            "peak": change.episode.peak,
            "exposed_s": change.episode.exposed_s,
            "known_s": change.episode.known_s,
            "merged_into": change.episode.merged_into,
            "void": change.episode.void_at is not None,
        }
        for change in changes
        if change.is_new or change.reshaped or not change.lives
    }
    if not rows:
        return
    statement = upsert(EpisodeVersion)
    columns = ("started_at", "alarmed_at", "ended_at", "peak", "exposed_s", "known_s", "merged_into", "void")
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["episode_id", "known_from"], set_={name: statement.excluded[name] for name in columns}
        ),
        list(rows.values()),
    )
