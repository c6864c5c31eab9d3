"""Wire shapes from rows, and commands from what was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from tracker.adverse.commands import Told
from tracker.adverse.models import AdverseAnswer, Symptom
from tracker.adverse.queries import Tally
from tracker.adverse.schemas import (
    AdverseChangeOut,
    AdverseDetailOut,
    AdverseOut,
    AnswerOut,
    SessionReportOut,
    SymptomCountOut,
    SymptomOut,
    TallyOut,
    ToldIn,
)
from tracker.quota.queries.report import SessionReport


def told_of(body: ToldIn) -> Told:
    """What was told, as a command's part."""
    return Told(
        onset_at=body.onset,
        symptoms=tuple(body.symptoms),
        words=body.words,
        serious=body.serious,
        outcome=body.outcome,
    )


def _common(row: Any) -> dict[str, Any]:
    event, booking, facility, presentation, lot, codes = row
    return {
        "id": event.id,
        "facility": facility.code,
        "presentation": presentation.code,
        "lot": lot,
        "batch": booking.batch_id,
        "open_vial": booking.open_vial_id,
        "dose": booking.dose,
        "vaccinated_at": booking.vaccinated_at,
        "onset": event.onset_at,
        "symptoms": codes or [],
        "serious": event.serious,
        "outcome": event.outcome,
        "withdrawn": event.withdrawn,
        "recorded_at": event.recorded_at,
    }


def adverse_out(row: Any) -> AdverseOut:
    """A row of `adverse_visible_to`, nobody named."""
    return AdverseOut(**_common(row))


def adverse_detail(row: Any, answers: Iterable[AdverseAnswer]) -> AdverseDetailOut:
    """A row of `adverse_visible_to` with whom it befell."""
    event, booking = row[0], row[1]
    return AdverseDetailOut(
        **_common(row),
        booking=booking.id,
        person=booking.person_id,
        words=event.words,
        recorded_by=event.recorded_by,
        answers=[
            AnswerOut(level=one.level, words=one.words, recorded_by=one.recorded_by, recorded_at=one.recorded_at)
            for one in answers
        ],
    )


def adverse_change(row: Any) -> AdverseChangeOut:
    """A row of `changes_of`."""
    (change,) = row
    return AdverseChangeOut(
        before=change.before,
        reason=change.reason,
        recorded_by=change.recorded_by,
        recorded_at=change.recorded_at,
    )


def symptom_out(symptom: Symptom) -> SymptomOut:
    """A symptom of the list."""
    return SymptomOut(code=symptom.code, word_id=symptom.word_id, word_en=symptom.word_en)


def tally_out(batch_id: UUID, tally: Tally) -> TallyOut:
    """What `tally_of_batch` counted."""
    return TallyOut(
        batch=batch_id,
        told=tally.told,
        serious=tally.serious,
        symptoms=[SymptomCountOut(symptom=one.code, times=times) for one, times in tally.symptoms],
    )


def session_report_out(session_id: UUID, report: SessionReport, told: int, serious: int) -> SessionReportOut:
    """A session in numbers."""
    return SessionReportOut(session=session_id, **asdict(report), adverse=told, adverse_serious=serious)
