"""`/kuota/rencana`: planning one session, with what the vials bear and what of the last one may be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from dashboard.frame.choices import Choices, Said
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.planning.holidays import holidays_between
from dashboard.planning.queries import carriers_of, facilities_to_choose, products_to_choose
from dashboard.planning.week import address_of, facility_to_plan
from dashboard.stock.forms import Fields, Typed
from tracker.access.rules import Permission
from tracker.catalog.errors import PresentationNotFound
from tracker.catalog.models import Presentation
from tracker.catalog.queries import presentation_by_ref
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.days import local_day
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.network.queries import areas_served_by, as_id, facility_by_code_or_id, path_of
from tracker.quota.errors import OtherSession
from tracker.quota.models import SessionTemplate
from tracker.quota.queries.coming import share_who_come
from tracker.quota.queries.lists import buckets_by_session
from tracker.quota.queries.numbers import Numbers, Thought, pool_numbers
from tracker.quota.rules.loss import Loss, expected_loss
from tracker.quota.rules.words import BucketKind
from tracker.quota.service.commands import NewBucket, PlanSession
from tracker.quota.service.sessions import MOST_PERSONS, plan_session, session_for
from tracker.quota.service.templates import template_for, templates_of

router = Router(include_in_schema=False)

DOSES = (1, 2, 3, 4)
KEPT_FOR = (
    BucketKind.KELURAHAN,
    BucketKind.CITY,
    BucketKind.WALK_IN,
    BucketKind.SECOND_DOSE,
    BucketKind.NAKES,
)
_NO_DAY = mark("Tulis tanggal.")
_NO_TIME = mark("Tulis jam, misalnya 08.00.")
_NO_NUMBER = mark("Tulis bilangan bulat.")
_NO_PRODUCT = mark("Pilih produk.")
_NO_DOSES = mark("Pilih paling sedikit satu dosis.")
_NO_CAPACITY = mark("Tulis berapa orang, atau berapa petugas dan berapa menit tiap orang.")
_SHARES = mark("Bersama-sama paling banyak 100 %.")
_TOLD_OTHERWISE = mark(
    "Formulir ini sudah pernah dikirim dengan isi lain. Kirim lagi hanya bila sesi ini juga diadakan."
)
# Which field of the form is meant by a fault of the use case's command.
_FIELD_OF = {
    "date": "hari",
    "from": "mulai",
    "to": "selesai",
    "capacity": "kapasitas",
    "doses": "dosis",
    "place": "tempat",
    "buckets": "bagian",
    "share": "bagian",
}
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the vials of the day bear (persons in `numbers.persons`), and what may be left of the last one."""

    product: str
    per_vial: int
    numbers: Numbers
    keeps: bool
    loss: Loss | None
    coming: float | None


# Of the form that plans a session, and keeps a pattern from it.
PLAN_FIELDS = (
    *("csrf", "nomor", "fasilitas", "pola", "hari", "mulai", "selesai", "produk", "tempat", "hitung"),
    *("kapasitas", "petugas", "menit", "bagian-{kind}", "lepas-{kind}", "nama-pola", "hari-pola"),
)
PLAN_LISTS = ("dosis", "wilayah")


@router.get("/kuota/rencana")
def show_plan(
    *,
    viewer: Member,
    db: Db,
    fasilitas: Said = "",
    hari: Said = "",
    produk: Said = "",
    seperti: Said = "",
    pola: Said = "",
) -> Response:
    """The form; `seperti` is the id of a session, `pola` of a template, to take everything but the day from."""
    facility = facility_to_plan(db, viewer, fasilitas)
    if isinstance(facility, Choices):
        offered = facilities_to_choose(db, viewer.known(), fasilitas)
        return page(viewer, "planning/plan.html", facility=None, facilities=offered, said=fasilitas)
    like, pattern = as_id(seperti), as_id(pola)
    values = {"mulai": "08:00", "selesai": "12:00", "dosis": "1"}
    if like is not None:
        values = _like(db, viewer, facility, like)
    elif pattern is not None:
        values = _patterned(db, template_for(db, viewer.known(), pattern, Permission.QUOTA_READ))
    day = hari or local_day(viewer.now, facility.timezone).isoformat()
    areas = values.pop("wilayah", "").split()
    return form_of(
        db, viewer, facility, Typed({**values, "hari": day, **({"produk": produk} if produk else {})}), areas=areas
    )


