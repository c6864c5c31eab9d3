"""Codes for papers as SVG, drawn by the library that reads photographs: what one writes, the other reads."""

from __future__ import annotations

import re

import zxingcpp
from markupsafe import Markup

_SIZE = re.compile(r'<svg width="([0-9]+)" height="([0-9]+)" ')


def sscc_code(sscc: str) -> Markup:
    """GS1-128 of a box's SSCC (18 digits)."""
    return _svg(zxingcpp.create_barcode(f"(00){sscc}", zxingcpp.BarcodeFormat.Code128, gs1=True), "bars")


def sscc_matrix(sscc: str) -> Markup:
    """GS1 DataMatrix of a box's SSCC (18 digits)."""
    return _svg(zxingcpp.create_barcode(f"(00){sscc}", zxingcpp.BarcodeFormat.DataMatrix, gs1=True), "matrix")


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
