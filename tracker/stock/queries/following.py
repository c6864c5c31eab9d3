"""Vials of a batch followed through the ledger from place to place, by index: where they went, and where they came from.

Whatever leaves an account may be found where vials arrive in the same step (an event, with what was told beside it later), and
so on. No more is read than the accounts that are reached, however far the batch went elsewhere. Rather too many are reached than
too few: when vials were there is the rules' question (`rules/harmed.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.stock.queries.tracing import Whereabouts, whereabouts
from tracker.stock.rules.harmed import Harmed, Known, Stopping, harmed
from tracker.stock.rules.tracing import Holder, TracedEntry
from tracker.stock.rules.words import ROAD, Account, Kind, Status

Spot = tuple[Holder, UUID]  # an account and a batch

_ROAD = ", ".join(f"'{account.value}'" for account in sorted(ROAD))


def _holder(entry: str) -> str:
    """What one shipment lost is kept apart from what others did: it turns up as what was on that road."""
    shipment = f"(SELECT v.shipment_id FROM stock_event v WHERE v.id = {entry}.event_id)"
    return f"CASE {entry}.account WHEN 'lost' THEN coalesce({shipment}, {entry}.holder_id) ELSE {entry}.holder_id END"


def _entries_at(holder: str, only: str = "true") -> str:
    """The entries of a row's batch at its account and holder."""
    return f"""(
        SELECT e.* FROM stock_entry e
        WHERE e.batch_id = {holder}.batch_id AND e.holder_id = {holder}.holder_id AND e.account = {holder}.account AND {only}
          AND (e.account <> 'lost' OR (SELECT v.shipment_id FROM stock_event v WHERE v.id = e.event_id) IS NULL)
        UNION ALL
        SELECT e.* FROM stock_event v JOIN stock_entry e ON e.event_id = v.id
        WHERE {holder}.account = 'lost' AND v.shipment_id = {holder}.holder_id
          AND e.batch_id = {holder}.batch_id AND e.account = 'lost' AND {only}
    )"""


def _beside(entry: str, other: str) -> str:
    """The same step: what stands beside an event is told of its facility and instant, which an index knows."""
    return (
        f"{other}.facility_id = {entry}.facility_id AND {other}.occurred_at = {entry}.occurred_at "
        f"AND {other}.ordinal = {entry}.ordinal AND {other}.batch_id = {entry}.batch_id AND {other}.account IN ({_ROAD})"
    )


