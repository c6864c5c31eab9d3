"""Where gateways call: WhatsApp's webhook, a Kannel's messages, a USSD gateway's calls.

None of these has an account. Each proves itself as its maker has it: a signature over the body, or a password. Every message is a hop of its
own, so that one delivery of many never holds what others wait for, and a delivery that failed half-way is gone on with when it comes again.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Header, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError

from tracker.delivery.receipts import note_receipt
from tracker.delivery.rules.receipts import Receipt
from tracker.delivery.rules.signing import verify_at
from tracker.edge.hop import Hop, in_hop, services_of
from tracker.edge.places import Busy
from tracker.mouths import sms_json, whatsapp
from tracker.mouths.errors import BadDelivery, MouthClosed, NotSigned
from tracker.mouths.rules import signing, sms, ussd
from tracker.mouths.rules.heard import MOST_TEXT, Delivery, Heard
from tracker.mouths.service import Call, Mouth, answer_call, hear_message
from tracker.people.vault import NikVault
from tracker.quota.rules.words import Medium
from tracker.registration.service.tickets import ticket_office
from tracker.settings import Settings

# Their shapes are their makers', not ours to describe.
router = APIRouter(include_in_schema=False)

log = structlog.get_logger("rantai.mouths")

# Meta asks with a number; whatever is sent back is shown to nobody.
_CHALLENGE = re.compile(r"[A-Za-z0-9_\-]{1,200}")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_ID = re.compile(r"[\x21-\x7e]{1,180}")


@router.get("/webhooks/whatsapp")
async def prove_whatsapp(
    request: Request,
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    token: Annotated[str, Query(alias="hub.verify_token")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
) -> PlainTextResponse:
    """Meta asks whether the address is ours, when it is entered there."""
    secret = services_of(request).settings.mouths.whatsapp_verify_token.get_secret_value()
    if not secret:
        raise MouthClosed
    if mode != "subscribe" or not signing.same(token, secret):
        raise NotSigned
    if not _CHALLENGE.fullmatch(challenge):
        raise BadDelivery(field="hub.challenge")
    return PlainTextResponse(challenge)


@router.post("/webhooks/whatsapp")
async def hear_whatsapp(
    request: Request, signature: Annotated[str | None, Header(alias="x-hub-signature-256")] = None
) -> PlainTextResponse:
    """Messages of people and receipts of ours; answered when all are in the database, so that Meta brings again what is not."""
    settings = services_of(request).settings
    secret = settings.mouths.whatsapp_secret.get_secret_value()
    number = _number_of(settings)
    if not secret or number is None:
        raise MouthClosed
    body = await request.body()
    if not signing.signed_sha256(body, signature, secret):
        raise NotSigned
    delivery = whatsapp.read_delivery(body, number)
    await _take_in(request, delivery, Medium.WHATSAPP)
    return PlainTextResponse("")


async def _take_in(request: Request, delivery: Delivery, medium: Medium) -> None:
    """All of a delivery, also what stands after a part that fails; then what failed first is raised, so that the gateway brings it again.

    Only what the same phone wrote later waits with it: answered first, it would make the earlier too late.
    """
    if delivery.unread:
        log.warning("delivery_not_understood", medium=medium.value, parts=delivery.unread)
    failed: dict[str | None, Exception] = {}
    works = [(one.phone, partial(_hear, heard=one, medium=medium)) for one in delivery.heard]
    receipts = [(one.ref, partial(_note, receipt=one)) for one in delivery.receipts]
    for whose, work in [*works, *receipts]:
        if whose in failed:
            continue
        try:
            await in_hop(request, work)
        except (Busy, OperationalError):
            raise  # nobody is served now
        except Exception as error:  # noqa: BLE001 - whatever it is, it holds nobody else
            failed[whose] = error
    for first in failed.values():
        raise first


@router.post("/webhooks/sms")
async def hear_sms(
    request: Request,
    message: Annotated[str, Query(alias="id")] = "",
    sender: Annotated[str, Header(alias="x-kannel-from")] = "",
    authorization: Annotated[str | None, Header()] = None,
) -> PlainTextResponse:
    """One SMS from a Kannel (`post-url`); the reply goes its own way, so the answer is empty."""
    _check_password(authorization, services_of(request).settings.mouths.sms_password.get_secret_value())
    if not _ID.fullmatch(message):
        raise BadDelivery(field="id")
    text = sms.text_of(await request.body(), request.headers.get("content-type"))
    heard = Heard(id=message, phone=_phone_of(sender, "X-Kannel-From"), text=text[:MOST_TEXT])
    await in_hop(request, partial(_hear, heard=heard, medium=Medium.SMS))
    return PlainTextResponse("")


@router.get("/webhooks/sms/kabar")
async def hear_sms_fate(
    request: Request,
    message: Annotated[str, Query(alias="id")] = "",
    kind: Annotated[str, Query(alias="type")] = "",
    authorization: Annotated[str | None, Header()] = None,
) -> PlainTextResponse:
    """What a Kannel says of a message that it took (`dlr-url`)."""
    _check_password(authorization, services_of(request).settings.mouths.sms_password.get_secret_value())
    await _note_all(request, sms.kannel_receipt(message, kind, services_of(request).clock()))
    return PlainTextResponse("")


@router.post("/webhooks/sms/twilio")
async def hear_twilio(request: Request) -> Response:
    """One SMS from Twilio, signed over this address and all fields."""
    told = await _signed_by_twilio(request)
    if not _ID.fullmatch(told.get("MessageSid", "")):
        raise BadDelivery(field="MessageSid")
    heard = Heard(
        id=told["MessageSid"], phone=_phone_of(told.get("From", ""), "From"), text=told.get("Body", "")[:MOST_TEXT]
    )
    await in_hop(request, partial(_hear, heard=heard, medium=Medium.SMS))
    return Response("<Response/>", media_type="text/xml")


@router.post("/webhooks/sms/twilio/kabar")
async def hear_twilio_fate(request: Request, message: Annotated[str, Query(alias="id")] = "") -> PlainTextResponse:
    """What Twilio says of a message that it took (`StatusCallback`)."""
    told = await _signed_by_twilio(request)
    await _note_all(request, sms.twilio_receipt(message, told, services_of(request).clock()))
    return PlainTextResponse("")


async def _signed_by_twilio(request: Request) -> dict[str, str]:
    settings = services_of(request).settings
    token = settings.mouths.twilio_token.get_secret_value()
    if not token:
        raise MouthClosed
    fields = sms.form_of(await request.body())
    # Behind a proxy only the setting knows the address that Twilio was given.
    query = f"?{request.url.query}" if request.url.query else ""
    address = f"{settings.api.public_url}{request.url.path}{query}"
    if not signing.signed_by_twilio(address, fields, request.headers.get("x-twilio-signature"), token):
        raise NotSigned
    return dict(fields)


@router.post("/webhooks/sms/json")
async def hear_sms_json(
    request: Request,
    signature: Annotated[str | None, Header(alias="x-signature")] = None,
    timestamp: Annotated[str | None, Header(alias="x-timestamp")] = None,
) -> PlainTextResponse:
    """Messages, and what became of ours, from a gateway that signs JSON with the time; each hop by hop, as Meta's."""
    services = services_of(request)
    secret = services.settings.mouths.sms_secret.get_secret_value()
    if not secret:
        raise MouthClosed
    body = await request.body()
    if not verify_at(secret, timestamp, body, signature, services.clock().timestamp()):
        raise NotSigned
    await _take_in(request, sms_json.read_delivery(body, services.clock()), Medium.SMS)
    return PlainTextResponse("")


