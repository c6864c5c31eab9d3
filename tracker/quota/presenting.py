"""Wire shapes from rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tracker.network.models import Facility
from tracker.quota.models import Bucket, DoseAge, DoseInterval, SessionTemplate, Standby, VaccineSpacing
from tracker.quota.public_schemas import PublicDayOut, PublicFacilityOut
from tracker.quota.queries.history import Appointment, Due
from tracker.quota.queries.open_places import OpenPlace
from tracker.quota.queries.public import DayTally
from tracker.quota.queries.quota import QuotaItem
from tracker.quota.queries.untold import Untold
from tracker.quota.schedule_schemas import AgeRule, IntervalRule, RuleBody, ScheduleOut, SpacingRule
from tracker.quota.schemas import (
    AppointmentOut,
    BookingOut,
    BookingStepOut,
    BucketIn,
    BucketOut,
    ClaimOut,
    DisplacedOut,
    DueOut,
    HistoryOut,
    LeftoverOut,
    LeftoversOut,
    OpenPlaceOut,
    QuotaItemOut,
    SessionChangeOut,
    SessionCopiesOut,
    SessionCopyOut,
    SessionOut,
    UntoldOut,
)
from tracker.quota.service.commands import AddAge, AddInterval, AddSpacing, NewBucket
from tracker.quota.service.copying import Copied
from tracker.quota.service.standby import CallList
from tracker.quota.standby_schemas import CallListOut, StandbyOut, ToCallOut
from tracker.quota.template_schemas import TemplateBucket, TemplateOut
from tracker.stock.models import OpenVial


def bucket_of(body: BucketIn) -> NewBucket:
    """Places that somebody wants kept, as a command's part."""
    return NewBucket(kind=body.kind, share=body.share, release_at=body.release_at)


def copies_out(copies: Iterable[Copied]) -> SessionCopiesOut:
    """What copying sessions made."""
    return SessionCopiesOut(items=[SessionCopyOut.model_validate(one) for one in copies])


def session_out(row: Any, buckets: list[Bucket]) -> SessionOut:
    """A row of `sessions_visible_to` with its buckets."""
    session, facility, presentation = row
    return SessionOut(
        id=session.id,
        facility=facility,
        date=session.day,
        opens=session.opens_at,
        closes=session.closes_at,
        presentation=presentation,
        doses=session.doses,
        capacity=session.capacity,
        taken=session.taken,
        live=session.live,
        state=session.state,
        cancelled=session.cancelled,
        place=session.place_id,
        areas=session.areas or [],
        buckets=[BucketOut(kind=b.kind, places=b.places, taken=b.taken, release_at=b.release_at) for b in buckets],
    )


def template_out(template: SessionTemplate) -> TemplateOut:
    """A template with the places it keeps."""
    return TemplateOut(
        id=template.id,
        facility=template.facility_id,
        name=template.name,
        weekday=template.weekday,
        opens=f"{template.opens:%H:%M}",
        closes=f"{template.closes:%H:%M}",
        presentation=template.presentation_id,
        doses=template.doses,
        capacity=template.capacity,
        buckets=[TemplateBucket(kind=kind, **said) for kind, said in template.buckets.items()],
        place=template.place_id,
        areas=template.areas or [],
        saved_at=template.saved_at,
    )


def change_out(row: Any) -> SessionChangeOut:
    """A row of `session_changes_visible_to`."""
    (change,) = row
    return SessionChangeOut(
        id=change.id,
        what=change.what,
        reason=change.reason,
        before=change.before,
        recorded_by=change.recorded_by,
        recorded_at=change.recorded_at,
    )


def untold_out(found: Untold) -> UntoldOut:
    """What `untold` made of a row."""
    return UntoldOut(booking=found.booking_id, person=found.person_id, name=found.name, phone=found.phone)


def leftovers_out(found: Iterable[tuple[OpenVial, str]]) -> LeftoversOut:
    """What `leftovers` found."""
    items = [
        LeftoverOut(
            open_vial=vial.id, lot=lot, doses=vial.remaining, opened_at=vial.opened_at, discard_by=vial.discard_by
        )
        for vial, lot in found
    ]
    return LeftoversOut(items=items, doses=sum(item.doses for item in items))


def booking_out(row: Any) -> BookingOut:
    """A row of `bookings_visible_to`."""
    booking, bucket = row
    return BookingOut(
        id=booking.id,
        session=booking.session_id,
        person=booking.person_id,
        dose=booking.dose,
        medium=booking.medium,
        state=booking.state,
        bucket=bucket.kind,
        made_at=booking.made_at,
        expires_at=booking.expires_at,
        vaccinated_at=booking.vaccinated_at,
        late=booking.late,
        deferred_until=booking.deferred_until,
        override=booking.override,
        batch=booking.batch_id,
        open_vial=booking.open_vial_id,
        replaces=booking.replaces_id,
    )


def step_out(row: Any) -> BookingStepOut:
    """A row of `steps_visible_to`."""
    (step,) = row
    return BookingStepOut(
        id=step.id,
        from_state=step.from_state,
        to_state=step.to_state,
        recorded_at=step.recorded_at,
        recorded_by=step.recorded_by,
        reason=step.reason,
        before=step.before,
    )


