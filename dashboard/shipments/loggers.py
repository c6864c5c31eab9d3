"""Temperature loggers in the boxes: their numbers as a form says them, and what is odd about one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.frame.texts import mark
from dashboard.frame.viewer import Viewer
from dashboard.shipments.ends import Ends
from dashboard.stock.forms import Typed, label_or_lot
from tracker.catalog.rules.barcodes import ScanError, parse_scan
from tracker.kit.days import earliest_day
from tracker.shipments.presenting import loggers_out
from tracker.shipments.schemas import LoggerOut
from tracker.telemetry.models import Device

TICKED = "pencatat-ada-"
_OF_OTHER = mark(
    "Menurut surat, pencatat suhu %(number)s ikut kiriman %(code)s: mungkin kotaknya tertukar. Periksa isi kotak itu."
)
_OF_UNSEEN = mark(
    "Menurut surat, pencatat suhu %(number)s ikut kiriman lain: mungkin kotaknya tertukar. Tanyakan kepada pengirim."
)
_UNKNOWN = mark(
    "Pencatat suhu %(number)s tidak ada di surat dan tidak terdaftar. Periksa nomornya,"
    " atau minta pengirim mendaftarkannya di halaman Perangkat."
)
_SURE = mark("Kirim sekali lagi bila memang nomor itu yang ada di dalam kotak, atau kosongkan.")


def number_of(viewer: Viewer, text: str) -> str | None:
    """The number of a logger that a field holds: the serial of a scanned label, else as it was typed; None for an empty field."""
    label, typed = label_or_lot(text)
    if label is None:
        return typed or None
    try:
        return parse_scan(label, earliest_day(viewer.now)).serial or label
    except ScanError:
        return label


def loggers_of(db: Session, viewer: Viewer, ends: Ends, typed: Typed) -> tuple[str, ...]:
    """The loggers that a receipt names. An odd one is asked about once, beside its field: who sends it again means it."""
    ticked = [value for name, value in typed.values.items() if name.startswith(TICKED) and value]
    other = number_of(viewer, typed.get("pencatat"))
    if other is None:
        return tuple(ticked)
    if other != typed.get("pencatat-dilihat") and not typed.faults:
        odd = oddities(db, viewer, loggers_out(db, viewer.known(), ends.shipment.id, [other])).get(other)
        if odd:
            typed.faults["pencatat"] = f"{odd} {viewer.texts.gettext(_SURE)}"
            typed.values = {**typed.values, "pencatat-dilihat": other}
    return (*ticked, other)


def oddities(db: Session, viewer: Viewer, loggers: Iterable[LoggerOut]) -> Mapping[str, str]:
    """By number what is odd about a logger that is not on the note of the shipment in whose box it lay."""
    said = {each.number: _whose(viewer, each) for each in loggers if not each.on_note}
    strangers = {number.lower(): number for number, odd in said.items() if odd is None}
    known = _known(db, strangers)
    unknown = viewer.texts.gettext(_UNKNOWN)
    nobody = {number: unknown % {"number": number} for low, number in strangers.items() if low not in known}
    return {**{number: odd for number, odd in said.items() if odd}, **nobody}


def _whose(viewer: Viewer, logger: LoggerOut) -> str | None:
    if not logger.elsewhere:
        return None
    said = viewer.texts.gettext(_OF_OTHER if logger.of_shipment else _OF_UNSEEN)
    return said % {"number": logger.number, "code": logger.of_shipment}


def _known(db: Session, numbers: Iterable[str]) -> set[str]:
    """Which of these, in small letters, a device has as its code or its serial."""
    wanted = sorted(numbers)
    if not wanted:
        return set()
    code, serial = func.lower(Device.code), func.lower(Device.serial)
    return {low for row in db.execute(select(code, serial).where(code.in_(wanted) | serial.in_(wanted))) for low in row}