async def _note_all(request: Request, receipts: list[Receipt]) -> None:
    for receipt in receipts:
        await in_hop(request, partial(_note, receipt=receipt))


class _CallIn(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    session: str = Field("", alias="sessionId")
    phone: str = Field("", alias="phoneNumber")
    text: str = Field("", max_length=4000)


@router.post("/webhooks/ussd")
async def hear_ussd(
    request: Request, told: Annotated[_CallIn, Form()], authorization: Annotated[str | None, Header()] = None
) -> PlainTextResponse:
    """One screen of a call."""
    _check_password(authorization, services_of(request).settings.mouths.ussd_password.get_secret_value())
    if not _ID.fullmatch(told.session):
        raise BadDelivery(field="sessionId")
    call = Call(
        session=told.session, phone=_phone_of(told.phone, "phoneNumber"), pressed=tuple(ussd.pressed(told.text))
    )
    screen: str = await in_hop(request, lambda hop: answer_call(_mouth(hop), call))
    return PlainTextResponse(screen)


def _hear(hop: Hop, *, heard: Heard, medium: Medium) -> None:
    hear_message(_mouth(hop), heard, medium)


def _note(hop: Hop, *, receipt: Receipt) -> None:
    note_receipt(hop.db, receipt, now=hop.now)


def _mouth(hop: Hop) -> Mouth:
    settings = services_of(hop.request).settings
    return Mouth(db=hop.db, vault=NikVault.of(settings), office=ticket_office(hop.db, settings), now=hop.now)


def _number_of(settings: Settings) -> str | None:
    """The `phone_number_id` of our number: the last but one part of the address messages are sent to."""
    parts = (settings.delivery.whatsapp_url or "").split("/")
    return parts[-2] if len(parts) >= 2 and parts[-1] == "messages" else None


def _check_password(authorization: str | None, secret: str) -> None:
    if not secret:
        raise MouthClosed
    if not signing.same(signing.basic_password(authorization), secret):
        raise NotSigned


def _phone_of(text: str, where: str) -> str:
    bare = text.strip()
    if not _PHONE.fullmatch(bare):
        raise BadDelivery(field=where)
    return bare if bare.startswith("+") else f"+{bare}"
