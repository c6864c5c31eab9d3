"""`/katalog`: products; a product and a lot with what was said of them before; lots that look alike; `/jadwal`: the schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from dashboard.catalog.queries import look_alikes_seen, parted_at, products, rule_lines, vaccines
from dashboard.frame.newer import FIELD, changed, insist_unchanged, standing
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.rules import Permission
from tracker.catalog.correcting import BatchChange
from tracker.catalog.history import Correction, changes_of
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref, presentation_by_ref
from tracker.catalog.rules.words import Cause
from tracker.catalog.service import PresentationChange, change_presentation
from tracker.catalog.unlike import joined_into, part_lot, tell_apart
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.versions import Stale, version_of
from tracker.edge.words import Seen
from tracker.kit.days import WESTERN, local_day
from tracker.kit.errors import DomainError, NotFound
from tracker.quota.presenting import rule_command
from tracker.quota.schedule_schemas import RuleBody
from tracker.quota.service.commands import JoinLots
from tracker.quota.service.joining import join_lots
from tracker.quota.service.scheduling import add_rule
from tracker.stock.service.places import correct_batch, lock_batch

router = Router(include_in_schema=False)

Csrf = Annotated[str, Form(max_length=200)]
Text = Annotated[str, Seen, Form(max_length=200)]
Reason = Annotated[str, Seen, Form(max_length=500)]
Day = Annotated[str, Form(max_length=10)]
Number = Annotated[str, Form(max_length=6)]
_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")
_BAD_DAY = mark("Tanggal ini tidak dapat dibaca; pilih dari kalender.")
_BAD_RULE = mark("Angkanya belum mungkin: hari harus bilangan, dan paling cepat ≤ biasanya ≤ paling lambat.")
_RULE: TypeAdapter[RuleBody] = TypeAdapter(RuleBody)


@router.get("/katalog")
def show_catalog(viewer: Member, db: Db, sesudah: str = "") -> Response:
    """The products, from where the page before ended, and how many lots look alike."""
    turned = products(db, after=sesudah)
    pairs, more = look_alikes_seen(db, viewer.known())
    return page(viewer, "catalog/catalog.html", turned=turned, alike=len(pairs), more=more)


@router.get("/katalog/produk/{product}")
def show_product(product: str, viewer: Member, db: Db) -> Response:
    """One product: what the catalogue says, what it said before, and (national) a way to put it right."""
    return _product(viewer, db, presentation_by_ref(db, product))


@router.post("/katalog/produk/{product}")
def correct_product(
    *,
    product: str,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    nama: Text = "",
    gtin: Text = "",
    gtin_dus: Text = "",
    nie: Text = "",
    alasan: Reason = "",
    sumber: Text = "",
    tanggal_sumber: Day = "",
) -> Response:
    """Change its name or codes; labels with a former code stay known."""
    check_csrf(viewer, csrf)
    found = presentation_by_ref(db, product)
    problem, why = _why(alasan, sumber, tanggal_sumber)
    command = PresentationChange(
        name=nama.strip() or None,
        gtin=gtin.strip() or None,
        box_gtin=gtin_dus.strip() or None,
        nie=nie.strip() or None,
        why=why,
    )
    problem = problem or _done(db, viewer, lambda: change_presentation(db, viewer.known(), found.id, command, now=now))
    if problem:
        return _product(viewer, db, found, problem=problem)
    return RedirectResponse(f"/katalog/produk/{found.code}", status_code=303)


@router.get("/katalog/lot/{batch_id}")
def show_lot(batch_id: UUID, viewer: Member, db: Db) -> Response:
    """One lot: what the catalogue says, what it said before, and (national) a way to put it right."""
    return _lot(viewer, db, batch_by_ref(db, batch_id))


@router.post("/katalog/lot/{batch_id}")
def correct_lot(
    *,
    batch_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    kedaluwarsa: Day = "",
    pembuat: Text = "",
    alasan: Reason = "",
    sumber: Text = "",
    tanggal_sumber: Day = "",
    versi: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Put its expiry or maker right; promises, picking and alarms go by it from then on."""
    check_csrf(viewer, csrf)
    batch = batch_by_ref(db, batch_id)
    problem, why = _why(alasan, sumber, tanggal_sumber)
    expiry = _day(kedaluwarsa)
    problem = problem or (_BAD_DAY if kedaluwarsa and expiry is None else "")
    command = BatchChange(expiry=expiry, manufacturer=pembuat.strip() or None, why=why)
    wrote = {"kedaluwarsa": kedaluwarsa, "pembuat": pembuat.strip(), FIELD: versi}

    def correct() -> None:
        viewer.known().require(Permission.CATALOG_WRITE)
        insist_unchanged(wrote, _said_of(lock_batch(db, batch.id)))
        correct_batch(db, viewer.known(), batch.id, command, now=now)

    problem = problem or _done(db, viewer, correct)
    if problem:
        return _lot(viewer, db, batch, problem=problem, wrote=wrote)
    return RedirectResponse(f"/katalog/lot/{batch.id}", status_code=303)


