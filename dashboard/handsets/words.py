"""What a phone wrote down, in words a person can compare with the shelf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.frame.texts import mark
from dashboard.stock.forms import Typed
from tracker.shipments.rules.words import OtherLot

KIND = {
    "stock.event": mark("Gerakan stok"),
    "stock.count": mark("Hitungan"),
    "stock.reversal": mark("Pembatalan gerakan"),
    "stock.discard": mark("Sisa vial dibuang"),
    "stock.take_back": mark("Dosis dikembalikan ke vial"),
    "shipment.create": mark("Permintaan kiriman"),
    "shipment.tell": mark("Kiriman tanpa kabar"),
    "shipment.confirm": mark("Konfirmasi kiriman tanpa kabar"),
    "shipment.approve": mark("Persetujuan kiriman"),
    "shipment.take_approval_back": mark("Pembatalan persetujuan"),
    "shipment.cancel": mark("Pembatalan kiriman"),
    "shipment.pack": mark("Pengemasan"),
    "shipment.dispatch": mark("Keberangkatan kiriman"),
    "shipment.receipt": mark("Penerimaan kiriman"),
    "shipment.receipt_reversal": mark("Pembatalan penerimaan"),
    "shipment.unpack": mark("Pembongkaran kotak"),
    "shipment.return": mark("Kiriman kembali"),
    "booking.arrive": mark("Kedatangan di meja"),
    "booking.screen": mark("Skrining di meja"),
    "booking.vaccinate": mark("Vaksinasi"),
    "session.walk_in": mark("Datang tanpa janji"),
}
AMOUNT = {
    "vials": mark("vial"),
    "accepted": mark("baik"),
    "rejected": mark("ditolak"),
    "missing": mark("hilang"),
    "surplus": mark("lebih"),
    "doses": mark("dosis"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a step: what of, where, and its amounts, each with the name its field has in a form."""

    goods: str
    batch: str | None
    place: str | None
    to_place: str | None
    reason: str | None
    amounts: tuple[tuple[str, str, int], ...]
    """(field of the form, word, number)"""
    other_lot: str | None
    """The field that asks why these go though it is another lot's turn; None where nothing is packed."""


def lines_of(body: Mapping[str, Any]) -> list[Line]:
    """The lines of a step's body; what is no line of ours (a phone's fault) shows nothing."""
    return [
        Line(
            goods=str(line.get("batch") or line.get("barcode") or line.get("product") or line.get("order_line") or "–")[
                :80
            ],
            batch=_word(line, "batch") or _word(line, "order_line"),
            place=_word(line, "place"),
            to_place=_word(line, "to_place"),
            reason=_word(line, "reason"),
            other_lot=f"lot-{index}" if isinstance(body.get("boxes"), list) else None,
            amounts=tuple((f"jumlah-{index}-{key}", key, line[key]) for key in AMOUNT if _is_amount(line, key)),
        )
        for index, line in _lines(body)
    ]


SET_ASIDE = {"kesampingkan": "override", "lebih": "extra"}
"""A form's field for a field of a dose: what speaks against it is set aside, or it is one more than the vial should hold."""
TIMES = ("occurred_at", "counted_at")
"""Where a step says when it happened: a phone whose clock was wrong said it wrong."""


def time_of(body: Mapping[str, Any], zone: str) -> str:
    """When a step says it happened, as a form's field takes it; nothing where it says no time."""
    for key in TIMES:
        try:
            return datetime.fromisoformat(body[key]).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return ""


def corrected(body: Mapping[str, Any], typed: Typed, zone: str, texts: Any) -> dict[str, Any] | None:
    """The body with the amounts, the reasons for other lots and the time of a form; None where one is no amount, or no time.

    What is no amount is a fault of its field.

    A time that was left as it stood stays to the second. What is said for the decision says a reason that has no word of its own.
    """
    changed, said = deepcopy(dict(body)), typed.values
    lines = list(_lines(changed))
    for index, line in lines:
        reason = said.get(f"lot-{index}")
        if reason in set(OtherLot):
            line["reason"] = reason
            if reason == OtherLot.OTHER:
                line["note"] = said.get("alasan", "")
        for key in AMOUNT:
            field = f"jumlah-{index}-{key}"
            if field in said and _is_amount(line, key):
                line[key] = typed.amount(field, texts)
    if typed.faults:
        return None
    if isinstance(changed.get("vials"), dict):
        changed["vials"] = {line["order_line"]: line["vials"] for _, line in lines}
    if said.get("vial") and "open_vial" in changed:
        changed["open_vial"] = said["vial"]
    # The word for the decision is the word for what is set aside, too.
    changed |= {key: said.get("alasan", "") for field, key in SET_ASIDE.items() if said.get(field)}
    return _at_time(changed, said.get("waktu"), zone)


def _at_time(body: dict[str, Any], typed: str | None, zone: str) -> dict[str, Any] | None:
    if not typed or typed == time_of(body, zone):
        return body
    try:
        happened = datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(zone)).isoformat()
    except ValueError:
        return None
    return body | {key: happened for key in TIMES if key in body}


def _lines(body: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines, those of all boxes among them, with the number under which a form names them; a step without lines is one itself."""
    lines, boxes = body.get("lines"), body.get("boxes")
    if isinstance(boxes, list):
        inside = [box.get("lines") for box in boxes if isinstance(box, dict)]
        lines = [line for each in inside if isinstance(each, list) for line in each]
    if isinstance(body.get("vials"), dict):
        # Of an approval: by the line of the order, whose product the house knows.
        yield from ((index, line) for index, line in enumerate(_approved(body["vials"])))
        return
    found = lines if isinstance(lines, list) else [body]
    yield from ((index, line) for index, line in enumerate(found) if isinstance(line, dict))


def _approved(vials: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"order_line": line, "vials": number} for line, number in vials.items()]


def _word(line: Mapping[str, Any], key: str) -> str | None:
    value = line.get(key)
    return value[:80] if isinstance(value, str) else None


def _is_amount(line: Mapping[str, Any], key: str) -> bool:
    return isinstance(line.get(key), int) and not isinstance(line.get(key), bool)


_SYSTEMS = r"Android[^;)]*(?:; (?!K\b|rv:)[^;)]+)?", "iPhone", "iPad", "Windows", "Macintosh", "CrOS", "Linux"
_BROWSERS = "Firefox", "Edg", "OPR", "SamsungBrowser", "Chrome"
_CALLED = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Macintosh": "Mac",
    "CrOS": "Chromebook",
}


def phone_name(told: str) -> str:
    """What a phone calls itself, short: of a browser's long line the system, with the model where it is told, and the browser."""
    if not told.startswith("Mozilla/"):
        return told
    found = [next((hit[0] for each in kinds if (hit := re.search(each, told))), "") for kinds in (_SYSTEMS, _BROWSERS)]
    names = [_CALLED.get(each, " ".join(each.replace(";", "").split())) for each in found if each]
    return " · ".join(names) or told
