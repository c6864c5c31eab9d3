"""HTTP of this room: calls, what is said in them, the ticket, the log, standard answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.words import Seen
from tracker.hotline.commands import BeginCall, EndCall, SayInCall, SendTicket
from tracker.hotline.models import HotlineCall
from tracker.hotline.presenting import call_out, call_replies_out, standard_answers_out
from tracker.hotline.queries import call_visible_to, calls_visible_to, own_calls, spelled_ticket
from tracker.hotline.rules.answers import answers_for
from tracker.hotline.schemas import (
    CallEndIn,
    CallIn,
    CallMessageIn,
    CallOut,
    CallRepliesOut,
    ChosenCallerIn,
    SendTicketIn,
    SoughtCallerIn,
    StandardAnswersOut,
)
from tracker.hotline.service import begin_call, choose_caller, end_call, find_caller, say_in_call, send_ticket
from tracker.people.presenting import persons_out
from tracker.people.schemas import PersonsOut
from tracker.people.vault import NikVault
from tracker.registration.service.tickets import ticket_office

router = Router(prefix="/api/v1/hotline", tags=["hotline"])


class CallsOf(StrEnum):
    """Whose calls a list holds."""

    OWN = "own"
    UNIT = "unit"


@router.post(
    "/calls",
    operation_id="begin_call",
    status_code=201,
    responses={200: {"model": CallOut, "description": "The same again."}},
)
def take_call(body: CallIn, db: Db, caller: Caller, *, now: Now, shared: Shared, response: Response) -> CallOut:
    """Take a call; where one from this number was cut off a moment ago, its talk goes on."""
    command = BeginCall(id=body.id, phone=body.phone, language=body.language)
    vault, office = NikVault.of(shared.settings), ticket_office(db, shared.settings)
    begun = begin_call(db, caller, command, vault=vault, office=office, now=now)
    response.status_code = 201 if begun.fresh else 200
    return call_out(begun.call, caller.name)


@router.get("/calls", operation_id="list_calls")
def list_calls(
    db: Db,
    caller: Caller,
    of: Annotated[CallsOf, Query(description="One's own, or all of the units that one oversees.")] = CallsOf.OWN,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CallOut]:
    """Calls, the newest first."""
    if of is CallsOf.UNIT:
        caller.require(Permission.HOTLINE_READ)
    else:
        caller.require(Permission.HOTLINE_SERVE)
    return page_of(
        db,
        calls_visible_to(caller) if of is CallsOf.UNIT else own_calls(caller),
        keys=(HotlineCall.begun_at, HotlineCall.id),
        limit=limit,
        cursor=cursor,
        key_of=lambda row: (row[0].begun_at.isoformat(), row[0].id),
        present=lambda row: call_out(row[0], row[1]),
        descending=True,
    )


@router.get("/calls/{call_id}", operation_id="read_call")
def read_call(call_id: UUID, db: Db, caller: Caller) -> CallOut:
    """One's own call, or one of a unit that one oversees."""
    return call_out(*call_visible_to(db, caller, call_id))


@router.post("/calls/{call_id}/search", operation_id="search_caller")
def search_caller(call_id: UUID, body: SoughtCallerIn, db: Db, caller: Caller, now: Now, shared: Shared) -> PersonsOut:
    """Who may be meant; that they were looked for is kept with each."""
    vault = NikVault.of(shared.settings)
    return persons_out(list(find_caller(db, caller, call_id, body.text, vault=vault, now=now)))


@router.post("/calls/{call_id}/person", operation_id="choose_caller")
def choose(call_id: UUID, body: ChosenCallerIn, db: Db, caller: Caller, now: Now) -> CallOut:
    """Say whom the call is about; that they were read is kept."""
    return call_out(choose_caller(db, caller, call_id, body.person, now=now), caller.name)


@router.post("/calls/{call_id}/messages", operation_id="say_in_call")
def say(call_id: UUID, body: CallMessageIn, db: Db, caller: Caller, now: Now, shared: Shared) -> CallRepliesOut:
    """What to read out to what the caller answered; the same message again gets the same."""
    command = SayInCall(call_id=call_id, message_id=body.id, text=body.text)
    vault, office = NikVault.of(shared.settings), ticket_office(db, shared.settings)
    said = say_in_call(db, caller, command, vault=vault, office=office, now=now)
    return call_replies_out(said, None if said.booking is None else spelled_ticket(db, said.booking))


@router.post("/calls/{call_id}/ticket", operation_id="send_call_ticket")
def send(call_id: UUID, body: SendTicketIn, db: Db, caller: Caller, now: Now) -> CallOut:
    """Send the ticket of what was booked in this call, once."""
    return call_out(send_ticket(db, caller, SendTicket(call_id=call_id, by=body.by), now=now), caller.name)


@router.post("/calls/{call_id}/end", operation_id="end_call")
def end(call_id: UUID, body: CallEndIn, db: Db, caller: Caller, now: Now) -> CallOut:
    """Say what the call came to."""
    command = EndCall(call_id=call_id, outcome=body.outcome, note=body.note)
    return call_out(end_call(db, caller, command, now=now), caller.name)


@router.get("/answers", operation_id="list_standard_answers")
def list_standard_answers(
    db: Db,
    caller: Caller,
    words: Annotated[
        str, Seen, Query(max_length=100, description="Words that each begin some word of the answer.")
    ] = "",
    language: Literal["id", "en"] = "id",
) -> StandardAnswersOut:
    """Standard answers in which the words occur; all for none."""
    del db
    caller.require(Permission.HOTLINE_SERVE)
    return standard_answers_out(answers_for(words, language), language)
