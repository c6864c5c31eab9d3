"""`/perangkat` and `/perangkat/{code}`: devices, what they watched, and the way back when that was said wrongly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.devices.ports import taker_of
from dashboard.devices.queries import (
    CORRECTED,
    LETTERS,
    WATCHES,
    DevicePage,
    channel_of,
    device_page,
    devices_within,
    equipment_at,
    letters_within,
    watch_named,
)
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.telemetry.service.assigning import correct_watch
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, CorrectWatch
from tracker.telemetry.service.devices import (
    move_device,
    reinstate_device,
    renew_password,
    retire_device,
    revoke_password,
)

router = Router(include_in_schema=False)

# Sixteen megabytes are a year of minutes; what is beyond is read by one byte only, and refused for it.
MOST_BYTES = 16_000_001

Word = Annotated[str, Form(max_length=100)]
Words = Annotated[str, Seen, Form(max_length=2000)]
Csrf = Annotated[str, Form(max_length=200)]


class NothingHere(NotFound):
    """There is no such page."""

    code = "access.not_found"


@router.get("/perangkat")
def show_devices(viewer: Member, db: Db, cari: str = "", sesudah: str = "", pesan: str = "") -> Response:
    """Devices within reach, from where the page before ended, and the newest messages that could not become readings."""
    viewer.known().require(Permission.TELEMETRY_READ)
    text = cari.strip().replace("\0", "")[:100]
    total, turned = devices_within(db, viewer.known(), text, after=sesudah)
    letters = letters_within(db, viewer.known(), after=pesan)
    return page(viewer, "devices/devices.html", turned=turned, total=total, text=text, letters=letters)


@router.get("/perangkat/{code}")
def show_device(code: str, viewer: Member, db: Db, pantau: str = "", dikoreksi: str = "", pesan: str = "") -> Response:
    """One device: what it watches and watched, corrections, and what may be done to it."""
    return _device(
        viewer, device_page(db, viewer.known(), code, after={WATCHES: pantau, CORRECTED: dikoreksi, LETTERS: pesan})
    )


@router.post("/perangkat/{code}/{act}")
def act_on_device(
    code: str,
    act: str,
    viewer: Member,
    db: Db,
    now: Now,
    *,
    csrf: Csrf = "",
    alasan: Words = "",
    pantauan: Annotated[UUID | None, Form()] = None,
    kanal: Annotated[int | None, Form(ge=1, le=2**62)] = None,
    tempat: Word = "",
    unit: Word = "",
    mulai: Annotated[str, Form(max_length=30)] = "",
) -> Response:
    """Correct a watch, put a channel elsewhere, move, retire, take back, revoke or renew; see the forms."""
    check_csrf(viewer, csrf)
    who = viewer.known()
    shown = device_page(db, who, code, tempat.strip())
    password: list[str | None] = []
    acts: dict[str, Callable[[], object]] = {
        "pindah": lambda: move_device(db, who, code, unit.strip(), now=now),
        "pensiun": lambda: retire_device(db, who, code, now=now),
        "pakai": lambda: reinstate_device(db, who, code, now=now),
        "cabut": lambda: revoke_password(db, who, code, now=now),
        "sandi": lambda: password.append(renew_password(db, who, code, now=now).password),
        "koreksi": lambda: _correct(db, who, shown, pantauan, tempat.strip(), alasan.strip(), now),
        "pasang": lambda: _put(db, who, shown, kanal, tempat.strip(), mulai.strip(), now),
    }
    if act not in acts:
        raise NothingHere
    problem = _done(db, viewer, acts[act])
    if problem:
        return _device(viewer, shown, problem=problem, said=tempat)
    if password:
        answer = _device(viewer, device_page(db, who, code), password=password[0] or "")
        answer.headers["Cache-Control"] = "no-store"
        return answer
    return RedirectResponse(f"/perangkat/{shown.device.code}", status_code=303)


def _correct(
    db: Session, who: Principal, shown: DevicePage, watch: UUID | None, place: str, reason: str, now: datetime
) -> None:
    found = watch_named(db, shown.device.id, watch) if watch is not None else None
    if found is None:
        raise NothingHere
    name, quantity, at = found
    command = CorrectWatch(device=shown.device.id, name=name, quantity=quantity, equipment=place, at=at, reason=reason)
    correct_watch(db, who, command, now=now)


def _put(
    db: Session, who: Principal, shown: DevicePage, channel_id: int | None, place: str, since: str, now: datetime
) -> None:
    channel = channel_of(db, shown.device.id, channel_id) if channel_id is not None else None
    if channel is None:
        raise NothingHere
    try:
        from_at = shown.clock(datetime.fromisoformat(since)) if since else None
    except ValueError as error:
        raise NothingHere from error
    command = ChannelUse(
        device=shown.device.id,
        name=channel.name,
        quantity=channel.quantity,
        equipment=place or None,
        from_at=from_at,
    )
    use_channel(db, who, command, now=now)


def _done(db: Session, viewer: Viewer, work: Callable[[], object]) -> str:
    """Do it; the sentence to show where it was not done."""
    try:
        with db.begin_nested():
            work()
    except NothingHere:
        raise
    except DomainError as error:
        return sentence_of(error, viewer.language)
    return ""


def _device(viewer: Viewer, shown: DevicePage, *, problem: str = "", password: str = "", said: str = "") -> Response:
    return page(
        viewer,
        "devices/device.html",
        status=422 if problem else 200,
        shown=shown,
        device=shown.device,
        problem=problem,
        password=password,
        said=said,
    )


@router.get("/fasilitas/{code}/pencatat")
def show_upload(code: str, viewer: Member, db: Db) -> Response:
    """The form for a logger's file, for whoever may write telemetry there."""
    return _upload(viewer, db, code)


@router.post("/pencatat")
def take_upload(
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    *,
    berkas: Annotated[UploadFile, File()],
    fasilitas: Word = "",
    tempat: Word = "",
    csrf: Csrf = "",
) -> Response:
    """Import the file, then show what it told. At one address for all, whose bodies may be larger than a form's."""
    check_csrf(viewer, csrf)
    taker = taker_of(request)
    if taker is None:
        raise NothingHere
    facility_by_code_or_id(db, viewer.known(), fasilitas, Permission.TELEMETRY_WRITE)
    try:
        with db.begin_nested():
            done = taker(db, viewer.known(), berkas.file.read(MOST_BYTES), tempat.strip(), now)
    except DomainError as error:
        return _upload(viewer, db, fasilitas, chosen=tempat, problem=sentence_of(error, viewer.language))
    return _upload(viewer, db, fasilitas, chosen=tempat, done=done)


def _upload(
    viewer: Viewer, db: Session, code: str, *, chosen: str = "", problem: str = "", done: object = None
) -> Response:
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.TELEMETRY_READ)
    viewer.known().require(Permission.TELEMETRY_WRITE, path_of(db, facility.id))
    return page(
        viewer,
        "devices/upload.html",
        status=422 if problem else 200,
        facility=facility,
        places=equipment_at(db, facility.id, chosen),
        chosen=chosen,
        problem=problem,
        done=done,
    )