def claim_out(row: Any) -> ClaimOut:
    """A row of `claims_visible_to`."""
    claim, facility, presentation = row
    return ClaimOut(
        id=claim.id,
        person=claim.person_id,
        dose=claim.dose,
        facility=facility,
        presentation=presentation,
        from_day=claim.from_day,
        due_day=claim.due_day,
        last_day=claim.last_day,
        state=claim.state.value,
    )


def displaced_out(row: Any) -> DisplacedOut:
    """A row of `displacements_visible_to`."""
    displacement, session_id = row
    return DisplacedOut(
        booking=displacement.booking_id,
        session=session_id,
        displaced_at=displacement.displaced_at,
        state=displacement.state.value,
        offer=displacement.offer_id,
    )


def history_out(person_id: UUID, appointments: Iterable[Appointment], dues: Iterable[Due]) -> HistoryOut:
    """What a person was given and is due."""
    return HistoryOut(
        person=person_id,
        appointments=[AppointmentOut.model_validate(one) for one in appointments],
        due=[DueOut.model_validate(one) for one in dues],
    )


def quota_item_out(item: QuotaItem) -> QuotaItemOut:
    """One of what `quota_of` reckoned."""
    return QuotaItemOut.model_validate(item)


def rule_command(body: RuleBody) -> AddInterval | AddAge | AddSpacing:
    """What somebody wrote down as a rule, as a command."""
    told = body.model_dump(exclude={"rule"})
    if isinstance(body, IntervalRule):
        return AddInterval(**told)
    return AddAge(**told) if isinstance(body, AgeRule) else AddSpacing(**told)


def schedule_out(rules: Iterable[DoseInterval | DoseAge | VaccineSpacing]) -> ScheduleOut:
    """Rules of the schedule, of all three kinds."""
    return ScheduleOut(items=[_rule_out(rule) for rule in rules])


def _rule_out(rule: DoseInterval | DoseAge | VaccineSpacing) -> IntervalRule | AgeRule | SpacingRule:
    vaccine, day, source = rule.vaccine_code, rule.from_day, rule.source
    if isinstance(rule, DoseAge):
        return AgeRule(
            rule="age", vaccine=vaccine, dose=rule.dose, from_day=day, min_months=rule.min_months, source=source
        )
    if isinstance(rule, VaccineSpacing):
        return SpacingRule(
            rule="spacing", vaccine=vaccine, other=rule.other_code, from_day=day, min_days=rule.min_days, source=source
        )
    return IntervalRule(
        rule="interval",
        vaccine=vaccine,
        dose=rule.dose,
        after=rule.after_code,
        from_day=day,
        min_days=rule.min_days,
        due_days=rule.due_days,
        max_days=rule.max_days,
        source=source,
    )


def open_place_out(place: OpenPlace) -> OpenPlaceOut:
    """A place to book; the distance to the metre."""
    return OpenPlaceOut(
        session=place.session.id,
        facility=place.facility.code,
        facility_name=place.facility.name,
        date=place.session.day,
        opens=place.session.opens_at,
        closes=place.session.closes_at,
        vaccine=place.vaccine.code,
        dose=place.dose,
        room=place.room,
        distance_km=None if place.distance_km is None else round(place.distance_km, 3),
    )


def standby_out(row: Standby) -> StandbyOut:
    """Somebody on the list."""
    return StandbyOut(id=row.id, person=row.person_id, dose=row.dose, asked_at=row.asked_at)


def call_list_out(found: CallList, limit: int) -> CallListOut:
    """The first of those to call, with the draw they follow from."""
    draw = found.draw
    return CallListOut(
        seed=draw and draw.seed,
        drawn_at=draw and draw.drawn_at,
        drawn_by=draw and draw.drawn_by,
        waiting=found.waiting,
        items=[
            ToCallOut(**standby_out(one.standby).model_dump(), group=one.group.name.lower(), said=one.said)
            for one in found.order[:limit]
        ],
    )


def public_facility_out(
    facility: Facility, latitude: float | None, longitude: float | None, days: Iterable[DayTally]
) -> PublicFacilityOut:
    """A facility as anybody may read it."""
    return PublicFacilityOut(
        id=facility.id,
        kode=facility.code,
        nama=facility.name,
        latitude=latitude,
        longitude=longitude,
        jenis_faskes=facility.kind.value,
        source_data="Rantai",
        detail=[
            PublicDayOut(
                batch=one.lot,
                tanggal=one.day,
                divaksin=one.given.all,
                divaksin_1=one.given.first,
                divaksin_2=one.given.second,
                pending_vaksin=one.put_off.all,
                pending_vaksin_1=one.put_off.first,
                pending_vaksin_2=one.put_off.second,
                batal_vaksin=one.called_off.all,
                batal_vaksin_1=one.called_off.first,
                batal_vaksin_2=one.called_off.second,
            )
            for one in days
        ],
    )
