"""Wire shapes from what was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.presenting import batch_of, product_of
from tracker.catalog.scanning import Resolved
from tracker.scans.schemas import ExpiryOut, LyingOut, OpenedOut, ScanMeaning, ScanOut, ScansOut
from tracker.scans.service import Meaning, Opened


def scan_out(db: Session, found: Meaning) -> ScanOut:
    """What a scanned text means, and what is known of it."""
    resolved, said = found.resolved, found.resolved.scan
    meant = None if resolved.lost is None else resolved.lost.batch
    return ScanOut(
        scan=ScanMeaning(**{name: getattr(said, name) for name in ScanMeaning.model_fields}),
        pack=resolved.pack,
        vials=resolved.vials,
        product=None if resolved.presentation is None else product_of(db, resolved.presentation),
        batch=None if resolved.batch is None else batch_of(db, resolved.batch),
        begins_with=None if meant is None else batch_of(db, meant),
        expiry=_expiry(resolved),
        here=[LyingOut(**{name: getattr(each, name) for name in LyingOut.model_fields}) for each in found.lying],
        recall=found.recalled_because,
        opens=None if found.opened is None else _opened(found.opened),
        verdict=found.verdict,
        warnings=list(found.warnings),
    )


def _expiry(resolved: Resolved) -> ExpiryOut | None:
    label, known = resolved.scan.expiry, resolved.batch.expiry if resolved.batch is not None else None
    if label is None and known is None:
        return None
    return ExpiryOut(label=label, catalogue=known, rules="label" if known is None else "catalogue")


def _opened(opened: Opened) -> OpenedOut:
    ticket = opened.ticket
    return OpenedOut(
        thing=opened.thing,
        ref=opened.ref,
        name=opened.name,
        facility=opened.facility,
        state=opened.state,
        day=None if ticket is None else ticket.day,
        dose=None if ticket is None else ticket.dose,
    )


def scans_out(db: Session, found: Iterable[tuple[str, Meaning | ScanUnreadable]]) -> ScansOut:
    """Every text with what it means or why it means nothing."""
    items: list[ScanOut] = []
    refused: list[dict[str, Any]] = []
    for text, each in found:
        if isinstance(each, ScanUnreadable):
            refused.append({"text": text, **each.params})
        else:
            items.append(scan_out(db, each))
    return ScansOut(items=items, refused=refused)
