"""Wire shapes: a hold, a passport, what closing an alarm did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.catalog.models import Presentation, StorageClass
from tracker.catalog.rules.storage import VvmType
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.presenting import alarm_out
from tracker.coldchain.rules.thermal import thermal_of
from tracker.network.models import Equipment
from tracker.passport.models import AlarmDisposition, Hold
from tracker.passport.queries.holds import holds_visible_to
from tracker.passport.queries.passport import Passport
from tracker.passport.rules.stays import Exposure, Stay
from tracker.passport.rules.vvm import disagrees
from tracker.passport.schemas import ClosedOut, ExposureOut, HoldOut, PassportAlarmOut, PassportOut, StayOut


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


def closed_out(alarm: Any, holds: Iterable[Any]) -> ClosedOut:
    """A row of `alarms_visible_to` and rows of `holds_visible_to`."""
    return ClosedOut(alarm=alarm_out(alarm), holds=[hold_out(row) for row in holds])


def passport_out(db: Session, caller: Principal, passport: Passport) -> PassportOut:
    """The wire shape; holds are those on the road that the caller may see."""
    batch = passport.batch
    presentation, storage = db.execute(
        select(Presentation, StorageClass)
        .join(StorageClass, StorageClass.id == Presentation.storage_class_id)
        .where(Presentation.id == batch.presentation_id)
    ).one()
    vvm_type = storage.vvm_type if presentation.uses_vvm else None
    frozen = all(band["max_c"] <= 0 for band in storage.bands[:1])
    return PassportOut(
        batch=batch.id,
        lot=batch.lot,
        expiry=batch.expiry,
        product=presentation.code,
        product_name=presentation.name,
        facility=passport.facility.code,
        vvm_type=vvm_type,
        freeze_sensitive=storage.freeze_sensitive,
        stays=[_stay_out(passport, stay, vvm_type, frozen=frozen) for stay in passport.stays],
        holds=_holds(db, caller, passport),
        alarms=_alarms(db, passport),
    )


def _stay_out(passport: Passport, stay: Stay, vvm_type: VvmType | None, *, frozen: bool) -> StayOut:
    place = passport.places.get(stay.node.holder_id)
    total = _exposure_out(stay.total, vvm_type)
    return StayOut(
        account=stay.node.account,
        status=stay.node.status,
        place=place.code if place else None,
        place_name=place.name if place else None,
        facility=place.facility if place else None,
        facility_name=place.facility_name if place else None,
        from_at=stay.from_at,
        to_at=stay.to_at,
        vials=stay.vials,
        mkt_c=None if frozen else thermal_of(stay.own.row[0]).mkt_c,
        here=_exposure_out(stay.own, vvm_type),
        total=total,
        vvm_stage=stay.vvm_stage,
        vvm_disagrees=disagrees(stay.vvm_stage, total.vvm_used),
        origin_unknown=stay.total.origin_unknown,
        archived_until=passport.whole_from if passport.whole_from and stay.from_at < passport.whole_from else None,
    )


def _exposure_out(exposure: Exposure, vvm_type: VvmType | None) -> ExposureOut:
    thermal = thermal_of(exposure.row[0])
    return ExposureOut(
        known_minutes=round(thermal.known_s / 60, 1),
        unmonitored_minutes=round(exposure.unmonitored_s / 60, 1),
        minutes_below_0=round(thermal.below_0_s / 60, 1),
        minutes_above_8=round(thermal.above_8_s / 60, 1),
        min_c=thermal.min_c,
        max_c=thermal.max_c,
        vvm_used=None if vvm_type is None else thermal.vvm_used.get(vvm_type.value),
    )


def _holds(db: Session, caller: Principal, passport: Passport) -> list[HoldOut]:
    """Of the road alone, so that they are few: of the batch at all other places `GET /holds` tells."""
    theirs = holds_visible_to(caller, batch_id=passport.batch.id).where(Hold.facility_id.in_(passport.road))
    return [hold_out(row) for row in db.execute(theirs.order_by(Hold.placed_at, Hold.id))]


def _alarms(db: Session, passport: Passport) -> list[PassportAlarmOut]:
    """Alarms whose episodes held this batch on its road, with the disposition of the batch."""
    rows = db.execute(
        select(
            Alarm,
            Unit.code.label("facility"),
            Equipment.code.label("equipment"),
            AlarmDisposition.disposition,
            AlarmDisposition.reason,
        )
        .join(Unit, Unit.id == Alarm.unit_id)
        .outerjoin(Equipment, Equipment.id == Alarm.equipment_id)
        .outerjoin(
            AlarmDisposition,
            (AlarmDisposition.alarm_id == Alarm.id) & (AlarmDisposition.batch_id == passport.batch.id),
        )
        .where(
            Alarm.id.in_(
                select(Episode.alarm_id)
                .join(Hold, Hold.episode_id == Episode.id)
                .where(Hold.batch_id == passport.batch.id, Hold.facility_id.in_(passport.road))
            )
        )
        .order_by(Alarm.started_at, Alarm.id)
    )
    return [
        PassportAlarmOut(
            alarm=row.Alarm.id,
            rule=row.Alarm.rule,
            facility=row.facility,
            equipment=row.equipment,
            started_at=row.Alarm.started_at,
            alarmed_at=row.Alarm.alarmed_at,
            ended_at=row.Alarm.ended_at,
            acknowledged_by=row.Alarm.acknowledged_name,
            disposition=row.disposition,
            reason=row.reason,
        )
        for row in rows
    ]
