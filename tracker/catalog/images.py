"""Codes in photographs."""

from __future__ import annotations

import io

import zxingcpp
from PIL import Image, UnidentifiedImageError

from tracker.catalog.errors import ImageTooLarge, ImageUnreadable

MAX_PIXELS = 25_000_000  # a phone's 24-megapixel camera; a decoded grey picture of 25 MB
# Pillow's own limit only warns; ours is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
_CASE_DIGITS = 14  # ITF-14
_SIDE = 2_400  # larger pictures are halved first: codes fill a good part of what people photograph
# Pictures of two frames (MPO) open as JPEG; naming them here makes Pillow fall over foreign bytes.
_KINDS = ("JPEG", "PNG", "WEBP")


def read_codes(data: bytes) -> list[str]:
    """The texts of all codes in a picture as a scanner would send them, AIM prefix first, top to bottom.

    Raises ImageUnreadable (no picture, or no code in it) and ImageTooLarge.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ImageTooLarge(most_pixels=MAX_PIXELS)
            # JPEG can be decoded at a half or quarter for nothing.
            picture.draft("L", (_SIDE, _SIDE))
            grey = picture.convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError):
        raise ImageUnreadable(reason="picture") from None
    if max(grey.size) > _SIDE:
        grey.thumbnail((_SIDE, _SIDE))
    found = [code for code in zxingcpp.read_barcodes(grey) if code.valid and not _stripes(code)]
    if not found:
        raise ImageUnreadable(reason="code")
    found.sort(key=lambda code: (code.position.top_left.y, code.position.top_left.x))
    return [code.symbology_identifier + code.bytes.decode("utf-8", errors="replace") for code in found]


def _stripes(code: zxingcpp.Barcode) -> bool:
    """Interleaved 2 of 5 has no sign of its own at either end, so other codes and tables are full of it: a case's has fourteen digits."""
    return code.symbology_identifier.startswith("]I") and len(code.bytes) != _CASE_DIGITS
