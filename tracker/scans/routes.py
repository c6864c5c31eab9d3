"""HTTP of this room: scans, typed or photographed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import File, Form, UploadFile
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.images import read_codes
from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import Router
from tracker.edge.services import Services
from tracker.network.queries import facility_by_code_or_id
from tracker.registration.service.tickets import ticket_office
from tracker.scans.presenting import scan_out, scans_out
from tracker.scans.schemas import ScanIn, ScanOut, ScansOut
from tracker.scans.service import Meaning, read_scan

router = Router(prefix="/api/v1", tags=["scans"])


@router.post("/scans")
def scan(body: ScanIn, db: Db, caller: Caller, now: Now, shared: Shared) -> ScanOut:
    """What a scanned text means, and what is known of it."""
    return scan_out(db, _reader(db, caller, body.facility, shared, now)(body.text))


@router.post("/scans/image")
def scan_image(
    file: Annotated[UploadFile, File(description="A photo: JPEG, PNG or WebP.")],
    db: Db,
    caller: Caller,
    now: Now,
    shared: Shared,
    facility: Annotated[str | None, Form(max_length=64)] = None,
) -> ScansOut:
    """The same for every code in a photo; a code that breaks the rules is told beside those that do not."""
    read = _reader(db, caller, facility, shared, now)
    return scans_out(db, ((text, _or_refusal(read, text)) for text in read_codes(file.file.read())))


def _or_refusal(read: Callable[[str], Meaning], text: str) -> Meaning | ScanUnreadable:
    try:
        return read(text)
    except ScanUnreadable as error:
        return error


def _reader(
    db: Session, caller: Principal, facility: str | None, shared: Services, now: datetime
) -> Callable[[str], Meaning]:
    at = None if facility is None else facility_by_code_or_id(db, caller, facility)
    office = ticket_office(db, shared.settings)
    return lambda text: read_scan(db, caller, text, facility=at, office=office, now=now)
