"""Wire shapes from rows."""

from __future__ import annotations

from typing import Any

from tracker.passport.models import Hold
from tracker.passport.schemas import HoldOut


def hold_out(row: Any) -> HoldOut:
    """A row of `holds_visible_to`."""
    hold: Hold = row.Hold
    return HoldOut(
        id=hold.id,
        state=hold.state,
        harm=hold.harm,
        alarm=hold.alarm_id,
        episode=hold.episode_id,
        facility=row.facility_code,
        facility_name=row.facility_name,
        account=hold.account,
        place=row.place_code,
        batch=hold.batch_id,
        lot=row.lot,
        expiry=row.expiry,
        product=row.presentation_code,
        product_name=row.presentation_name,
        vials=hold.vials,
        doses=hold.vials * row.doses_per_vial,
        placed_at=hold.placed_at,
        evidence=hold.evidence,
        decided_at=hold.decided_at,
        decided_by=hold.decided_name,
        reason=hold.reason,
        shake_test=hold.shake_test,
        override=hold.override,
    )