@router.post("/kuota/rencana")
@takes_fields(*PLAN_FIELDS, lists=PLAN_LISTS)
def plan(*, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Plan it, once however often the form is sent; `hitung` only reckons what it would mean."""
    typed = typed_plan(fields)
    check_csrf(viewer, typed.get("csrf"))
    facility = facility_by_code_or_id(db, viewer.known(), typed.get("fasilitas"), Permission.QUOTA_READ)
    command = command_of(viewer, facility, typed, [str(area) for area in fields.getlist("wilayah")])
    if command is None or typed.get("hitung"):
        return form_of(db, viewer, facility, typed, planned=command, areas=fields.getlist("wilayah"))
    try:
        with db.begin_nested():
            plan_session(db, viewer.known(), command, now=now)
    except OtherSession:
        typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_TOLD_OTHERWISE)})
    except DomainError as error:
        typed.faults[fault_of(error)] = sentence_of(error, viewer.language)
    else:
        return RedirectResponse(f"{address_of(facility, command.day)}#h-{command.day.isoformat()}", status_code=303)
    return form_of(db, viewer, facility, typed, planned=command, areas=fields.getlist("wilayah"))


def typed_plan(fields: FormData) -> Typed:
    """The form, its doses as one text."""
    typed = Typed.of(fields)
    return Typed({**typed.values, "dosis": ",".join(str(value) for value in fields.getlist("dosis"))[:20]})


def fault_of(error: DomainError) -> str:
    """Which field of the form is at fault; "" for the whole."""
    if isinstance(error, PresentationNotFound):
        return "produk"
    return _FIELD_OF.get(str(error.params.get("field")), "")


def command_of(viewer: Viewer, facility: Facility, typed: Typed, areas: list[str]) -> PlanSession | None:
    """What is asked for; None where a field says what it cannot mean."""
    texts = viewer.texts

    def read(field: str, how: Callable[[str], Value], fault: str, otherwise: Value) -> Value:
        try:
            return how(typed.get(field))
        except ValueError:
            typed.faults[field] = texts.gettext(fault)
            return otherwise

    day = read("hari", date.fromisoformat, _NO_DAY, date.min)
    opens = read("mulai", time.fromisoformat, _NO_TIME, time.min)
    closes = read("selesai", time.fromisoformat, _NO_TIME, time.min)
    doses = tuple(int(dose) for dose in typed.get("dosis").split(",") if dose.isascii() and dose.isdigit())
    if not doses:
        typed.faults["dosis"] = texts.gettext(_NO_DOSES)
    if not typed.get("produk"):
        typed.faults["produk"] = texts.gettext(_NO_PRODUCT)
    capacity = _capacity(viewer, typed, opens, closes)
    buckets = _buckets(viewer, typed, datetime.combine(day, opens, ZoneInfo(facility.timezone)))
    if typed.faults:
        return None
    return PlanSession(
        id=typed.number(),
        facility=facility.id,
        day=day,
        opens=opens,
        closes=closes,
        presentation=typed.get("produk"),
        doses=doses,
        capacity=capacity,
        buckets=buckets,
        place=typed.get("tempat") or None,
        areas=tuple(areas),
    )


def _capacity(viewer: Viewer, typed: Typed, opens: time, closes: time) -> int:
    """How many persons: as typed, else as many as the staff can serve in the hours."""
    said = {name: typed.get(name) for name in ("kapasitas", "petugas", "menit")}
    numbers = {}
    for name, text in said.items():
        if text and not (text.isascii() and text.isdigit() and len(text) < 7):
            typed.faults[name] = viewer.texts.gettext(_NO_NUMBER)
        elif text:
            numbers[name] = int(text)
    if numbers.get("kapasitas"):
        return numbers["kapasitas"]
    if numbers.get("petugas") and numbers.get("menit"):
        minutes = (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
        return min(MOST_PERSONS, max(1, numbers["petugas"] * (minutes // numbers["menit"])))
    if not {"kapasitas", "petugas", "menit"} & typed.faults.keys():
        typed.faults["kapasitas"] = viewer.texts.gettext(_NO_CAPACITY)
    return 1


def _buckets(viewer: Viewer, typed: Typed, opens_at: datetime) -> tuple[NewBucket, ...]:
    """The shares in per cent, and how many hours before the beginning what is left of each is for anybody."""
    found, whole = [], 0
    for kind in KEPT_FOR:
        share, hours = typed.get(f"bagian-{kind}"), typed.get(f"lepas-{kind}")
        wrong = [
            field
            for field, text, most in ((f"bagian-{kind}", share, 100), (f"lepas-{kind}", hours, 2_000))
            if text and not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= most)
        ]
        typed.faults |= {field: viewer.texts.gettext(_NO_NUMBER) for field in wrong}
        if wrong or not share or not int(share):
            continue
        whole += int(share)
        release = opens_at - timedelta(hours=int(hours)) if hours and opens_at.year > 1 else None
        found.append(NewBucket(kind=kind.value, share=int(share) / 100, release_at=release))
    if whole > 100:
        typed.faults["bagian"] = viewer.texts.gettext(_SHARES)
    return tuple(found)


def _like(db: Session, viewer: Viewer, facility: Facility, session_id: UUID) -> dict[str, str]:
    """The form as a session stands; raises SessionNotFound."""
    session = session_for(db, viewer.known(), session_id, Permission.QUOTA_READ)
    zone = ZoneInfo(facility.timezone)
    values = {
        "mulai": session.opens_at.astimezone(zone).strftime("%H:%M"),
        "selesai": session.closes_at.astimezone(zone).strftime("%H:%M"),
        "produk": db.get_one(Presentation, session.presentation_id).code,
        "dosis": ",".join(str(dose) for dose in session.doses),
        "kapasitas": str(session.capacity),
        "tempat": "" if session.place_id is None else db.get_one(Equipment, session.place_id).code,
    }
    for bucket in buckets_by_session(db, [session_id])[session_id]:
        if bucket.kind in KEPT_FOR:
            values[f"bagian-{bucket.kind}"] = str(round(100 * bucket.places / session.capacity))
            if bucket.release_at:
                values[f"lepas-{bucket.kind}"] = str(round((session.opens_at - bucket.release_at) / timedelta(hours=1)))
    return values


def _patterned(db: Session, template: SessionTemplate) -> dict[str, str]:
    """The form as a template stands."""
    values = {
        "pola": str(template.id),
        "nama-pola": template.name,
        "hari-pola": "1" if template.weekday else "",
        "mulai": f"{template.opens:%H:%M}",
        "selesai": f"{template.closes:%H:%M}",
        "produk": db.get_one(Presentation, template.presentation_id).code,
        "dosis": ",".join(str(dose) for dose in template.doses),
        "kapasitas": str(template.capacity),
        "tempat": "" if template.place_id is None else db.get_one(Equipment, template.place_id).code,
        "wilayah": " ".join(template.areas or ()),
    }
    for kind, kept in template.buckets.items():
        share = kept["share"] if kept["share"] <= 1 else kept["share"] / template.capacity
        values[f"bagian-{kind}"] = str(round(100 * share))
        if kept["release_hours"] is not None:
            values[f"lepas-{kind}"] = str(kept["release_hours"])
    return values


def _offered(db: Session, facility: Facility, day: date | None) -> list[SessionTemplate]:
    """Templates that are for this weekday or for any."""
    weekday = None if day is None else day.isoweekday()
    return [one for one in templates_of(db, facility.id) if one.weekday in (None, weekday)]


def form_of(
    db: Session,
    viewer: Viewer,
    facility: Facility,
    typed: Typed,
    *,
    planned: PlanSession | None = None,
    areas: object = (),
) -> Response:
    viewer.known().require(Permission.SESSION_WRITE, path_of(db, facility.id))
    products = products_to_choose(db, facility.id, typed.get("produk"))
    day = _day_of(typed)
    return page(
        viewer,
        "planning/plan.html",
        status=422 if typed.faults else 200,
        facility=facility,
        products=products,
        carriers=carriers_of(db, facility.id),
        served=areas_served_by(db, facility),
        chosen_areas=areas,
        doses=DOSES,
        chosen_doses=[int(dose) for dose in typed.get("dosis").split(",") if dose.isascii() and dose.isdigit()],
        kept_for=KEPT_FOR,
        shares_open=any(name.startswith(("bagian", "lepas")) for name in typed.faults),
        holiday=None if day is None else holidays_between(day, day, viewer.language).get(day),
        day=day,
        patterns=_offered(db, facility, day),
        pattern_open=bool({"nama-pola"} & typed.faults.keys()),
        advice=_advice(db, viewer, facility, typed, day, planned),
        planned=planned,
        number=typed.number(),
        typed=typed,
    )


def _day_of(typed: Typed) -> date | None:
    try:
        return date.fromisoformat(typed.get("hari"))
    except ValueError:
        return None


def _advice(
    db: Session, viewer: Viewer, facility: Facility, typed: Typed, day: date | None, planned: PlanSession | None
) -> Advice | None:
    """What the vials bear on that day; None while the day or the product is not known."""
    if day is None or not typed.get("produk") or "produk" in typed.faults:
        return None
    try:
        product = presentation_by_ref(db, typed.get("produk"))
    except DomainError:
        return None
    place = next((one.id for one in carriers_of(db, facility.id) if one.code == typed.get("tempat")), None)
    thought = Thought(facility_id=facility.id, presentation_id=product.id, place_id=place, day=day)
    coming = share_who_come(db, facility.id, viewer.now)
    keeps = product.open_vial_days is not None
    return Advice(
        product=product.name,
        per_vial=product.doses_per_vial,
        numbers=pool_numbers(db, [thought], viewer.now)[thought.id],
        keeps=keeps,
        loss=None
        if planned is None or keeps or product.doses_per_vial == 1
        else expected_loss(planned.capacity, product.doses_per_vial, coming),
        coming=coming,
    )
