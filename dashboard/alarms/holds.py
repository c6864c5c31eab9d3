"""What alarms hold, and what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed
from tracker.access.principal import Principal
from tracker.passport.models import Hold
from tracker.passport.queries.holds import holds_visible_to
from tracker.passport.rules.harm import HoldState


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """One hold as pages show it."""

    hold: Hold
    facility: str
    facility_code: str
    product: str
    lot: str
    doses_per_vial: int
    place: str | None
    zone: str

    @property
    def id(self) -> UUID:
        """The hold's own id."""
        return self.hold.id

    @property
    def open(self) -> bool:
        """Whether it still stands."""
        return self.hold.state is HoldState.HELD


def hold_list(db: Session, principal: Principal, *, batch_id: UUID, after: str, most: int) -> Listed[HoldRow]:
    """Holds of a batch in the caller's subtree, newest first; raises BadCursor."""
    found = listed(
        db,
        [holds_visible_to(principal, batch_id=batch_id)],
        keys=[Hold.placed_at, Hold.id],
        key_of=lambda row: [row[0].placed_at.isoformat(), row[0].id],
        most=most,
        after=after,
        descending=True,
    )
    return Listed(rows=[_hold_row(row) for row in found.rows], onward=found.onward, begun=found.begun)


def holds_of_alarms(db: Session, principal: Principal, alarm_ids: list[UUID]) -> dict[UUID, list[HoldRow]]:
    """Holds by alarm."""
    query = holds_visible_to(principal).where(Hold.alarm_id.in_(alarm_ids)).order_by(Hold.placed_at, Hold.id)
    found: dict[UUID, list[HoldRow]] = {}
    for row in db.execute(query):
        hold = _hold_row(row)
        if hold.hold.alarm_id is not None:
            found.setdefault(hold.hold.alarm_id, []).append(hold)
    return found


def _hold_row(row: Any) -> HoldRow:
    return HoldRow(
        hold=row[0],
        facility=row.facility_name,
        facility_code=row.facility_code,
        product=row.presentation_name,
        lot=row.lot,
        doses_per_vial=row.doses_per_vial,
        place=row.place_name,
        zone=row.timezone,
    )
