"""Use cases of this room: what the programme handles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.errors import (
    BadBands,
    BadGtin,
    BadLot,
    BadNie,
    BadPolicy,
    BatchDiffers,
    CodeTaken,
    ImplausibleExpiry,
    SeparatorMissing,
)
from tracker.catalog.events import (
    BatchAdded,
    PresentationAdded,
    PresentationChanged,
    StorageClassAdded,
    VaccineAdded,
)
from tracker.catalog.history import Correction, note_changes, once_coded, once_expired_on
from tracker.catalog.lots import lost_separator
from tracker.catalog.models import Batch, Presentation, StorageClass, Vaccine
from tracker.catalog.queries import presentation_by_ref, storage_class_by_ref, vaccine_by_ref
from tracker.catalog.rules.barcodes.digits import gtin14, is_nie
from tracker.catalog.rules.lots import PLAUSIBLE_YEARS, plausible_expiry
from tracker.catalog.rules.policy import PolicyFault
from tracker.catalog.rules.storage import Band, BandsError, VvmType, bands_to_json, check_bands
from tracker.catalog.rules.words import Cause
from tracker.feed.contract import Event
from tracker.feed.service import append
from tracker.kit.days import WESTERN, local_day
from tracker.kit.ids import uuid7

# GS1 character set 82, which may stand in AI 10.
_LOT = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def ensure_vaccine(db: Session, principal: Principal, *, code: str, name: str, now: datetime) -> Vaccine:
    """The vaccine with this code, made if there is none. Raises Forbidden, CodeTaken never."""
    principal.require(Permission.CATALOG_WRITE)
    found = db.scalar(select(Vaccine).where(Vaccine.code == code))
    if found is not None:
        return found
    vaccine = Vaccine(id=uuid7(), code=_checked_code(code), name=name)
    db.add(vaccine)
    _tell(db, VaccineAdded(vaccine_code=code), vaccine.id, now=now)
    db.flush()
    return vaccine


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStorageClass:
    """How something must be kept; `source` says where the figures come from, or that they were made up."""

    code: str
    name: str
    freeze_sensitive: bool
    shake_test_valid: bool
    vvm_type: VvmType | None
    bands: Sequence[Band]
    source: str


def ensure_storage_class(db: Session, principal: Principal, command: NewStorageClass, *, now: datetime) -> StorageClass:
    """The storage class with this code, made if there is none. Raises BadBands, Forbidden."""
    principal.require(Permission.CATALOG_WRITE)
    found = db.scalar(select(StorageClass).where(StorageClass.code == command.code))
    if found is not None:
        return found
    try:
        check_bands(command.bands)
    except BandsError as error:
        raise BadBands(field="bands", line=error.index, reason=error.reason, detail=error.detail) from None
    storage_class = StorageClass(
        id=uuid7(),
        code=_checked_code(command.code),
        name=command.name,
        freeze_sensitive=command.freeze_sensitive,
        shake_test_valid=command.shake_test_valid,
        vvm_type=command.vvm_type,
        bands=bands_to_json(command.bands),
        source=command.source,
    )
    db.add(storage_class)
    _tell(db, StorageClassAdded(storage_class_code=command.code), storage_class.id, now=now)
    db.flush()
    return storage_class


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPresentation:
    """A vaccine as it is packed; `vaccine` and `storage_class` by id or code, GTINs with 8 to 14 digits."""

    code: str
    name: str
    vaccine: str | UUID
    storage_class: str | UUID
    manufacturer: str
    doses_per_vial: int
    vials_per_box: int
    gtin: str | None = None
    box_gtin: str | None = None
    nie: str | None = None
    open_vial_hours: int | None = None
    open_vial_days: int | None = None
    uses_vvm: bool = False
    diluent: str | None = None
    synthetic: bool = False


def add_presentation(db: Session, principal: Principal, command: NewPresentation, *, now: datetime) -> Presentation:
    """Make a presentation, or answer the one that has this code and the same vaccine and doses.

    Raises VaccineNotFound, StorageClassNotFound, BadGtin, BadNie, BadPolicy, CodeTaken, Forbidden.
    """
    principal.require(Permission.CATALOG_WRITE)
    vaccine = vaccine_by_ref(db, command.vaccine)
    storage_class = storage_class_by_ref(db, command.storage_class)
    gtin, box_gtin = _checked_gtin(command.gtin, "gtin"), _checked_gtin(command.box_gtin, "box_gtin")
    _check_policy(command)
    found = db.scalar(select(Presentation).where(Presentation.code == command.code))
    if found is not None:
        if (found.vaccine_id, found.doses_per_vial, found.gtin) != (vaccine.id, command.doses_per_vial, gtin):
            raise CodeTaken(field="code", value=command.code)
        return found
    _check_codes_free(db, gtin=gtin, box_gtin=box_gtin, nie=command.nie, but_for=None)
    presentation = Presentation(
        id=uuid7(),
        code=_checked_code(command.code),
        name=command.name,
        vaccine_id=vaccine.id,
        storage_class_id=storage_class.id,
        manufacturer=command.manufacturer,
        gtin=gtin,
        box_gtin=box_gtin,
        nie=command.nie,
        doses_per_vial=command.doses_per_vial,
        vials_per_box=command.vials_per_box,
        open_vial_hours=command.open_vial_hours,
        open_vial_days=command.open_vial_days,
        uses_vvm=command.uses_vvm,
        diluent=command.diluent,
        synthetic=command.synthetic,
    )
    db.add(presentation)
    _tell(db, PresentationAdded(presentation_code=command.code), presentation.id, now=now)
    db.flush()
    return presentation


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationChange:
    """What may change once vials exist; doses per vial may not, the ledger counts by it. None leaves as it is."""

    name: str | None = None
    gtin: str | None = None
    box_gtin: str | None = None
    nie: str | None = None
    vials_per_box: int | None = None
    storage_class: str | UUID | None = None
    diluent: str | None = None
    why: Correction = made_by(default_factory=Correction)


def change_presentation(
    db: Session, principal: Principal, ref: str | UUID, command: PresentationChange, *, now: datetime
) -> Presentation:
    """Change descriptive fields and codes of a presentation; labels with a former code stay known.

    Raises CorrectionIncomplete (a code changes without a reason), PresentationNotFound, StorageClassNotFound, BadGtin, BadNie, BadPolicy, CodeTaken, Forbidden.
    """
    principal.require(Permission.CATALOG_WRITE)
    presentation = presentation_by_ref(db, ref)
    gtin, box_gtin = _checked_gtin(command.gtin, "gtin"), _checked_gtin(command.box_gtin, "box_gtin")
    _check_nie(command.nie)
    if command.vials_per_box is not None and not 1 <= command.vials_per_box <= 10_000:
        raise BadPolicy(field="vials_per_box", reason=PolicyFault.OUT_OF_RANGE, least=1, most=10_000)
    _check_codes_free(db, gtin=gtin, box_gtin=box_gtin, nie=command.nie, but_for=presentation.id)
    changes: dict[str, object | None] = {
        "name": command.name,
        "gtin": gtin,
        "box_gtin": box_gtin,
        "nie": command.nie,
        "vials_per_box": command.vials_per_box,
        "diluent": command.diluent,
    }
    if command.storage_class is not None:
        changes["storage_class_id"] = storage_class_by_ref(db, command.storage_class).id
    before = {
        name: getattr(presentation, name)
        for name, value in changes.items()
        if value is not None and getattr(presentation, name) != value
    }
    for name in before:
        setattr(presentation, name, changes[name])
    if before:
        note_changes(db, principal, presentation, before, command.why, now=now)
        told = PresentationChanged(presentation_code=presentation.code, changed=tuple(before))
        _tell(db, told, presentation.id, now=now)
        db.flush()
    return presentation


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """One lot; `presentation` by id, code, GTIN or NIE; `manufacturer` None takes the presentation's.

    `as_printed`: whoever keeps the catalogue has compared a lot that looks run together with its label.
    """

    presentation: str | UUID
    lot: str
    expiry: date
    manufacturer: str | None = None
    as_printed: bool = False


def add_batch(db: Session, principal: Principal, command: NewBatch, *, now: datetime) -> Batch:
    """Make a batch, or answer the known one. Two callers at once make one.

    A doubtful reading is refused: it would become what the whole country scans by.
    An expiry that the catalogue once said names the batch, too: labels and lists that were sent before still say it.
    Raises PresentationNotFound, BadLot, ImplausibleExpiry, SeparatorMissing, BatchDiffers (known with another
    expiry), Forbidden.
    """
    principal.require(Permission.BATCH_WRITE)
    if not _LOT.fullmatch(command.lot):
        raise BadLot(field="lot", value=command.lot[:40])
    today = local_day(now, WESTERN)
    check_expiry(command.expiry, today)
    presentation = presentation_by_ref(db, command.presentation)
    _check_run_together(db, principal, presentation.id, command, today)
    made: Batch | None = db.scalar(
        insert(Batch)
        .values(
            id=uuid7(),
            presentation_id=presentation.id,
            lot=command.lot,
            expiry=command.expiry,
            manufacturer=command.manufacturer or presentation.manufacturer,
        )
        .on_conflict_do_nothing(index_elements=[Batch.presentation_id, Batch.lot])
        .returning(Batch)
    )
    if made is not None:
        told = BatchAdded(presentation_code=presentation.code, lot=command.lot, expiry=command.expiry)
        _tell(db, told, made.id, now=now)
        return made
    found = db.scalars(select(Batch).where(Batch.presentation_id == presentation.id, Batch.lot == command.lot)).one()
    if found.expiry != command.expiry and not once_expired_on(db, found, command.expiry):
        raise BatchDiffers(field="expiry", lot=command.lot, known=found.expiry.isoformat())
    return found if found.joined_into_id is None else db.get_one(Batch, found.joined_into_id)


def check_expiry(expiry: date, today: date) -> None:
    """Raise ImplausibleExpiry for a day on which no vaccine expires."""
    if not plausible_expiry(expiry, today):
        raise ImplausibleExpiry(field="expiry", value=expiry.isoformat(), most=PLAUSIBLE_YEARS)


def _check_run_together(
    db: Session, principal: Principal, presentation_id: UUID, command: NewBatch, today: date
) -> None:
    if command.as_printed:
        principal.require(Permission.CATALOG_WRITE)
        return
    known = select(Batch.id).where(Batch.presentation_id == presentation_id, Batch.lot == command.lot)
    if db.scalar(known) is None:
        lost = lost_separator(db, presentation_id, {"10": command.lot}, command.expiry, today=today)
        if lost is not None:
            raise SeparatorMissing(field="lot", lot=command.lot, known=lost.lot)


def _tell(db: Session, event: Event, subject: UUID, *, now: datetime) -> None:
    append(db, event, unit_id=None, subject=subject, occurred_at=now, now=now)


def _checked_code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise BadPolicy(field="code", reason=PolicyFault.MALFORMED, value=code[:80])
    return code


def _checked_gtin(text: str | None, field: str) -> str | None:
    if text is None:
        return None
    gtin = gtin14(text)
    if gtin is None:
        raise BadGtin(field=field, value=text[:20])
    return gtin


def _check_nie(nie: str | None) -> None:
    if nie is not None and not is_nie(nie):
        raise BadNie(field="nie", value=nie[:20])


def _check_policy(command: NewPresentation) -> None:
    _check_nie(command.nie)
    if command.gtin is None and command.nie is None:
        raise BadPolicy(field="gtin", reason=PolicyFault.GTIN_OR_NIE)
    for field, value, most in (
        ("doses_per_vial", command.doses_per_vial, 100),
        ("vials_per_box", command.vials_per_box, 10_000),
    ):
        if not 1 <= value <= most:
            raise BadPolicy(field=field, reason=PolicyFault.OUT_OF_RANGE, least=1, most=most)
    if command.open_vial_hours is not None and command.open_vial_days is not None:
        raise BadPolicy(field="open_vial_days", reason=PolicyFault.HOURS_OR_DAYS)
    for field, limit, most in (
        ("open_vial_hours", command.open_vial_hours, 72),
        ("open_vial_days", command.open_vial_days, 28),
    ):
        if limit is not None and not 1 <= limit <= most:
            raise BadPolicy(field=field, reason=PolicyFault.OUT_OF_RANGE, least=1, most=most)
    if command.doses_per_vial > 1 and command.open_vial_hours is None and command.open_vial_days is None:
        raise BadPolicy(field="open_vial_hours", reason=PolicyFault.MULTI_DOSE_LIMIT)


def _check_codes_free(
    db: Session, *, gtin: str | None, box_gtin: str | None, nie: str | None, but_for: UUID | None
) -> None:
    # A GTIN means one thing only: a vial's may not be another product's box, nor its own.
    if gtin is not None and gtin == box_gtin:
        raise CodeTaken(field="box_gtin", value=gtin)
    for field, value, columns in (
        ("gtin", gtin, (Presentation.gtin, Presentation.box_gtin)),
        ("box_gtin", box_gtin, (Presentation.gtin, Presentation.box_gtin)),
        ("nie", nie, (Presentation.nie,)),
    ):
        if value is None:
            continue
        owner = db.scalar(select(Presentation.id).where(or_(*(column == value for column in columns))))
        if owner is None:
            # A code that was officially another product's is on its old labels for ever.
            former = once_coded(db, value, [column.key for column in columns], cause=Cause.OFFICIAL)
            owner = former[0].id if former is not None else None
        if owner is not None and owner != but_for:
            raise CodeTaken(field=field, value=value)
