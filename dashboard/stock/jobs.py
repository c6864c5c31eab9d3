"""`/stok/{code}/kerja/{job}`: what hands do with vials of a store: move them, take them out and bring them back, open, throw away, free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import HTTPException, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dashboard.frame.choices import UNKNOWN, Said, choices, known
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import OF_BATCH, Fields, Typed, field_of, record_once
from dashboard.stock.freeing import freed_elsewhere
from dashboard.stock.shelf import parcels_in, places_with_stock, products_in
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.network.rules.words import CARRIERS, EquipmentKind
from tracker.stock.errors import OtherContent, UseHold
from tracker.stock.models import OpenVial
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.witnesses import WITNESSES, Witness
from tracker.stock.rules.words import Kind, Status, WasteReason
from tracker.stock.service.commands import RecordEvent

router = Router(include_in_schema=False)

MOST_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One kind of work: the event it ends in, its words, and what its form asks for besides vials.

    `to`: which places vials may go to, None where they leave the store. `out_of_carriers`: they come from a carrier alone.
    `becomes`: the status they get; that is said with a reason in words. `right`: what one must be allowed besides writing here.
    """

    kind: Kind
    title: str
    verb: str
    hint: str
    to: frozenset[EquipmentKind] | None = None
    out_of_carriers: bool = False
    statuses: frozenset[Status] = frozenset(Status)
    reasons: tuple[str, ...] = ()
    witnesses: int = 0
    becomes: Status | None = None
    right: Permission = Permission.STOCK_WRITE


JOBS: dict[str, Job] = {
    "pindah": Job(
        kind=Kind.TRANSFER,
        title=mark("Simpan atau pindahkan"),
        verb=mark("Catat pemindahan"),
        hint=mark("Tulis berapa vial yang dipindahkan."),
        to=frozenset(EquipmentKind) - frozenset(CARRIERS),
    ),
    "lapangan": Job(
        kind=Kind.TRANSFER,
        title=mark("Bawa ke lapangan"),
        verb=mark("Catat yang dibawa"),
        hint=mark("Tulis berapa vial yang masuk ke kotak dingin."),
        to=frozenset(CARRIERS),
        statuses=frozenset({Status.USABLE}),
    ),
    "kembali": Job(
        kind=Kind.RETURN,
        title=mark("Kembali dari lapangan"),
        verb=mark("Catat yang kembali"),
        hint=mark("Tulis berapa vial tertutup yang dibawa pulang."),
        to=frozenset(EquipmentKind) - frozenset(CARRIERS),
        out_of_carriers=True,
    ),
    "buka": Job(
        kind=Kind.OPENING,
        title=mark("Buka vial"),
        verb=mark("Buka vial"),
        hint=mark("Tulis berapa vial yang dibuka. Dari tiap produk, yang teratas lebih dahulu."),
        statuses=frozenset({Status.USABLE}),
    ),
    "buang": Job(
        kind=Kind.WASTE,
        title=mark("Buang vial tertutup"),
        verb=mark("Catat yang dibuang"),
        hint=mark("Tulis berapa vial yang dibuang, lalu alasannya."),
        reasons=tuple(reason.value for reason in WasteReason),
    ),
    "musnah": Job(
        kind=Kind.DESTRUCTION,
        title=mark("Musnahkan"),
        verb=mark("Catat pemusnahan"),
        hint=mark("Tulis berapa vial yang dimusnahkan, dan siapa kedua saksinya."),
        statuses=frozenset(Status) - {Status.USABLE},
        witnesses=WITNESSES,
    ),
    "lepas": Job(
        kind=Kind.STATUS,
        title=mark("Lepaskan yang ditahan"),
        verb=mark("Lepaskan"),
        hint=mark("Tulis berapa vial yang boleh dipakai lagi, lalu alasannya."),
        statuses=frozenset({Status.HELD}),
        becomes=Status.USABLE,
        right=Permission.HOLD_RELEASE,
    ),
}
_NOTHING = mark("Tulis jumlah vial pada paling sedikit satu baris.")
_NO_TARGET = mark("Pilih tempat tujuannya.")
_NO_REASON = mark("Pilih alasannya.")
_NO_WHY = mark("Tulis alasannya, supaya yang lain mengerti.")
_TOLD_OTHERWISE = mark(
    "Formulir ini sudah pernah dikirim dengan isi lain, dan isi itu tercatat. Periksa kartu stok; kirim lagi hanya bila"
    " yang ini juga terjadi."
)


