"""Rows of this room as they leave over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from tracker.hotline.models import HotlineCall
from tracker.hotline.queries import SpelledTicket
from tracker.hotline.rules.answers import StandardAnswer
from tracker.hotline.schemas import (
    CallChoiceOut,
    CallOut,
    CallRepliesOut,
    SpelledTicketOut,
    StandardAnswerOut,
    StandardAnswersOut,
)
from tracker.registration.service.talking import Answer


def call_out(call: HotlineCall, operator: str) -> CallOut:
    """A call with its operator's name; whoever called is an id."""
    return CallOut(
        id=call.id,
        operator=operator,
        begun_at=call.begun_at,
        ended_at=call.ended_at,
        seconds=None if call.ended_at is None else int((call.ended_at - call.begun_at).total_seconds()),
        outcome=call.outcome,
        note=call.note,
        person=call.person_id,
        booking=call.booking_id,
        ticket_sent_by=call.sent_by,
    )


def call_replies_out(said: Answer, ticket: SpelledTicket | None) -> CallRepliesOut:
    """What is to be read out."""
    return CallRepliesOut(
        replies=said.replies,
        choices=[CallChoiceOut(**choice) for choice in said.choices],
        over=said.over,
        ticket=None if ticket is None else ticket_spelled_out(ticket),
    )


def ticket_spelled_out(ticket: SpelledTicket) -> SpelledTicketOut:
    """A ticket as it is read out."""
    told = asdict(ticket)
    return SpelledTicketOut(phone_ending=told.pop("ending"), **told)


def standard_answers_out(found: Sequence[StandardAnswer], language: str) -> StandardAnswersOut:
    """The answers that were found, in one language."""
    spoken = language == "en"
    return StandardAnswersOut(
        items=[
            StandardAnswerOut(key=one.key, question=one.question[spoken], answer=one.answer[spoken]) for one in found
        ]
    )