@router.post("/katalog/lot/{batch_id}/pisah")
def part(
    *, batch_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", ejaan: Text = "", alasan: Reason = ""
) -> Response:
    """Take back that a spelling is this lot (national); then its own page says what is left to be told apart."""
    check_csrf(viewer, csrf)
    viewer.known().require(Permission.CATALOG_WRITE)
    batch = batch_by_ref(db, batch_id)
    parted: list[Batch] = []
    problem = _NO_REASON if len(alasan.strip()) < 3 else ""
    problem = problem or _done(
        db, viewer, lambda: parted.append(part_lot(db, viewer.known(), batch, ejaan, alasan, now=now))
    )
    if problem:
        return _lot(viewer, db, batch, problem=problem)
    return RedirectResponse(f"/katalog/lot/{parted[0].id}", status_code=303)


@router.get("/katalog/mirip")
def show_look_alikes(viewer: Member, db: Db) -> Response:
    """Lots that one could take for each other, and that nobody has compared."""
    return _alike(viewer, db)


@router.post("/katalog/mirip")
def confirm_apart(
    *,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    satu: Annotated[UUID | None, Form()] = None,
    lain: Annotated[UUID | None, Form()] = None,
    benar: Annotated[UUID | None, Form()] = None,
    alasan: Reason = "",
) -> Response:
    """Say that two lots are two, or (`benar`, the one that stays) one, after a look at their labels (national)."""
    check_csrf(viewer, csrf)
    viewer.known().require(Permission.CATALOG_WRITE)
    problem = _NO_REASON if len(alasan.strip()) < 3 or satu is None or lain is None else ""
    if problem or satu is None or lain is None:
        return _alike(viewer, db, problem=problem)
    if benar is None:
        tell_apart(db, viewer.known(), satu, lain, alasan, now=now)
        return RedirectResponse("/katalog/mirip", status_code=303)
    command = JoinLots(lot=str(lain if benar == satu else satu), into=str(benar), reason=alasan.strip()[:200])
    problem = _done(db, viewer, lambda: join_lots(db, viewer.known(), command, now=now))
    if problem:
        return _alike(viewer, db, problem=problem)
    return RedirectResponse(f"/katalog/lot/{benar}", status_code=303)


def _alike(viewer: Viewer, db: Session, *, problem: str = "") -> Response:
    pairs, more = look_alikes_seen(db, viewer.known())
    said = viewer.texts.gettext(problem) if problem else ""
    return page(viewer, "catalog/alike.html", status=422 if problem else 200, pairs=pairs, more=more, problem=said)


@router.get("/jadwal")
def show_schedule(viewer: Member, db: Db, vaksin: Annotated[str, Query(max_length=64)] = "") -> Response:
    """When doses are due: the rules in force, those to come and those of before."""
    viewer.known().require(Permission.QUOTA_READ)
    return _schedule(viewer, db, vaksin)


