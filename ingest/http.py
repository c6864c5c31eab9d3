"""Readings over HTTP: WHO EMS / RTMD deliveries, and exports of data loggers.

The front door puts this router into the API: the core knows no program.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Form, Header, Query, Request, UploadFile
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from ingest.dialects.ems import EMS
from ingest.dialects.ems_schema import shape_problems
from ingest.dialects.shapes import MOST_BYTES, Decoded, Group, Problem, Reject, parse_json
from ingest.files.importer import import_logger_file
from ingest.files.outline import MAX_BYTES
from ingest.intake import Intake, Letter, Report
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now, bearer_scheme, identify
from tracker.edge.hop import Hop, Inside, Router
from tracker.kit.errors import Refused, Unauthenticated
from tracker.telemetry.models import Device
from tracker.telemetry.queries import device_by_credentials, device_by_ref
from tracker.telemetry.queries.devices import DeviceMet, serials_in_reach, serials_spoken_for
from tracker.telemetry.service.deadletters import Undeliverable, bury

router = Router(prefix="/api/v1", tags=["ingest"])

# A day of records shrinks to a tenth; beyond this a body is a bomb, not a delivery.
_MOST_UNPACKED = 10_000_000


class Malformed(Refused):
    """The body cannot be read."""

    code = "ingest.malformed"


class TooLarge(Refused):
    """The body is larger than a delivery may be."""

    code = "ingest.too_large"


class UnknownEncoding(Refused):
    """The body is encoded in a way we do not read."""

    code = "ingest.encoding"


class Invalid(Refused):
    """The body departs from the schema."""

    code = "ingest.invalid"


class UnknownSerial(Refused):
    """The sender does not speak for this serial."""

    code = "ingest.unknown_serial"


class RefusedPart(BaseModel):
    """Where in the delivery, and why."""

    where: str
    reason: str
    detail: str


class Delivered(BaseModel):
    """What became of a delivery: readings stored now, repeats of stored ones, sensor faults, readings we dated."""

    readings: int
    repeats: int
    faults: int
    redated: int
    refused: list[RefusedPart] = Field(
        default_factory=list, description="Parts that were not stored and stand among the dead letters."
    )


async def _raw_body(request: Request) -> bytes:
    return await request.body()


def _plain_body(raw: bytes, encoding: str) -> bytes:
    if len(raw) > MOST_BYTES:
        raise TooLarge(limit=MOST_BYTES)
    match encoding.strip().lower():
        case "" | "identity":
            return raw
        case "gzip" | "x-gzip":
            return _unpack(raw)
        case _:
            raise UnknownEncoding(encoding=encoding)


def _unpack(raw: bytes) -> bytes:
    """All members of the gzip stream, and no more than the limit, whatever the body promises."""
    parts: list[bytes] = []
    room = _MOST_UNPACKED
    while raw:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            parts.append(unpacker.decompress(raw, room + 1))
        except zlib.error as error:
            raise Malformed(
                detail="not gzip" if not parts else "the gzip stream goes on with something else"
            ) from error
        room -= len(parts[-1])
        if room < 0:
            raise TooLarge(limit=_MOST_UNPACKED)
        if not unpacker.eof:
            raise Malformed(detail="the gzip stream is cut off")
        raw = unpacker.unused_data
    return b"".join(parts)


# A device by its own credentials, or a caller with an API key or token.
_Sender = Device | Principal


def _sender(hop: Hop) -> _Sender:
    scheme, _, proof = hop.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        device = _device_of(hop.db, proof)
        if device is None:
            raise Unauthenticated
        return device
    principal = identify(hop.request, hop.db, hop.now)
    if principal is None:
        raise Unauthenticated
    principal.require(Permission.TELEMETRY_WRITE)
    return principal


def _device_of(db: Session, proof: str) -> Device | None:
    try:
        code, _, password = base64.b64decode(proof, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return device_by_credentials(db, code.replace("\0", ""), password)


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "WHO/UNICEF cce-interop 0.8: `meta` and `data`, a list of reports with `records`.",
                    "required": ["meta", "data"],
                    "properties": {
                        "meta": {"type": "object"},
                        "data": {"type": "array", "minItems": 1, "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


@router.post("/ems", operation_id="deliver_ems", openapi_extra=_BODY)
def post_ems(
    *,
    raw: Annotated[bytes, Depends(_raw_body)],
    sender: Annotated[_Sender, Inside(_sender, described_by=Depends(bearer_scheme))],
    db: Db,
    now: Now,
    gateway: Annotated[
        str | None,
        Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="Device whose serials these are."),
    ] = None,
    encoding: Annotated[str, Header(alias="Content-Encoding")] = "identity",
) -> Delivered:
    """Take a WHO EMS or RTMD delivery; repeats are welcome. One that departs from the schema is refused as a whole.

    Reports of serials that are not the sender's, and values beyond the channels a device may have, stand in
    `refused` and among the dead letters; the others are stored. Where no serial is the sender's, all is refused.

    A device proves itself with its broker credentials (Basic). With an API key the serials are looked
    up behind `gateway`, or, without it, among all devices within the caller's reach.
    """
    # Unpacked for those only who have proved who they are.
    body = _plain_body(raw, encoding)
    letters, foreign = _letters(db, sender, gateway, body, now)
    taken = Intake().store(db, letters, now=now)
    if foreign:
        bury(db, [_dead(sender, body, problem, now) for problem in foreign])
    stored = taken.stored
    return Delivered(
        readings=stored.new,
        repeats=stored.repeated,
        faults=stored.faults,
        redated=stored.placed,
        refused=[RefusedPart(where=p.where, reason=p.reason, detail=p.detail) for p in (*foreign, *taken.refused)],
    )


def _dead(sender: _Sender, body: bytes, problem: Problem, now: datetime) -> Undeliverable:
    return Undeliverable(
        topic="POST /api/v1/ems",
        payload=body,
        reason=problem.reason,
        detail=f"{problem.where}: {problem.detail}",
        received_at=now,
        device_id=sender.id if isinstance(sender, Device) else None,
    )


def _letters(
    db: Session, sender: _Sender, gateway: str | None, body: bytes, now: datetime
) -> tuple[list[Letter], list[Problem]]:
    """One letter a report, under the code of the device that measured; raises Malformed, Invalid, UnknownSerial."""
    try:
        shape = shape_problems(parse_json(body))
        decoded = EMS.decode(body) if not shape else None
    except Reject as reject:
        raise Malformed(detail=reject.detail) from reject
    if decoded is None or decoded.problems:
        raise _invalid(shape if decoded is None else decoded.problems)
    codes, foreign = _codes(db, sender, gateway, decoded)
    letters = [
        Letter(
            topic="POST /api/v1/ems",
            payload=b"",
            received_at=now,
            sender=code,
            content=Report(
                decoded=Decoded(
                    groups=[Group(entries=group.entries, where=group.where, alarms=group.alarms)],
                    message_id=decoded.message_id,
                ),
                defaults=EMS.defaults,
            ),
        )
        for group, code in zip(decoded.groups, codes, strict=True)
        if code is not None
    ]
    return letters, foreign


def _invalid(problems: list[Problem]) -> Invalid:
    places = [{"where": p.where, "reason": p.reason, "detail": p.detail} for p in problems[:20]]
    return Invalid(field=problems[0].where, problems=places)


def _spoken_for(db: Session, sender: _Sender, gateway: str | None, serials: set[str]) -> list[DeviceMet]:
    """The devices with these serials that the sender may name."""
    if isinstance(sender, Device):
        return serials_spoken_for(db, sender.id, serials)
    if gateway is None:
        return serials_in_reach(db, sender, serials)
    behind = device_by_ref(db, sender, gateway, Permission.TELEMETRY_WRITE)
    return serials_spoken_for(db, behind.id, serials)


def _codes(
    db: Session, sender: _Sender, gateway: str | None, decoded: Decoded
) -> tuple[list[str | None], list[Problem]]:
    """The code of the device that measured each group, None with a problem where none or several could have.

    Raises UnknownSerial where that is so of every group.
    """
    serials = {serial for group in decoded.groups for serial in group.serials if "\0" not in serial}
    found: dict[str, set[tuple[UUID, str]]] = {}
    for met in _spoken_for(db, sender, gateway, serials):
        found.setdefault(str(met.serial), set()).add((met.id, met.code))
    codes: list[str | None] = []
    foreign: list[Problem] = []
    for group in decoded.groups:
        bound = next((found[serial] for serial in group.serials if serial in found), set())
        codes.append(next(iter(bound))[1] if len(bound) == 1 else None)
        if len(bound) != 1:
            names = ", ".join(group.serials)
            detail = f"{names}: not bound to the sender" if not bound else f"{names}: {len(bound)} devices have it"
            foreign.append(Problem(group.where, "unknown_serial", detail))
    if not any(codes):
        first = decoded.groups[0]
        raise UnknownSerial(field=first.where, serials=list(first.serials), matches=0)
    return codes, foreign


class LoggerFileStored(BaseModel):
    """What an upload did: the logger's device and sensor, readings in the file, new ones, those that count elsewhere.

    Of a logger that keeps no readings `days` are the days it printed, and `new` and `elsewhere` count days.
    """

    device: str
    sensor_id: int
    model: str
    serial: str
    readings: int
    new: int
    elsewhere: int
    missing: int
    days: int
    first: datetime
    last: datetime


@router.post("/logger-files", status_code=201, operation_id="upload_logger_file")
def post_logger_file(
    *,
    file: Annotated[UploadFile, File(description="Text export of a Fridge-tag 2, 2 L, Ultra Low or Q-tag.")],
    equipment: Annotated[
        str,
        Form(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="Id or code of the equipment it lay in."),
    ],
    db: Db,
    caller: Caller,
    now: Now,
) -> LoggerFileStored:
    """Import a logger's export as readings, or as days where it prints no more; the same file again adds nothing."""
    done = import_logger_file(db, caller, file.file.read(MAX_BYTES + 1), equipment, now)
    return LoggerFileStored(
        device=done.device_code,
        sensor_id=done.channel_id,
        model=done.model,
        serial=done.serial,
        readings=done.readings,
        new=done.new,
        elsewhere=done.elsewhere,
        missing=done.missing,
        days=done.days,
        first=done.first,
        last=done.last,
    )
