"""Vials of a batch followed through the ledger from place to place, by index: where they went, and where they came from.

Whatever leaves an account may be found where vials arrive in the same step (an event, with what was told beside it later), and
so on. No more is read than the accounts that are reached, however far the batch went elsewhere. Rather too many are reached than
too few: when vials were there is the rules' question (`rules/harmed.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.stock.queries.tracing import Whereabouts, whereabouts
from tracker.stock.rules.harmed import Known, Stopping, harmed
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


def struck_now(
    db: Session,
    start: Holder,
    batch_ids: Collection[UUID],
    from_at: datetime,
    to_at: datetime | None,
    *,
    since: datetime | None,
    released: Mapping[Spot, datetime],
) -> list[Struck]:
    """Where vials may be now that were at `start` between the two instants, and what a hold stops there (rules/harmed.py).

    `since`: when the hold acted first, None when it does now. `released`: since when its vials of a batch are free there by
    a person's word. In balances now, in a stable order; two statements for a first look, four for another.
    """
    if not batch_ids:
        return []
    by_batch = followed_from(db, start, batch_ids, from_at)
    known = {batch_id: Known(since=since) for batch_id in by_batch}
    if since is not None:
        reached = _named((entry.holder, batch_id) for batch_id, entries in by_batch.items() for entry in entries)
        known = _beside_entries(db, known, reached, released)
    found = {
        batch_id: harmed(entries, start, from_at, to_at, known[batch_id]) for batch_id, entries in by_batch.items()
    }
    stoppings: dict[Spot, list[Stopping]] = defaultdict(list)
    for batch_id, one in found.items():
        for stopping in one.stoppings:
            stoppings[stopping.holder, batch_id].append(stopping)
    spots = _named((holder, batch_id) for batch_id, one in found.items() for holder in one.holders)
    return [
        Struck(now, tuple(stoppings[Holder(now.account, now.holder_id), now.batch_id]))
        for now in whereabouts(db.execute(_BALANCES, spots))
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


def _beside_entries(
    db: Session, known: Mapping[UUID, Known], reached: Mapping[str, object], released: Mapping[Spot, datetime]
) -> dict[UUID, Known]:
    counted: dict[UUID, dict[Holder, datetime]] = defaultdict(dict)
    for row in db.execute(_COUNTED, reached):
        counted[row.batch_id][Holder(Account.PLACE, row.holder_id)] = row.at
    opened: dict[UUID, dict[Holder, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for row in db.execute(_OPENED, reached):
        opened[row.batch_id][Holder(Account.OPEN, row.holder_id)].append(row.opened_at)
    return {
        batch_id: replace(
            one,
            released={holder: at for (holder, of), at in released.items() if of == batch_id},
            counted=counted[batch_id],
            opened=opened[batch_id],
        )
        for batch_id, one in known.items()
    }


# OFFSET 0 keeps the planner at one look-up a row, whatever it takes the tables' size to be.
_FOLLOWED = text(
    f"""
    WITH RECURSIVE reached AS (
        SELECT batch_id, CAST(:account AS text) AS account, CAST(:holder AS uuid) AS holder_id
        FROM unnest(CAST(:batches AS uuid[])) AS batch_id
        UNION
        SELECT came.batch_id, came.account, came.holder_id
        FROM reached
        CROSS JOIN LATERAL {_entries_at("reached", "e.vials < 0 AND e.occurred_at >= :from_at")} sent
        CROSS JOIN LATERAL (
            SELECT c.batch_id, c.account, {_holder("c")} AS holder_id FROM stock_entry c
            WHERE {_beside("sent", "c")} AND c.vials > 0
            OFFSET 0
        ) came
    )
    SELECT reached.batch_id, reached.account, reached.holder_id, at.occurred_at, at.ordinal, at.number, at.event_id, at.vials,
           at.status,
           (SELECT v.kind FROM stock_event v WHERE v.id = CASE WHEN at.number = at.ordinal THEN at.event_id ELSE (
               SELECT f.event_id FROM stock_entry f WHERE {_beside("at", "f")} ORDER BY f.number LIMIT 1
           ) END) AS kind
    FROM reached
    CROSS JOIN LATERAL {_entries_at("reached")} at
    """
)


def followed_from(
    db: Session, start: Holder, batch_ids: Collection[UUID], from_at: datetime
) -> dict[UUID, list[TracedEntry]]:
    """By batch, all that is written of the accounts where vials may have come to that were at `start` from an instant on.

    What happened in one step carries the kind of its first event.
    """
    values = {
        "account": start.account.value,
        "holder": start.holder_id,
        "batches": list(batch_ids),
        "from_at": from_at,
    }
    found: dict[UUID, list[TracedEntry]] = defaultdict(list)
    for row in db.execute(_FOLLOWED, values):
        entry = TracedEntry(
            (row.occurred_at, row.ordinal, row.number),
            row.event_id,
            Holder(Account(row.account), row.holder_id),
            row.vials,
            Status(row.status),
            Kind(row.kind),
        )
        found[row.batch_id].append(entry)
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