@router.post("/jadwal")
def write_rule(
    *,
    viewer: Member,
    db: Db,
    csrf: Csrf = "",
    aturan: Text = "",
    vaksin: Text = "",
    lain: Text = "",
    dosis: Number = "",
    mulai: Day = "",
    paling_cepat: Number = "",
    biasanya: Number = "",
    paling_lambat: Number = "",
    alasan: Reason = "",
) -> Response:
    """A new version of a rule, in force from its day on; what was in force before stays to be read (national)."""
    check_csrf(viewer, csrf)
    viewer.known().require(Permission.CATALOG_WRITE)
    said: dict[str, object] = {"rule": aturan, "vaccine": vaksin, "source": alasan.strip()}
    numbers = {"min_days": paling_cepat}
    if aturan == "interval":
        numbers |= {"dose": dosis, "due_days": biasanya, "max_days": paling_lambat}
        said["after"] = lain or None
    elif aturan == "age":
        numbers = {"dose": dosis, "min_months": paling_cepat}
    else:
        said["other"] = lain
    said |= {name: int(text) if text.isascii() and text.isdigit() else text for name, text in numbers.items()}
    problem = _NO_REASON if len(alasan.strip()) < 3 else _BAD_DAY if _day(mulai) is None else ""
    if not problem:
        try:
            rule = _RULE.validate_python({**said, "from_day": mulai})
        except ValidationError:
            problem = _BAD_RULE
        else:
            problem = _done(db, viewer, lambda: add_rule(db, viewer.known(), rule_command(rule)))
    if problem:
        return _schedule(viewer, db, vaksin, problem=problem)
    return RedirectResponse(f"/jadwal?vaksin={vaksin}", status_code=303)


def _why(reason: str, source: str, source_day: str) -> tuple[str, Correction]:
    """Why a fact changes; with a source it is an official change."""
    day = _day(source_day)
    problem = _NO_REASON if len(reason.strip()) < 3 else _BAD_DAY if source_day and day is None else ""
    cause = Cause.OFFICIAL if source.strip() else Cause.MISTAKE
    return problem, Correction(cause=cause, reason=reason.strip(), source=source.strip() or None, source_date=day)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _done(db: Session, viewer: Viewer, work: Callable[[], object]) -> str:
    """Do it; the sentence to show where it was not done."""
    try:
        with db.begin_nested():
            work()
    except NotFound:
        raise
    except Stale as stale:
        now = standing(stale)
        words = (viewer.texts.gettext("Kedaluwarsa"), viewer.texts.gettext("Pembuat"))
        return changed(viewer.texts, zip(words, (now["kedaluwarsa"], now["pembuat"]), strict=True))
    except DomainError as error:
        return sentence_of(error, viewer.language)
    return ""


def _product(viewer: Viewer, db: Session, found: Presentation, *, problem: str = "") -> Response:
    return page(
        viewer,
        "catalog/product.html",
        status=422 if problem else 200,
        product=found,
        changes=changes_of(db, found)[::-1],
        problem=viewer.texts.gettext(problem),
        zone=WESTERN,
    )


def _said_of(batch: Batch) -> dict[str, str]:
    """What the form of a lot shows, by field, and saves whole."""
    return {"kedaluwarsa": batch.expiry.isoformat(), "pembuat": batch.manufacturer}


def _lot(
    viewer: Viewer, db: Session, batch: Batch, *, problem: str = "", wrote: Mapping[str, str] | None = None
) -> Response:
    return page(
        viewer,
        "catalog/lot.html",
        wrote=wrote or _said_of(batch),
        version=version_of(_said_of(batch)),
        status=422 if problem else 200,
        batch=batch,
        product=db.get_one(Presentation, batch.presentation_id),
        changes=changes_of(db, batch)[::-1],
        spellings=joined_into(db, batch),
        parted=parted_at(db, viewer.known(), batch),
        problem=viewer.texts.gettext(problem),
        zone=WESTERN,
    )


def _schedule(viewer: Viewer, db: Session, chosen: str, *, problem: str = "") -> Response:
    known = vaccines(db)
    chosen = chosen if chosen in {code for code, _ in known} else (known[0][0] if known else "")
    today = local_day(viewer.now, WESTERN)
    return page(
        viewer,
        "catalog/schedule.html",
        status=422 if problem else 200,
        lines=rule_lines(db, chosen, today) if chosen else [],
        names=dict(known),
        chosen=chosen,
        choices=[(code, name, code == chosen) for code, name in known],
        problem=viewer.texts.gettext(problem),
        today=today,
    )
