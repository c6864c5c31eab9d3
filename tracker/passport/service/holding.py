"""From an alarmed episode to stopped vials, wherever they are now.

What lay there between the episode's start and its end is followed through the ledger, and all of it is
held: in another fridge, on the road, in another facility, opened. One row per (episode, place, batch), so
running twice is harmless and late evidence works.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.coldchain.models import Episode, Limit
from tracker.feed.queries import last_position_then
from tracker.feed.service import Happening, append_all, causing
from tracker.kit.ids import uuid7
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState, harm_of
from tracker.passport.service.evidence import evidence_of
from tracker.passport.service.finding import Case, Spot, locked_spots
from tracker.passport.service.telling import told_of
from tracker.stock.models import StockBalance, StockKeep
from tracker.stock.queries.tracing import lots_present
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_many import Caused, change_everywhere
from tracker.stock.service.changing_status import Changed, change_status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.reading import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class NewlyHeld:
    """What one run stopped anew; doses as on the label, opened vials counted whole."""

    episode_id: UUID
    vials: int = 0
    doses: int = 0
    batches: tuple[UUID, ...] = ()
    facilities: tuple[UUID, ...] = ()


def hold_for_episode(db: Session, principal: Principal, episode_id: UUID, *, now: datetime) -> NewlyHeld:
    """Stop what the episode may have harmed; availability falls in the same transaction.

    Does nothing for advisories, for episodes that have not met their limit, are void, or went on in
    another. A hold that a person has decided about stays as decided.
    """
    return next(iter(hold_for_episodes(db, principal, [episode_id], now=now)), NewlyHeld(episode_id=episode_id))


def hold_for_episodes(
    db: Session,
    principal: Principal,
    episode_ids: Collection[UUID],
    *,
    now: datetime,
    only: frozenset[UUID] | None = None,
    locked: Collection[Anchor] = (),
) -> list[NewlyHeld]:
    """The same for each of them that has something to say, one after another and looked at together.

    `only` these batches are looked at: an event of one changes nothing of where vials of another were. These pools are
    `locked` already: what lies in them is looked at once.
    """
    held: list[NewlyHeld] = []
    waiting = _cases(db, sorted(episode_ids), now, only)
    while waiting:
        spots = locked_spots(db, waiting, set(locked))
        apart, waiting = _apart(waiting, spots)
        held += _stop(db, principal, [(case, spots[case.episode.id]) for case in apart], now)
    return held


def _cases(db: Session, ids: Sequence[UUID], now: datetime, only: frozenset[UUID] | None) -> list[Case]:
    """The episodes that stop anything, in their order."""
    if not ids:
        return []
    since = _looked(db, ids, now)
    rows = db.execute(
        select(Episode, Limit, last_position_then().label("known_to"))
        .join(Limit, Limit.id == Episode.limit_id)
        .where(Episode.id.in_(ids))
        .order_by(Episode.id)
    )
    cases = []
    for episode, limit, known_to in rows:
        harm = harm_of(limit.quantity, limit.operator, limit.severity)
        if harm is None or episode.alarmed_at is None or episode.void_at is not None or episode.merged_into is not None:
            continue
        since_then = since.get(episode.id)
        cases.append(
            Case(episode=episode, limit=limit, harm=harm, now=now, since=since_then, only=only, known_to=known_to or 0)
        )
    return cases


def _apart(cases: Sequence[Case], spots: Mapping[UUID, Sequence[Spot]]) -> tuple[list[Case], list[Case]]:
    """Those that lie apart from one another, and those that must look again once these have stopped what is theirs."""
    taken: set[tuple[UUID, UUID]] = set()
    apart: list[Case] = []
    others: list[Case] = []
    for case in cases:
        mine = {spot.key for spot in spots[case.episode.id]}
        (others if mine & taken else apart).append(case)
        taken |= mine
    return apart, others


# Two workers with the same news take turns at the row; the second finds everything held. `xmax` is 0 in a row just made.
_LOOKED = text(
    """
    INSERT INTO hold_look AS l (episode_id, looked_at, started_at, ended_at)
    SELECT id, :now, started_at, ended_at FROM episode
    WHERE id = ANY(CAST(:episodes AS uuid[])) AND alarmed_at IS NOT NULL
    ORDER BY id
    ON CONFLICT (episode_id) DO UPDATE
    SET looked_at = CASE WHEN excluded.started_at < l.started_at
                           OR coalesce(excluded.ended_at, 'infinity') > coalesce(l.ended_at, 'infinity')
                         THEN excluded.looked_at ELSE least(l.looked_at, excluded.looked_at) END,
        started_at = excluded.started_at, ended_at = excluded.ended_at
    RETURNING episode_id, looked_at, xmax = 0 AS fresh
    """
)


def _looked(db: Session, ids: Sequence[UUID], now: datetime) -> dict[UUID, datetime]:
    """When the hold acted first on each episode as it is known now; none where it does now."""
    rows = db.execute(_LOOKED, {"episodes": list(ids), "now": now})
    return {row.episode_id: row.looked_at for row in rows if not row.fresh and row.looked_at < now}


def _stop(
    db: Session, principal: Principal, judged: Sequence[tuple[Case, Sequence[Spot]]], now: datetime
) -> list[NewlyHeld]:
    """Stop what each of these has, which lie apart from one another."""
    known: dict[UUID, dict[tuple[UUID, UUID], Hold]] = {case.episode.id: {} for case, _ in judged}
    for hold in db.scalars(select(Hold).where(Hold.episode_id.in_(known))):
        known[hold.episode_id][hold.holder_id, hold.batch_id] = hold
    open_spots: dict[UUID, list[Spot]] = {}
    told_as: dict[UUID, dict[UUID, UUID]] = {}
    changes: list[Caused] = []
    for case, spots in judged:
        mine = open_spots[case.episode.id] = [spot for spot in spots if _undecided(db, spot, known[case.episode.id])]
        # What the ledger tells of a facility names the hold's event there as its cause; that one is written last.
        ids = told_as[case.episode.id] = {facility: uuid7() for facility in sorted({spot.facility_id for spot in mine})}
        changes += _changes_to_held(case, mine, ids)
    vials = _change(db, principal, changes, now)
    told: list[Happening] = []
    for case, _ in judged:
        stopped = [spot for spot in open_spots[case.episode.id] if vials[spot.key]]
        told += told_of(case, stopped, vials, told_as[case.episode.id])
    evidence = evidence_of(db, [case for case, _ in judged])
    fresh = [
        spot for one, mine in open_spots.items() for spot in mine if not vials[spot.key] and spot.key not in known[one]
    ]
    already_held = _held_already(db, fresh)
    for case, _ in judged:
        episode = case.episode
        for spot in open_spots[episode.id]:
            found = known[episode.id].get(spot.key)
            if found is not None:
                found.vials += vials[spot.key]
                found.evidence = evidence[episode.id]
                found.alarm_id = episode.alarm_id
            elif vials[spot.key] or spot.key in already_held:
                hold = _new_hold(case, spot, vials[spot.key] or already_held[spot.key], evidence[episode.id])
                db.add(hold)
                if spot.account is not Account.TRANSIT:
                    db.add(_keep(hold))
    db.flush()
    append_all(db, told, now=now)
    return [_newly(case.episode.id, open_spots[case.episode.id], vials) for case, _ in judged]


def _newly(episode_id: UUID, spots: Sequence[Spot], vials: Mapping[tuple[UUID, UUID], int]) -> NewlyHeld:
    stopped = [spot for spot in spots if vials[spot.key]]
    return NewlyHeld(
        episode_id=episode_id,
        vials=sum(vials[spot.key] for spot in spots),
        doses=sum(vials[spot.key] * spot.doses_per_vial for spot in stopped),
        batches=tuple(sorted({spot.batch_id for spot in stopped})),
        facilities=tuple(sorted({spot.facility_id for spot in stopped})),
    )


def _changes_to_held(case: Case, spots: Sequence[Spot], told_as: Mapping[UUID, UUID]) -> Iterator[Caused]:
    """One status change a facility and instant."""
    lines: dict[tuple[UUID, datetime | None], list[StatusLine]] = defaultdict(list)
    for spot in spots:
        for one in spot.stoppings:
            line = StatusLine(
                batch_id=spot.batch_id,
                holder_id=spot.holder_id,
                from_status=Status.USABLE,
                to_status=Status.HELD,
                vials=one.vials,
                account=spot.account,
            )
            lines[spot.facility_id, one.at].append(line)
    for facility_id, at in sorted(lines, key=lambda each: (each[0], each[1] or case.now)):
        change = StatusChange(
            id=uuid7(),
            facility_id=facility_id,
            lines=tuple(lines[facility_id, at]),
            cause=case.episode.id,
            stands_at=at,
            reason=f"hold:{case.episode.rule}",
        )
        yield Caused(change=change, told_as=told_as[facility_id])


def _change(
    db: Session, principal: Principal, asked: Sequence[Caused], now: datetime
) -> Mapping[tuple[UUID, UUID], int]:
    """Carry the changes out, those of one batch at many facilities at once; the vials they moved by (holder, batch)."""
    done: list[Changed] = []
    for batch_id, changes in _together(principal, asked):
        if batch_id is not None and len(changes) > 1:
            done += change_everywhere(db, principal, batch_id, changes, now=now).values()
            continue
        for one in changes:
            with causing(db, one.told_as):
                done.append(change_status(db, principal, one.change, now=now, locked=True))
    vials: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for changed in done:
        for line in changed.lines:
            vials[line.holder_id, line.batch_id] += line.vials or 0
    return vials


def _together(principal: Principal, asked: Sequence[Caused]) -> Iterator[tuple[UUID | None, list[Caused]]]:
    """What may be changed at once, and of which batch: each facility once, and all of it now. None: one after another.

    What stands earlier comes before.
    """
    alone: list[Caused] = []
    groups: dict[tuple[UUID, int], list[Caused]] = defaultdict(list)
    times: Counter[UUID] = Counter()
    for one in asked:
        batches = {line.batch_id for line in one.change.lines}
        if len(batches) > 1 or one.change.stands_at is not None or not principal.is_system:
            alone.append(one)
            continue
        groups[batches.pop(), times[one.change.facility_id]].append(one)
        times[one.change.facility_id] += 1
    yield None, alone
    for (batch_id, _), changes in groups.items():
        yield batch_id, changes


def _undecided(db: Session, spot: Spot, known: dict[tuple[UUID, UUID], Hold]) -> bool:
    """Whether this episode may still stop vials of this batch here.

    A person who released the batch has judged the vials that were exposed: where they go afterwards is not
    this episode's matter any more. What lay elsewhere before that judgement still is.
    """
    mine = known.get(spot.key)
    if mine is not None:
        return mine.state is HoldState.HELD
    decisions = [
        hold.decided_at for (_, batch_id), hold in known.items() if batch_id == spot.batch_id and hold.decided_at
    ]
    if not decisions:
        return True
    first = min(decisions)
    return bool(lots_present(db, spot.holder_id, first, first, account=spot.account, only={spot.batch_id}))


def _new_hold(case: Case, spot: Spot, vials: int, evidence: dict[str, Any]) -> Hold:
    return Hold(
        id=uuid7(),
        episode_id=case.episode.id,
        alarm_id=case.episode.alarm_id,
        harm=case.harm,
        account=spot.account,
        holder_id=spot.holder_id,
        facility_id=spot.facility_id,
        batch_id=spot.batch_id,
        vials=vials,
        placed_at=case.now,
        known_to=case.known_to,
        evidence=evidence,
        state=HoldState.HELD,
    )


def _keep(hold: Hold) -> StockKeep:
    """What the ledger's room must know of it: nothing that is held there is freed by hand until it is decided."""
    return StockKeep(cause=hold.id, facility_id=hold.facility_id, batch_id=hold.batch_id, since=hold.placed_at)


def _held_already(db: Session, spots: Sequence[Spot]) -> dict[tuple[UUID, UUID], int]:
    """Spots without new vials where this episode still needs a hold of its own, and the vials to write on it.

    Where another episode's hold has stopped everything, this one must be lifted too before the vials are free; it
    stopped none itself. Held vials that no hold covers came from where one does: the hold follows them.
    """
    if not spots:
        return {}
    keys = [spot.key for spot in spots]
    held_by_others = db.execute(
        select(Hold.holder_id, Hold.batch_id).where(
            tuple_(Hold.holder_id, Hold.batch_id).in_(keys), Hold.state == HoldState.HELD
        )
    )
    covered = {(row.holder_id, row.batch_id) for row in held_by_others}
    rows = db.execute(
        select(StockBalance.holder_id, StockBalance.batch_id, StockBalance.vials).where(
            tuple_(StockBalance.holder_id, StockBalance.batch_id).in_(keys),
            StockBalance.status == Status.HELD,
            StockBalance.vials > 0,
        )
    )
    followed = {(row.holder_id, row.batch_id): row.vials for row in rows}
    return followed | dict.fromkeys(covered, 0)
