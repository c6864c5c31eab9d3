"""Codes for papers as SVG, drawn by the library that reads photographs: what one writes, the other reads."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from uuid import UUID

import zxingcpp
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Presentation

_SIZE = re.compile(r'<svg width="([0-9]+)" height="([0-9]+)" ')
# The characters of GS1 that a lot may have, less the brackets that set identifiers apart here.
_LOT = re.compile(r"[A-Za-z0-9!\"%&'*+,\-./_:;<=>?]{1,20}")


def sscc_code(sscc: str) -> Markup:
    """GS1-128 of a box's SSCC (18 digits)."""
    return _svg(zxingcpp.create_barcode(f"(00){sscc}", zxingcpp.BarcodeFormat.Code128, gs1=True), "bars")


def sscc_matrix(sscc: str) -> Markup:
    """GS1 DataMatrix of a box's SSCC (18 digits)."""
    return _svg(zxingcpp.create_barcode(f"(00){sscc}", zxingcpp.BarcodeFormat.DataMatrix, gs1=True), "matrix")


def goods_codes(db: Session, batch_ids: Collection[UUID]) -> dict[UUID, Markup]:
    """What a label of each batch says, as `goods_matrix`."""
    rows = db.execute(
        select(Batch.id, Batch.lot, Batch.expiry, Presentation.gtin, Presentation.nie)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.id.in_(batch_ids))
    )
    return {row.id: goods_matrix(row.gtin, row.nie, row.lot, row.expiry) for row in rows}


def goods_matrix(gtin: str | None, nie: str | None, lot: str, expiry: date) -> Markup:
    """GS1 DataMatrix of a lot: by its GTIN, of a product without one as BPOM writes it. None where GS1 has no such code."""
    day = f"{expiry:%y%m%d}"
    text = f"(01){gtin}(17){day}(10){lot}" if gtin else f"(90){nie}(10){lot}(17){day}"
    if not _LOT.fullmatch(lot):
        return Markup()
    try:
        return _svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True), "matrix")
    except ValueError:
        return Markup()


def qr(text: str) -> Markup:
    """A QR code of a short text."""
    return _svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M"), "matrix")


def _svg(code: zxingcpp.Barcode, shape: str) -> Markup:
    """The code with its quiet zone, as wide as its place on the paper lets it be."""
    drawn = code.to_svg(scale=4, add_quiet_zones=True)
    found = drawn[drawn.index("<svg") :]
    scaled = _SIZE.sub(rf'<svg class="code {shape}" aria-hidden="true" viewBox="0 0 \1 \2" ', found, count=1)
    # Drawn by the library: rectangles and paths, nothing that somebody typed stands in it as markup.
    return Markup(scaled)  # noqa: S704
