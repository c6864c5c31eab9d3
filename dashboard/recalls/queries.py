"""Recalls as their pages show them, within what the viewer may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.alarms.responders import Responder, responders_of
from dashboard.frame.listing import Listed, listed
from tracker.access.models import LoginAccount, Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.errors import BatchNotFound
from tracker.catalog.models import Batch, Presentation
from tracker.kit.days import WESTERN
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockBalance
from tracker.stock.rules.replay import RECALLED_FROM
from tracker.stock.rules.words import Account, Status
from tracker.trace.holdings import holdings
from tracker.trace.models import Recall
from tracker.trace.progress import Progress, left_of, progress_of
from tracker.trace.recalls import StartRecall, batch_of, concerning, may_end, reach_of, recall_by_id, units_of

# As many as a phone shows at a time: of each open one its places are asked.
A_PAGE = 12
NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRow:
    """A recall in the list; `left` are vials not yet accounted for, None of a closed one."""

    recall: Recall
    lot: str
    product: str
    left: int | None


def recalls_of(db: Session, principal: Principal, *, after: str) -> Listed[RecallRow]:
    """Those that concern the viewer, open ones first, then the newest, from where the page before ended; raises BadCursor."""
    query = (
        select(Recall, Batch.lot, Presentation.name)
        .join(Batch, Batch.id == Recall.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(concerning(principal))
    )
    found = listed(
        db,
        [query.where(Recall.closed_at.is_(None)), query.where(Recall.closed_at.is_not(None))],
        keys=[Recall.started_at, Recall.id],
        key_of=lambda row: [row[0].started_at.isoformat(), row[0].id],
        most=A_PAGE,
        after=after,
        descending=True,
    )
    left = left_of(db, principal, [row[0] for row in found.rows if row[0].closed_at is None])
    rows = [RecallRow(recall=r, lot=lot, product=name, left=left.get(r.id)) for r, lot, name in found.rows]
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


def recalls_of_batch(db: Session, principal: Principal, batch_id: UUID) -> tuple[Sequence[Recall], int]:
    """The first recalls of a batch that concern the viewer, open ones first, and how many others the list of all has."""
    mine = select(Recall).where(Recall.batch_id == batch_id, concerning(principal))
    shown = db.scalars(
        mine.order_by(Recall.closed_at.desc().nulls_first(), Recall.started_at.desc()).limit(NAMED)
    ).all()
    if len(shown) < NAMED:
        return shown, 0
    return shown, (db.scalar(select(func.count()).select_from(mine.subquery())) or 0) - NAMED


def count_open(db: Session, principal: Principal) -> int:
    """Open recalls that concern the viewer."""
    return db.scalar(select(func.count()).where(concerning(principal), Recall.closed_at.is_(None))) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One facility's part, and whom to call there when it has not acted."""

    progress: Progress
    call: Sequence[Responder]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallPage:
    """A recall, its batch, how far it has come, and what the viewer may do; `reach` names the units it acts under."""

    recall: Recall
    batch: Batch
    product: str
    started_by: str | None
    reach: Sequence[str]
    parts: Sequence[Part]
    may_end: bool
    zone: str

    @property
    def stopped(self) -> int:
        """Vials that the recall keeps stopped now."""
        return sum(p.left - p.unusable - p.unfrozen for p in (part.progress for part in self.parts))

    @property
    def gone(self) -> int:
        """Vials that are gone by a document."""
        return sum(part.progress.gone for part in self.parts)

    @property
    def given_back(self) -> int:
        """Vials that are what they were, because the recall was withdrawn."""
        return sum(part.progress.given_back for part in self.parts)

    @property
    def left(self) -> int:
        """Vials not accounted for yet where the viewer may look."""
        return sum(part.progress.left for part in self.parts)

    @property
    def found(self) -> int:
        """Vials that were frozen."""
        return sum(part.progress.found for part in self.parts)

    @property
    def waiting(self) -> Sequence[Part]:
        """The facilities that have not done anything yet."""
        return [part for part in self.parts if not part.progress.has_acted]