_FORM = (
    *("csrf", "nomor", "tempat", "produk", "ke", "alasan", "waktu", "catatan"),
    *("saksi-{n}", "jabatan-{n}", OF_BATCH),
)


@router.get("/stok/{code}/kerja/{job}")
def show_job(
    *, code: str, job: str, viewer: Member, db: Db, tempat: Said = "", produk: Said = "", alasan: Said = ""
) -> Response:
    """The form of one kind of work: what lies in a place, and room for a number beside each line; `alasan` is chosen already."""
    facility = _store(db, viewer, code, _job(job))
    return _form(viewer, db, facility, job, Typed({"tempat": tempat, "produk": produk, "alasan": alasan}))


@router.post("/stok/{code}/kerja/{job}")
@takes_fields(*_FORM)
def do_job(*, code: str, job: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Record it; what is wrong stands beside its field, and the rest stays as it was typed."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    asked = _job(job)
    facility = _store(db, viewer, code, asked)
    command, lines = _command(viewer, facility, asked, typed, now)
    if asked.becomes:
        _check_freed(db, viewer, facility, typed, dict(zip(lines, command.lines, strict=True)))
    if typed.get("ke") and not known(db, _targets(facility, asked, None), Equipment, [typed.get("ke")]):
        typed.faults["ke"] = viewer.texts.gettext(UNKNOWN)
    if not typed.faults:
        try:
            posted = record_once(db, viewer.known(), command, now=now)
        except NotFound:
            raise
        except OtherContent:
            typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_TOLD_OTHERWISE)})
        except DomainError as error:
            typed.faults[_field_of(error, lines)] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(_after(db, facility, asked, posted.event_id), status_code=303)
    return _form(viewer, db, facility, job, typed)


def _store(db: Session, viewer: Viewer, code: str, job: Job) -> Facility:
    """The facility, for who may do that there; raises FacilityNotFound, Forbidden."""
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    path = path_of(db, facility.id)
    for right in (Permission.STOCK_WRITE, job.right):
        viewer.known().require(right, path)
    return facility


def _job(name: str) -> Job:
    if name not in JOBS:
        raise HTTPException(404)
    return JOBS[name]


def _command(
    viewer: Viewer, facility: Facility, job: Job, typed: Typed, now: datetime
) -> tuple[RecordEvent, Sequence[str]]:
    """What the form says, and the field of each of its lines; what is missing becomes a fault."""
    texts = viewer.texts
    target, reason = typed.get("ke"), typed.get("alasan")
    found = [
        (
            name,
            NamedLine(
                batch_id=Reference(str(batch_id)),
                vials=vials,
                place_id=Reference(typed.get("tempat")),
                to_place_id=Reference(target) if job.to and target else None,
                status=status or Status.USABLE,
                to_status=job.becomes,
                reason=reason if reason and (job.reasons or job.becomes) else None,
            ),
        )
        for name, batch_id, status, vials in typed.amounts(texts)
        if vials
    ]
    if not found and not typed.faults:
        typed.faults[""] = texts.gettext(_NOTHING)
    if job.to and not target:
        typed.faults["ke"] = texts.gettext(_NO_TARGET)
    if job.reasons and reason not in job.reasons:
        typed.faults["alasan"] = texts.gettext(_NO_REASON)
    if job.becomes and not reason:
        typed.faults["alasan"] = texts.gettext(_NO_WHY)
    command = RecordEvent(
        id=typed.number(),
        kind=job.kind,
        facility=facility.code,
        occurred_at=typed.moment("waktu", facility.timezone, now, texts),
        lines=tuple(line for _, line in found),
        reason=typed.get("catatan") or None,
        witnesses=tuple(
            Witness(name=typed.get(f"saksi-{one}"), position=typed.get(f"jabatan-{one}") or None)
            for one in range(1, job.witnesses + 1)
            if typed.get(f"saksi-{one}")
        ),
    )
    return command, [name for name, _ in found]


