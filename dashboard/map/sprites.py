"""The map's signs, drawn here: one small PNG with a shape and colour for each stock state.

MapLibre takes its signs from one picture and a list of where each lies. Drawing them in code keeps shape
and colour equal to those of the tables, and needs neither a picture in the repository nor a library.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from dashboard.frame.theme import STATE_COLOURS
from tracker.edge.hop import Router

router = Router(include_in_schema=False)

SIZE = 24  # pixels of one sign at ratio 1
_SUPER = 4  # samples along each edge of a pixel, for smooth edges
STATES = tuple(STATE_COLOURS)

Mask = NDArray[np.bool_]


def _shape(state: str, x: NDArray[np.float64], y: NDArray[np.float64], radius: float) -> Mask:
    """Which points, −1…1 both ways, lie within the state's shape of that radius."""
    if state == "out":
        return np.abs(x) + np.abs(y) <= radius * 1.15
    if state == "low":
        return (y <= radius * 0.8) & (y >= 1.75 * np.abs(x) - radius)
    if state == "over":
        return np.maximum(np.abs(x), np.abs(y)) <= radius * 0.82
    return x**2 + y**2 <= (radius * 0.92) ** 2


def _sign(state: str, pixels: int) -> NDArray[np.uint8]:
    """One sign as RGBA, (pixels, pixels, 4): white rim, dark line, filling; hollow where nothing is known."""
    fine = (np.arange(pixels * _SUPER) + 0.5) / (pixels * _SUPER) * 2 - 1
    x, y = np.meshgrid(fine, fine)
    rgba = np.zeros((*x.shape, 4))
    colour = [int(STATE_COLOURS[state][at : at + 2], 16) for at in (1, 3, 5)]
    hollow = state in ("stale", "unreported")
    layers: list[tuple[float, list[int]]] = [(0.86, [255, 255, 255]), (0.74, [31, 36, 33] if not hollow else colour)]
    layers.append((0.62 if not hollow else 0.44, colour if not hollow else [255, 255, 255]))
    for radius, rgb in layers:
        inside = _shape(state, x, y, radius)
        rgba[inside, :3] = rgb
        rgba[inside, 3] = 255
    # Average with weights of opacity, else the rim would darken towards the transparent.
    blocks = rgba.reshape(pixels, _SUPER, pixels, _SUPER, 4)
    alpha = blocks[..., 3:].mean(axis=(1, 3))
    weighted = (blocks[..., :3] * blocks[..., 3:]).mean(axis=(1, 3)) / np.maximum(alpha, 1e-9)
    return np.concatenate([weighted, alpha], axis=-1).round().astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGBA picture of shape (height, width, 4) as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\x00" + pixels[row].tobytes() for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


@lru_cache(maxsize=2)
def sprite_png(ratio: int) -> bytes:
    """All signs side by side at 1 or 2 pixels a point."""
    return _png(np.concatenate([_sign(state, SIZE * ratio) for state in STATES], axis=1))


def sprite_index(ratio: int) -> dict[str, Any]:
    """Where each sign lies, as MapLibre wants it."""
    edge = SIZE * ratio
    return {
        state: {"x": at * edge, "y": 0, "width": edge, "height": edge, "pixelRatio": ratio}
        for at, state in enumerate(STATES)
    }


@router.get("/tanda/signs.json")
def show_index() -> dict[str, Any]:
    """The list for plain screens."""
    return sprite_index(1)


@router.get("/tanda/signs@2x.json")
def show_fine_index() -> dict[str, Any]:
    """The list for fine screens."""
    return sprite_index(2)


@router.get("/tanda/signs.png")
def show_png() -> Response:
    """The picture for plain screens."""
    return _picture(1)


@router.get("/tanda/signs@2x.png")
def show_fine_png() -> Response:
    """The picture for fine screens."""
    return _picture(2)


def _picture(ratio: int) -> Response:
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(sprite_png(ratio), media_type="image/png", headers=headers)
