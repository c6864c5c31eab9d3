"""The catalogue as its pages show it. Whoever is logged in may read it; only stock is told by what one may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from dashboard.frame.listing import Listed, listed
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, CatalogChange, Presentation, Vaccine
from tracker.catalog.unlike import JOINED, PARTED, UNLIKE
from tracker.network.models import Facility
from tracker.quota.models import DoseAge, DoseInterval, VaccineSpacing
from tracker.quota.queries.schedule import rules_of
from tracker.stock.models import LotCorrection, StockBalance
from tracker.stock.queries.corrections import corrections_visible_to

A_PAGE = 25
ALIKE = 50
PARTED_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """A product of the catalogue; `changes` are facts of it that were put right."""

    product: Presentation
    vaccine: str
    changes: int


def products(db: Session, *, after: str) -> Listed[ProductRow]:
    """The products by name, from where the page before ended; raises BadCursor."""
    changes = (
        select(func.count())
        .where(CatalogChange.presentation_id == Presentation.id)
        .correlate(Presentation)
        .scalar_subquery()
    )
    found = listed(
        db,
        [select(Presentation, Vaccine.name, changes).join(Vaccine, Vaccine.id == Presentation.vaccine_id)],
        keys=[Presentation.name, Presentation.code],
        key_of=lambda row: [row[0].name, row[0].code],
        most=A_PAGE,
        after=after,
    )
    rows = [ProductRow(product=product, vaccine=vaccine, changes=count) for product, vaccine, count in found.rows]
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """Two lots of a product that one could take for each other, with the vials of each where the viewer may look."""

    product: str
    one: Batch
    other: Batch
    vials: tuple[int, int]


def look_alikes_seen(db: Session, principal: Principal) -> tuple[list[Lookalike], bool]:
    """Pairs of lots that look alike and that nobody has compared yet, those with stock first; and whether there are more.

    Fifty at most: who has compared these is shown the next.
    """
    one, other = aliased(Batch), aliased(Batch)
    compared = (
        select(CatalogChange.id)
        .where(
            CatalogChange.field == UNLIKE,
            CatalogChange.batch_id.in_((one.id, other.id)),
            CatalogChange.after.in_((one.lot, other.lot)),
        )
        .correlate(one, other)
        .exists()
    )
    rows = db.execute(
        select(one, other, Presentation.name)
        .join(other, (other.presentation_id == one.presentation_id) & (other.look == one.look) & (other.id > one.id))
        .join(Presentation, Presentation.id == one.presentation_id)
        .where(~compared, one.joined_into_id.is_(None), other.joined_into_id.is_(None))
        .order_by(Presentation.name, one.lot, other.lot)
        .limit(ALIKE + 1)
    ).all()
    rows, more = rows[:ALIKE], len(rows) > ALIKE
    lying = _vials(db, principal, {each for row in rows for each in (row[0].id, row[1].id)})
    found = [
        Lookalike(product=row[2], one=row[0], other=row[1], vials=(lying.get(row[0].id, 0), lying.get(row[1].id, 0)))
        for row in rows
    ]
    return sorted(found, key=lambda pair: -sum(pair.vials)), more


def _vials(db: Session, principal: Principal, batches: Iterable[UUID]) -> dict[UUID, int]:
    rows = db.execute(
        select(StockBalance.batch_id, func.sum(StockBalance.vials))
        .join(Unit, Unit.id == StockBalance.facility_id)
        .where(StockBalance.batch_id.in_(list(batches)), visible_to(principal, Unit.path, Permission.STOCK_READ))
        .group_by(StockBalance.batch_id)
    )
    return {row[0]: int(row[1]) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedAt:
    """A facility where what was told of a spelling is told of the lot it was joined into by mistake."""

    code: str
    facility: str
    standing: str
    vials: int


def parted_at(db: Session, principal: Principal, batch: Batch) -> list[PartedAt]:
    """Where in the caller's subtree lot corrections may have to tell a parted lot apart; the first fifty by name, none for other lots."""
    said = select(CatalogChange.field).where(
        CatalogChange.batch_id == batch.id, CatalogChange.field.in_((JOINED, PARTED)), CatalogChange.before == batch.lot
    )
    if db.scalar(said.order_by(CatalogChange.changed_at.desc(), CatalogChange.id.desc()).limit(1)) != PARTED:
        return []
    rows = db.execute(
        corrections_visible_to(principal)
        .where(LotCorrection.from_batch_id == batch.id, LotCorrection.content.startswith("joined "))
        .with_only_columns(Facility.code, Facility.name, LotCorrection.to_batch_id, LotCorrection.vials)
        .order_by(Facility.name, Facility.code)
        .limit(PARTED_SHOWN)
    )
    return [PartedAt(code=row[0], facility=row[1], standing=str(row[2]), vials=row[3]) for row in rows]


Rule = DoseInterval | DoseAge | VaccineSpacing


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One rule of the schedule with its versions: the one in force, those that follow, those of before, newest first.

    `kind` is interval, age or spacing; `other` the vaccine before (or beside), None for an age.
    """

    kind: str
    vaccine: str
    dose: int | None
    other: str | None
    now: Rule | None
    to_come: Sequence[Rule]
    before: Sequence[Rule]

    @property
    def newest(self) -> Rule:
        """What a new version starts from."""
        return self.now or self.to_come[-1]


def rule_lines(db: Session, vaccine: str | None, today: date) -> list[RuleLine]:
    """The rules of a vaccine, or of all, each with its versions."""
    grouped: dict[tuple[str, str, int | None, str | None], list[Rule]] = {}
    for rule in rules_of(db, vaccine):
        grouped.setdefault(_key(rule), []).append(rule)
    found = []
    for (kind, code, dose, other), versions in sorted(grouped.items(), key=lambda each: tuple(map(str, each[0]))):
        versions.sort(key=lambda rule: rule.from_day, reverse=True)
        past = [rule for rule in versions if rule.from_day <= today]
        found.append(
            RuleLine(
                kind=kind,
                vaccine=code,
                dose=dose,
                other=other,
                now=past[0] if past else None,
                to_come=[rule for rule in versions if rule.from_day > today],
                before=past[1:],
            )
        )
    return sorted(found, key=lambda line: (line.vaccine, line.kind, line.dose or 0))


def _key(rule: Rule) -> tuple[str, str, int | None, str | None]:
    if isinstance(rule, DoseInterval):
        return "interval", rule.vaccine_code, rule.dose, rule.after_code
    if isinstance(rule, DoseAge):
        return "age", rule.vaccine_code, rule.dose, None
    return "spacing", rule.vaccine_code, None, rule.other_code


def vaccines(db: Session) -> list[tuple[str, str]]:
    """Code and name of every vaccine, by name."""
    return [(row.code, row.name) for row in db.execute(select(Vaccine.code, Vaccine.name).order_by(Vaccine.name))]