def recall_page(db: Session, principal: Principal, recall_id: UUID, *, first: int) -> RecallPage:
    """What the page of a recall shows, the most left first, and whom to call at the `first` that wait; raises RecallNotFound."""
    recall = recall_by_id(db, principal, recall_id)
    batch = db.get_one(Batch, recall.batch_id)
    found = sorted(progress_of(db, principal, recall), key=lambda each: (-each.left, each.name))
    idle = [each.path for each in found if not each.has_acted][:first]
    callable_ = responders_of(db, idle, Permission.STOCK_WRITE)
    zones = select(Facility.timezone).where(Facility.code.in_([each.facility for each in found[:1]]))
    account = None if recall.account_id is None else db.get(LoginAccount, recall.account_id)
    return RecallPage(
        recall=recall,
        batch=batch,
        product=db.get_one(Presentation, batch.presentation_id).name,
        started_by=None if account is None else account.name,
        reach=db.scalars(select(Unit.name).where(Unit.path.in_(reach_of(db, recall.id))).order_by(Unit.path)).all(),
        parts=[Part(progress=each, call=callable_.get(each.path, ())) for each in found],
        may_end=principal.may(Permission.RECALL_WRITE) and may_end(db, principal, recall),
        zone=db.scalar(zones) or WESTERN,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Vials that a recall would freeze at one facility; `on_road` of them are on the road there or from there."""

    name: str
    vials: int
    on_road: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPage:
    """What the viewer is about to call back: the batch, how far, and what it would freeze."""

    batch: Batch
    product: str
    reach: Sequence[str]
    foreseen: Sequence[Foreseen]

    @property
    def vials(self) -> int:
        """In all."""
        return sum(each.vials for each in self.foreseen)


def start_page(db: Session, principal: Principal, said: str, now: datetime) -> StartPage:
    """The batch that `said` names (id, product/lot, lot, or the text of its label) and what its recall would freeze.

    Raises Forbidden, and what refuses the name (BatchNotFound, LotAmbiguous, BadBarcode, SeparatorMissing, UnknownBatch).
    """
    principal.require(Permission.RECALL_WRITE)
    batch = _batch_said(db, said, now)
    units = units_of(db, principal)
    sums: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for held in holdings(db, tuple(str(unit.path) for unit in units), batch.id):
        vials = sum(held.at.vials.get(status, 0) for status in RECALLED_FROM)
        sums[held.facility_id][0] += vials
        sums[held.facility_id][1] += vials if held.at.account is Account.TRANSIT else 0
    names = {row.id: row.name for row in db.execute(select(Facility.id, Facility.name).where(Facility.id.in_(sums)))}
    found = [Foreseen(name=names[one], vials=vials, on_road=on_road) for one, (vials, on_road) in sums.items() if vials]
    return StartPage(
        batch=batch,
        product=db.get_one(Presentation, batch.presentation_id).name,
        reach=[unit.name for unit in units],
        foreseen=sorted(found, key=lambda each: (-each.vials, each.name)),
    )


def _batch_said(db: Session, said: str, now: datetime) -> Batch:
    some = UUID(int=0)
    try:
        return batch_of(db, StartRecall(id=some, batch=said, reason=""), now=now)
    except BatchNotFound:
        # No lot of ours: then what the scanner typed, whose own refusal says more than "not found".
        if not said[:1].isdigit() and said[:1] not in "](h":
            raise
        return batch_of(db, StartRecall(id=some, barcode=said, reason=""), now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Recalled vials that a facility must set aside: where they lie, and why."""

    recall_id: UUID
    product: str
    lot: str
    place: str | None
    vials: int
    reason: str


def to_set_aside(db: Session, facility_id: UUID) -> list[SetAside]:
    """What is recalled at one facility, by product, lot and place; a recall that was closed still holds what came since."""
    newest = (
        select(Recall.id)
        .where(Recall.batch_id == StockBalance.batch_id)
        .order_by(Recall.withdrawn_at.is_not(None), Recall.closed_at.is_not(None), Recall.started_at.desc())
        .limit(1)
        .correlate(StockBalance)
        .scalar_subquery()
    )
    rows = db.execute(
        select(Recall.id, Recall.reason, Presentation.name, Batch.lot, Equipment.name, StockBalance.vials)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Recall, Recall.id == newest)
        .outerjoin(Equipment, Equipment.id == StockBalance.place_id)
        .where(
            StockBalance.facility_id == facility_id,
            StockBalance.status == Status.RECALLED,
            StockBalance.vials > 0,
        )
        .order_by(Presentation.name, Batch.lot, Equipment.name)
    )
    return [
        SetAside(recall_id=row[0], reason=row[1], product=row[2], lot=row[3], place=row[4], vials=row[5])
        for row in rows
    ]