def _check_freed(db: Session, viewer: Viewer, facility: Facility, typed: Typed, lines: Mapping[str, NamedLine]) -> None:
    """What a hold or a recall keeps is decided there: a fault beside each such line."""
    place = db.scalar(
        select(Equipment).where(Equipment.facility_id == facility.id, Equipment.code == typed.get("tempat"))
    )
    batches = {UUID(line.batch_id.text): field for field, line in lines.items()}
    for batch_id in freed_elsewhere(db, facility, place, batches) if place else ():
        typed.faults[batches[batch_id]] = sentence_of(UseHold(), viewer.language)


_FIELDS = {"to_place": "ke", "witnesses": "saksi-1", "reason": "alasan", "occurred_at": "waktu"}


def _field_of(error: DomainError, lines: Sequence[str]) -> str:
    """Beside which field a refusal belongs: its own, else that of its line, else the whole form."""
    field = _FIELDS.get(str(error.params.get("field", "")))
    line = error.params.get("line")
    if field:
        return field
    return lines[line] if isinstance(line, int) and line < len(lines) else ""


def _after(db: Session, facility: Facility, job: Job, event_id: UUID) -> str:
    """Where the work goes on: the vial that was opened, else what was written down, with the way back from it."""
    opened = db.scalars(select(OpenVial.id).where(OpenVial.event_id == event_id).limit(2)).all()
    if job.kind is Kind.OPENING and len(opened) == 1:
        return f"/vial/{opened[0]}"
    return f"/stok/{facility.code}/gerakan/{event_id}?baru=1"


def _form(viewer: Viewer, db: Session, facility: Facility, name: str, typed: Typed) -> Response:
    job = _job(name)
    said = typed.get("tempat")
    stocked = places_with_stock(facility.id, job.statuses)
    if job.out_of_carriers:
        stocked = stocked.where(Equipment.kind.in_(CARRIERS))
    places = choices(db, stocked, Equipment, said=said)
    place = known(db, stocked, Equipment, [said]).get(said) or places.only
    product = typed.get("produk")
    parcels, total = (
        parcels_in(db, facility, place, job.statuses, viewer.now, product=product, limit=MOST_LINES)
        if place is not None
        else ([], 0)
    )
    elsewhere = (
        freed_elsewhere(db, facility, place, {parcel.batch_id for parcel in parcels}) if place and job.becomes else {}
    )
    path, hidden = path_of(db, facility.id), total - len(parcels)
    return page(
        viewer,
        "stock/job.html",
        status=422 if typed.faults else 200,
        facility=facility,
        job=job,
        name=name,
        number=typed.number(),
        places=places,
        said=said,
        place=place,
        parcels=[
            (field_of(parcel.batch_id, parcel.status), parcel, elsewhere.get(parcel.batch_id)) for parcel in parcels
        ],
        free=hidden > 0 or any(parcel.batch_id not in elsewhere for parcel in parcels),
        ships=viewer.may(Permission.SHIPMENT_WRITE, path),
        frees=viewer.may(Permission.HOLD_RELEASE, path),
        hidden=hidden,
        products=products_in(db, facility, place, product) if place and (total > len(parcels) or product) else None,
        targets=choices(db, _targets(facility, job, place), Equipment, said=typed.get("ke")),
        typed=typed,
    )


def _targets(facility: Facility, job: Job, place: Equipment | None) -> Select[Equipment]:
    """Where vials may go from this place: equipment of the store that is in service."""
    query = select(Equipment).where(
        Equipment.facility_id == facility.id, Equipment.kind.in_(job.to or ()), Equipment.in_service
    )
    return query if place is None else query.where(Equipment.id != place.id)
