"""Row → wire."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tracker.network.models import Facility
from tracker.pcare.models import PcareFacility
from tracker.pcare.queries import Line
from tracker.pcare.schemas import PcareFacilityOut, PcareRecordOut, PcareStandOut, PcareStrangerOut


def record_out(row: Any) -> PcareRecordOut:
    """A row of `records_visible_to`."""
    record, facility = row
    return PcareRecordOut(
        id=record.id,
        booking=record.booking_id,
        version=record.version,
        facility=facility.code,
        day=record.day,
        given=record.dose is not None,
        state=record.state,
        why=record.why,
        words=record.words,
        number=record.number,
        attempts=record.attempts,
        next_at=record.next_at,
        made_at=record.made_at,
        changed_at=record.changed_at,
    )


def stand_out(line: Line, records: Any) -> PcareStandOut:
    """What `line_of` and `counts_of` found."""
    return PcareStandOut(**asdict(line), records=dict(records))


def stranger_out(row: Any) -> PcareStrangerOut:
    """A row of `strangers_visible_to`."""
    stranger, facility = row
    return PcareStrangerOut(
        number=stranger.number,
        facility=facility.code,
        day=stranger.day,
        repeats=stranger.record_id,
        seen_at=stranger.seen_at,
    )


def facility_out(facility: Facility, chosen: PcareFacility) -> PcareFacilityOut:
    """How a facility's doses leave."""
    return PcareFacilityOut(facility=facility.code, mode=chosen.mode, code=chosen.code_there)
