"""From a scanned text to the product and batch it names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.history import once_coded, once_expired_on
from tracker.catalog.lots import Lost, look_alikes, lost_separator, that_look_like
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.rules.barcodes import Profile, Scan, ScanError, parse_scan
from tracker.catalog.rules.lots import licence_within


class Pack(StrEnum):
    """What the code was printed on."""

    VIAL = "vial"
    BOX = "box"
    LOGISTIC = "logistic"


class Caution(StrEnum):
    """What the one who scans should know, though the code itself is good."""

    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_BATCH = "unknown_batch"
    NO_PRODUCT = "no_product"  # the text names no product at all
    SEPARATOR_MISSING = "separator_missing"  # the lot holds what should stand behind it
    OLD_LABEL = "old_label"  # it says what the catalogue said before
    EXPIRY_DIFFERS = "expiry_differs"  # the label says another day than the catalogue
    CODES_DISAGREE = "codes_disagree"  # GTIN and NIE of the label belong to different products
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A scan with what is known of it; `vials` is what the pack holds, where that is known.

    `lost` is the lot that is meant where a separator was lost, `alike` the other lots one could take for this one.
    """

    scan: Scan
    pack: Pack | None
    vials: int | None
    presentation: Presentation | None
    batch: Batch | None
    warnings: tuple[Caution, ...]
    lost: Lost | None = None
    alike: tuple[Batch, ...] = ()

    @classmethod
    def of_plain(cls, text: str) -> Resolved:
        """A text that is no code of goods."""
        scan = Scan(text=text, profile=Profile.PLAIN)
        return cls(scan=scan, pack=None, vials=None, presentation=None, batch=None, warnings=())


def resolve_scan(db: Session, text: str, *, today: date) -> Resolved:
    """What a scanned text means and what the catalogue knows of it; `today` is the local day of the place.

    Raises ScanUnreadable (with `scan_code`, `position` and the sentence in both languages).
    """
    try:
        scan = parse_scan(text, today)
    except ScanError as error:
        raise ScanUnreadable(
            field="text",
            scan_code=error.code,
            position=error.position,
            message=error.message,
            message_id=error.message_id,
        ) from None
    warnings: list[Caution] = []
    presentation = _presentation(db, scan, warnings, today)
    batch = _batch(db, scan, presentation, warnings)
    lost = None
    if batch is None and presentation is not None:
        lost = lost_separator(db, presentation.id, scan.elements, scan.expiry, today=today)
        if lost is not None:
            warnings = [each for each in warnings if each is not Caution.UNKNOWN_BATCH]
    if lost is not None or scan.swallowed:
        _warn(warnings, Caution.SEPARATOR_MISSING)
    expiry = batch.expiry if batch is not None else scan.expiry
    if expiry is not None and expiry < today:
        warnings.append(Caution.EXPIRED)
    pack, vials = _pack(db, scan, presentation)
    return Resolved(
        scan=scan,
        pack=pack,
        vials=vials,
        presentation=presentation,
        batch=batch,
        warnings=tuple(warnings),
        lost=lost,
        alike=tuple(_alike(db, scan, presentation, batch, lost, today)),
    )


def with_batch(db: Session, resolved: Resolved, batch: Batch, *, today: date) -> Resolved:
    """A plain text that turned out to be a batch's name."""
    return replace(
        resolved,
        presentation=db.get(Presentation, batch.presentation_id),
        batch=batch,
        warnings=(Caution.EXPIRED,) if batch.expiry < today else (),
        alike=tuple(look_alikes(db, [batch.id], today=today)[batch.id]),
    )


def _alike(
    db: Session, scan: Scan, presentation: Presentation | None, batch: Batch | None, lost: Lost | None, today: date
) -> list[Batch]:
    if batch is not None:
        return look_alikes(db, [batch.id], today=today)[batch.id]
    if presentation is None or scan.lot is None or lost is not None:
        return []
    return that_look_like(db, presentation.id, scan.lot)


def _presentation(db: Session, scan: Scan, warnings: list[Caution], today: date) -> Presentation | None:
    gtin = scan.gtin or scan.content_gtin
    by_gtin = by_nie = None
    if gtin is not None:
        by_gtin = db.scalar(select(Presentation).where(or_(Presentation.gtin == gtin, Presentation.box_gtin == gtin)))
        by_gtin = by_gtin or _by_former_code(db, gtin, ("gtin", "box_gtin"), warnings)
    nie = scan.nie
    if nie is None and gtin is None:
        nie = licence_within(scan.elements.get("90", ""), today)
        if nie is not None:
            warnings.append(Caution.SEPARATOR_MISSING)
    if nie is not None:
        by_nie = db.scalar(select(Presentation).where(Presentation.nie == nie))
        by_nie = by_nie or _by_former_code(db, nie, ("nie",), warnings)
    if by_gtin is not None and by_nie is not None and by_gtin.id != by_nie.id:
        warnings.append(Caution.CODES_DISAGREE)
    found = by_gtin or by_nie
    if found is None and scan.sscc is None:
        named = gtin is not None or nie is not None
        warnings.append(Caution.UNKNOWN_PRODUCT if named else Caution.NO_PRODUCT)
    return found


def _warn(warnings: list[Caution], caution: Caution) -> None:
    if caution not in warnings:
        warnings.append(caution)


def _by_former_code(db: Session, code: str, fields: tuple[str, ...], warnings: list[Caution]) -> Presentation | None:
    found = once_coded(db, code, fields)
    if found is None:
        return None
    _warn(warnings, Caution.OLD_LABEL)
    return found[0]


def _batch(db: Session, scan: Scan, presentation: Presentation | None, warnings: list[Caution]) -> Batch | None:
    if scan.lot is None or presentation is None:
        return None
    batch = db.scalar(select(Batch).where(Batch.presentation_id == presentation.id, Batch.lot == scan.lot))
    if batch is None:
        warnings.append(Caution.UNKNOWN_BATCH)
    elif scan.expiry is not None and scan.expiry != batch.expiry:
        _warn(warnings, Caution.OLD_LABEL if once_expired_on(db, batch, scan.expiry) else Caution.EXPIRY_DIFFERS)
    if batch is not None and batch.joined_into_id is not None:
        _warn(warnings, Caution.OLD_LABEL)
        return db.get_one(Batch, batch.joined_into_id)
    return batch


def _is_box(db: Session, gtin: str | None, presentation: Presentation) -> bool:
    if gtin is None or gtin == presentation.gtin:
        return False
    former = None if gtin == presentation.box_gtin else once_coded(db, gtin, ("gtin", "box_gtin"))
    return gtin == presentation.box_gtin or (former is not None and former[1] == "box_gtin")


def _pack(db: Session, scan: Scan, presentation: Presentation | None) -> tuple[Pack | None, int | None]:
    gtin = scan.gtin or scan.content_gtin
    per_unit, is_box = None, False
    if presentation is not None:
        is_box = _is_box(db, gtin, presentation)
        per_unit = presentation.vials_per_box if is_box else 1
    if scan.sscc is not None:
        # AI 37 counts the contained trade items, vials or boxes.
        known = scan.count is not None and per_unit is not None
        return Pack.LOGISTIC, (scan.count or 0) * (per_unit or 0) if known else None
    if presentation is None:
        return None, None
    return (Pack.BOX if is_box else Pack.VIAL), per_unit