@dataclass(frozen=True, slots=True)
class Struck:
    """Vials that may be harmed, where they are now, and which of them are to be stopped, in order of time."""

    at: Whereabouts
    stoppings: tuple[Stopping, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A question: vials of these batches that were at an account between two instants (`to_at` None: until now).

    `since`: when the hold acted first, None when it does now. `released`: since when its vials of a batch are free there by
    a person's word.
    """

    holder: Holder
    batch_ids: Collection[UUID]
    from_at: datetime
    to_at: datetime | None
    since: datetime | None = None
    released: Mapping[Spot, datetime] = field(default_factory=dict)


def struck_now(db: Session, starts: Sequence[Start]) -> list[list[Struck]]:
    """For each question, where its vials may be now, and what a hold stops there (rules/harmed.py).

    In balances now, in a stable order; two statements where each looks first, four for others, however many they are.
    """
    if not any(start.batch_ids for start in starts):
        return [[] for _ in starts]
    followed = followed_from(db, starts)
    known = [{batch_id: Known(since=start.since) for batch_id in followed[n]} for n, start in enumerate(starts)]
    again = [n for n, start in enumerate(starts) if start.since is not None]
    if again:
        beside = _beside_entries(
            db, {(entry.holder, of) for n in again for of in followed[n] for entry in followed[n][of]}
        )
        for n in again:
            known[n] = {of: beside.known(one, of, starts[n].released) for of, one in known[n].items()}
    found = [
        {
            batch_id: harmed(entries, start.holder, start.from_at, start.to_at, known[n][batch_id])
            for batch_id, entries in followed[n].items()
        }
        for n, start in enumerate(starts)
    ]
    there = {(holder, of) for one in found for of, each in one.items() for holder in each.holders}
    now = whereabouts(db.execute(_BALANCES, _named(there)))
    return [_struck(one, now) for one in found]


def _struck(found: Mapping[UUID, Harmed], now: Sequence[Whereabouts]) -> list[Struck]:
    stoppings: dict[Spot, list[Stopping]] = {
        (holder, batch_id): [] for batch_id, one in found.items() for holder in one.holders
    }
    for batch_id, one in found.items():
        for stopping in one.stoppings:
            stoppings.setdefault((stopping.holder, batch_id), []).append(stopping)
    return [
        Struck(each, tuple(stoppings[spot]))
        for each in now
        for spot in ((Holder(each.account, each.holder_id), each.batch_id),)
        if spot in stoppings
    ]


_SPOTS = """
    unnest(CAST(:accounts AS text[]), CAST(:holders AS uuid[]), CAST(:batches AS uuid[])) AS spot(account, holder_id, batch_id)
"""
_BALANCES = text(
    f"""
    SELECT b.batch_id, b.account, b.holder_id, b.facility_id, b.status, b.vials
    FROM {_SPOTS}
    CROSS JOIN LATERAL (
        SELECT * FROM stock_balance
        WHERE (holder_id, batch_id, account) = (spot.holder_id, spot.batch_id, spot.account) AND vials > 0
        OFFSET 0
    ) b
    ORDER BY b.batch_id, b.account, b.holder_id
    """
)
_COUNTED = text(
    f"""
    SELECT spot.batch_id, spot.holder_id, c.at
    FROM {_SPOTS}
    CROSS JOIN LATERAL (
        SELECT max(occurred_at) AS at FROM stock_count WHERE (holder_id, batch_id) = (spot.holder_id, spot.batch_id)
    ) c
    WHERE spot.account = 'place' AND c.at IS NOT NULL
    """
)
_OPENED = text(
    f"""
    SELECT spot.batch_id, spot.holder_id, v.opened_at
    FROM {_SPOTS}
    CROSS JOIN LATERAL (
        SELECT opened_at FROM open_vial
        WHERE (facility_id, batch_id) = (spot.holder_id, spot.batch_id) AND status = 'usable' AND closed_at IS NULL
        OFFSET 0
    ) v
    WHERE spot.account = 'open'
    """
)


def _named(spots: Iterable[Spot]) -> dict[str, object]:
    """Accounts and batches as parameters: three, however many they are."""
    each = sorted(set(spots))
    return {
        "accounts": [holder.account.value for holder, _ in each],
        "holders": [holder.holder_id for holder, _ in each],
        "batches": [batch_id for _, batch_id in each],
    }


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is written besides entries: counts of a place, opened vials that may still be used."""

    counted: Mapping[UUID, Mapping[Holder, datetime]]
    opened: Mapping[UUID, Mapping[Holder, Sequence[datetime]]]

    def known(self, one: Known, batch_id: UUID, released: Mapping[Spot, datetime]) -> Known:
        """What is known of a batch, with this."""
        return replace(
            one,
            released={holder: at for (holder, of), at in released.items() if of == batch_id},
            counted=self.counted.get(batch_id, {}),
            opened=self.opened.get(batch_id, {}),
        )


def _beside_entries(db: Session, spots: Collection[Spot]) -> _Beside:
    reached = _named(spots)
    counted: dict[UUID, dict[Holder, datetime]] = defaultdict(dict)
    for row in db.execute(_COUNTED, reached):
        counted[row.batch_id][Holder(Account.PLACE, row.holder_id)] = row.at
    opened: dict[UUID, dict[Holder, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for row in db.execute(_OPENED, reached):
        opened[row.batch_id][Holder(Account.OPEN, row.holder_id)].append(row.opened_at)
    return _Beside(counted, opened)


# OFFSET 0 keeps the planner at one look-up a row, whatever it takes the tables' size to be.
_FOLLOWED = text(
    f"""
    WITH RECURSIVE reached AS (
        SELECT * FROM unnest(
            CAST(:numbers AS int[]), CAST(:accounts AS text[]), CAST(:holders AS uuid[]), CAST(:batches AS uuid[]),
            CAST(:instants AS timestamptz[])
        ) AS start(number, account, holder_id, batch_id, from_at)
        UNION
        SELECT reached.number, came.account, came.holder_id, came.batch_id, reached.from_at
        FROM reached
        CROSS JOIN LATERAL {_entries_at("reached", "e.vials < 0 AND e.occurred_at >= reached.from_at")} sent
        CROSS JOIN LATERAL (
            SELECT c.batch_id, c.account, {_holder("c")} AS holder_id FROM stock_entry c
            WHERE {_beside("sent", "c")} AND c.vials > 0
            OFFSET 0
        ) came
    )
    SELECT reached.number AS start, reached.batch_id, reached.account, reached.holder_id, at.occurred_at, at.ordinal, at.number, at.event_id, at.vials,
           at.status,
           (SELECT v.kind FROM stock_event v WHERE v.id = CASE WHEN at.number = at.ordinal THEN at.event_id ELSE (
               SELECT f.event_id FROM stock_entry f WHERE {_beside("at", "f")} ORDER BY f.number LIMIT 1
           ) END) AS kind
    FROM reached
    CROSS JOIN LATERAL {_entries_at("reached")} at
    """
)


def followed_from(db: Session, starts: Sequence[Start]) -> list[dict[UUID, list[TracedEntry]]]:
    """For each question, by batch, all that is written of the accounts where its vials may have come to from its start on.

    What happened in one step carries the kind of its first event.
    """
    asked = [(n, start, batch_id) for n, start in enumerate(starts) for batch_id in start.batch_ids]
    values = {
        "numbers": [n for n, _, _ in asked],
        "accounts": [start.holder.account.value for _, start, _ in asked],
        "holders": [start.holder.holder_id for _, start, _ in asked],
        "batches": [batch_id for _, _, batch_id in asked],
        "instants": [start.from_at for _, start, _ in asked],
    }
    found: list[dict[UUID, list[TracedEntry]]] = [defaultdict(list) for _ in starts]
    for row in db.execute(_FOLLOWED, values):
        entry = TracedEntry(
            (row.occurred_at, row.ordinal, row.number),
            row.event_id,
            Holder(Account(row.account), row.holder_id),
            row.vials,
            Status(row.status),
            Kind(row.kind),
        )
        found[row.start][row.batch_id].append(entry)
    return found


def came_through(those: str) -> str:
    """The accounts (`through`) by which vials may have come to the entries `t` of `those`, which are included: a WITH clause."""
    return f"""
    WITH RECURSIVE through AS (
        SELECT t.batch_id, t.account, {_holder("t")} AS holder_id FROM stock_entry t
        WHERE {those} AND t.account IN ({_ROAD})
        UNION
        SELECT sent.batch_id, sent.account, sent.holder_id
        FROM through
        CROSS JOIN LATERAL {_entries_at("through", "e.vials > 0")} came
        CROSS JOIN LATERAL (
            SELECT s.batch_id, s.account, {_holder("s")} AS holder_id FROM stock_entry s
            WHERE {_beside("came", "s")} AND s.vials < 0
            OFFSET 0
        ) sent
    )
"""


_RECALLED_ON_THE_WAY = text(
    """
    WITH RECURSIVE through AS (
        SELECT * FROM unnest(CAST(:accounts AS text[]), CAST(:holders AS uuid[])) AS spot(account, holder_id)
        UNION
        SELECT sent.account, sent.holder_id
        FROM through
        CROSS JOIN LATERAL (
            SELECT event_id FROM stock_entry
            WHERE (batch_id, holder_id, account) = (:batch, through.holder_id, through.account)
              AND status = 'recalled' AND vials > 0
            OFFSET 0
        ) came
        CROSS JOIN LATERAL (
            SELECT account, holder_id FROM stock_entry
            WHERE event_id = came.event_id AND batch_id = :batch AND status = 'recalled' AND vials < 0
            OFFSET 0
        ) sent
    )
    SELECT account, holder_id FROM through
    """
)


def recalled_on_the_way(
    db: Session, batch_id: UUID, spots: Collection[tuple[Account, UUID]]
) -> set[tuple[Account, UUID]]:
    """The accounts, of whatever kind, through which recalled vials of a batch came to these as recalled; these included."""
    values = {
        "batch": batch_id,
        "accounts": [account.value for account, _ in spots],
        "holders": [holder_id for _, holder_id in spots],
    }
    return {(Account(row.account), row.holder_id) for row in db.execute(_RECALLED_ON_THE_WAY, values)}
