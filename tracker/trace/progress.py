"""How far a recall has come: what is still held is asked of the balances, as the closing asks; the rest of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, false, func, literal, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import at_or_below, visible_to
from tracker.access.rules import Permission
from tracker.network.models import Facility
from tracker.shipments.models import Shipment
from tracker.stock.models import StockBalance, StockEntry, StockEvent, StockStop
from tracker.stock.rules.replay import RECALLED_FROM
from tracker.stock.rules.words import BALANCED, Account, Kind, Status
from tracker.trace.holdings import Holding, holdings, holdings_of, reach_over, unstopped
from tracker.trace.models import Recall
from tracker.trace.recalls import reach_of

# Where recalled vials end with a document: destroyed, thrown away, lost by a count or on the road, back to the maker; an
# opened one with its last dose, given before or thrown away.
_GONE = frozenset({Account.DESTROYED, Account.WASTED, Account.USED, Account.LOST, Account.SUPPLIER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One facility's part, in vials.

    `found` were frozen there; `left` are there still, in whatever status, or on the road for it (`on_road` of them);
    `unusable` of those left were spoilt before, `unfrozen` are not stopped yet; `gone` are gone by a document, `destroyed`
    and `returned` (to the maker) of them; `sent` is what was received elsewhere less what was received here.
    Of a recall that was withdrawn, `given_back` are what they were before, and `left` are still to be given back.
    """

    facility: str
    name: str
    path: str
    found: int
    left: int
    on_road: int
    unusable: int
    unfrozen: int
    gone: int
    destroyed: int
    returned: int
    sent: int
    given_back: int

    @property
    def unaccounted(self) -> int:
        """Vials that are neither in stock nor told of by a document."""
        stopped = self.left - self.unusable - self.unfrozen
        return max(0, self.found - self.sent - stopped - self.gone - self.given_back)

    @property
    def has_acted(self) -> bool:
        """Whether anything has been done there about what was found."""
        return self.gone > 0 or self.sent > 0 or self.left == 0


@dataclass(slots=True)
class _Sums:
    found: int = 0
    left: int = 0
    on_road: int = 0
    unusable: int = 0
    unfrozen: int = 0
    gone: int = 0
    destroyed: int = 0
    returned: int = 0
    sent: int = 0
    given_back: int = 0


def progress_of(db: Session, principal: Principal, recall: Recall) -> list[Progress]:
    """The facilities within the recall's reach and the caller's that have or had vials of the batch to account for, by code."""
    roots = reach_of(db, recall.id)
    seen = visible_to(principal, Unit.path, Permission.STOCK_READ) & at_or_below(Unit.path, roots)
    sums = _told(db, roots, recall)
    for held in _kept(db, roots, recall):
        mine = sums[held.facility_id]
        mine.left += held.at.total
        mine.on_road += held.at.total if held.at.account is Account.TRANSIT else 0
        mine.unusable += held.at.vials.get(Status.UNUSABLE, 0)
        mine.unfrozen += sum(held.at.vials.get(status, 0) for status in RECALLED_FROM)
    facilities = db.execute(
        select(Facility.id, Facility.code, Facility.name, Unit.path)
        .join(Unit, Unit.id == Facility.id)
        .where(Facility.id == func.any(literal(list(sums), ARRAY(Uuid))), seen)
    )
    return [
        Progress(
            facility=each.code,
            name=each.name,
            path=str(each.path),
            found=one.found,
            left=one.left,
            on_road=one.on_road,
            unusable=one.unusable,
            unfrozen=one.unfrozen,
            gone=one.gone,
            destroyed=one.destroyed,
            returned=one.returned,
            sent=one.sent,
            given_back=one.given_back,
        )
        for each in sorted(facilities, key=lambda row: row.code)
        for one in (sums[each.id],)
    ]


def left_of(db: Session, principal: Principal, recalls: Sequence[Recall]) -> dict[UUID, int]:
    """Vials of each open recall that are to be accounted for yet where the caller may look, in few statements."""
    reaches: dict[UUID, list[str]] = {recall.id: [] for recall in recalls}
    units = select(StockStop.cause, Unit.path).join(Unit, Unit.id == StockStop.unit_id)
    for cause, path in db.execute(units.where(StockStop.cause.in_(reaches))):
        reaches[cause].append(str(path))
    found = holdings_of(db, [(reaches[recall.id], recall.batch_id) for recall in recalls])
    acting = {held.facility_id for each in found for held in each}
    seen = set(
        db.scalars(
            select(Unit.id).where(
                Unit.id == func.any(literal(list(acting), ARRAY(Uuid))),
                visible_to(principal, Unit.path, Permission.STOCK_READ),
            )
        )
    )
    return {
        recall.id: sum(held.at.total for held in each if held.facility_id in seen)
        for recall, each in zip(recalls, found, strict=True)
    }


def _kept(db: Session, roots: Collection[str], recall: Recall) -> list[Holding]:
    """What is to be accounted for yet; of a withdrawn one, what is to be given back and no other recall stops."""
    if recall.withdrawn_at is None:
        return holdings(db, roots, recall.batch_id)
    still = holdings(db, roots, recall.batch_id, StockBalance.status == Status.RECALLED)
    return unstopped(db, recall.batch_id, still)


def _told(db: Session, roots: Collection[str], recall: Recall) -> dict[UUID, _Sums]:
    """What the ledger says of recalled vials, by who had to act for them."""
    over = false() if recall.withdrawn_at is None else StockEntry.occurred_at >= literal(recall.withdrawn_at)
    rows = db.execute(
        select(
            StockEntry.facility_id,
            StockEntry.account,
            StockEvent.kind,
            Shipment.from_facility_id.label("sender"),
            Shipment.to_facility_id.label("receiver"),
            func.sum(StockEntry.vials).filter(~over).label("vials"),
            func.sum(StockEntry.vials).filter(over).label("since"),
        )
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .outerjoin(Shipment, (Shipment.id == StockEntry.holder_id) & (StockEntry.account == Account.TRANSIT))
        .where(StockEntry.batch_id == recall.batch_id, StockEntry.status == Status.RECALLED)
        .group_by(
            StockEntry.facility_id,
            StockEntry.account,
            StockEvent.kind,
            Shipment.from_facility_id,
            Shipment.to_facility_id,
        )
    ).all()
    known = {row.facility_id for row in rows} | {end for row in rows for end in (row.sender, row.receiver) if end}
    reach = reach_over(db, roots, known)
    sums: dict[UUID, _Sums] = defaultdict(_Sums)
    for row in rows:
        vials, since = int(row.vials or 0), int(row.since or 0)
        here = sums[row.facility_id]
        if row.account in _GONE:
            here.gone += vials
            here.destroyed += vials if row.account is Account.DESTROYED else 0
            here.returned += vials if row.account is Account.SUPPLIER else 0
        if row.account is Account.FOUND and row.kind is Kind.RELABEL:
            # What came recalled was another lot: it is nobody's to account for.
            here.sent += vials
        if row.account not in BALANCED:
            continue
        acting = reach.actor((row.facility_id,) if row.sender is None else (row.sender, row.receiver))
        if row.kind is Kind.STATUS and acting is not None:
            sums[acting].found += vials
            sums[acting].given_back -= since
        elif row.account is Account.TRANSIT and row.kind is Kind.RECEIPT:
            # What a receipt takes off the road was, until then, whoever's had to act for it.
            if acting is not None:
                sums[acting].sent -= vials
            here.sent += vials
    return sums
