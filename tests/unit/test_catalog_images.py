"""What is read out of a picture, and what only looks like a code."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image

from tracker.catalog.errors import ImageUnreadable
from tracker.catalog.images import read_codes


def stripes(digits: str) -> bytes:
    """A picture of an interleaved code."""
    code = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.ITF)
    kept = io.BytesIO()
    Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=3)).save(kept, "PNG")
    return kept.getvalue()


def test_of_interleaved_codes_a_case_s_alone_is_one_for_stripes_are_everywhere() -> None:
    assert read_codes(stripes("00893460021244")) == ["]I000893460021244"]
    with pytest.raises(ImageUnreadable):
        read_codes(stripes("06982545"))
