"""Static files under names that carry their content's hash: cached for ever, compressed once."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from dashboard.frame.folders import FOLDERS
from tracker.kit.errors import NotFound

FOREVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

# How a script of ours takes in another.
_NAMED = re.compile(rb'(from "\./)([\w.]+\.js)"')

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """One file, ready to be sent."""

    hashed: str
    media_type: str
    body: bytes
    gzipped: bytes


class StaticNotFound(NotFound):
    """There is no such static file."""

    code = "access.not_found"


@lru_cache(maxsize=1)
def sources() -> dict[str, bytes]:
    """Our own static files by their plain names, as they were written."""
    return {path.name: path.read_bytes() for folder in FOLDERS for path in sorted(folder.glob("static/*"))}


@lru_cache(maxsize=1)
def _all() -> dict[str, Static]:
    """Every static file by its plain name, plotly.js from the plotly wheel among them."""
    bodies = dict(sources())
    bodies["plotly.min.js"] = files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    made: dict[str, Static] = {}
    for name in bodies:
        _make(name, bodies, made)
    return made


def _make(name: str, bodies: dict[str, bytes], made: dict[str, Static]) -> Static:
    """The file, and before it those it names: they are named by their hashes, so that a page never mixes two versions.

    Files that name one another in a circle are a mistake of ours and a RecursionError.
    """
    if name not in made:
        body = bodies[name]
        if name.endswith(".js") and name != "plotly.min.js":
            body = _NAMED.sub(
                lambda named: b'%b%b"' % (named[1], _make(named[2].decode(), bodies, made).hashed.encode()), body
            )
        made[name] = _made(name, body)
    return made[name]


def _made(name: str, body: bytes) -> Static:
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(body).hexdigest()[:12]
    # Level 6: plotly.js takes a quarter of a second once per process; level 9 gains one per cent.
    return Static(
        hashed=f"{stem}.{digest}.{suffix}",
        media_type=_TYPES[f".{suffix}"],
        body=body,
        gzipped=gzip.compress(body, compresslevel=6, mtime=0),
    )


def static_url(name: str) -> str:
    """The address of a static file; a name that is not there is a mistake of ours and a KeyError."""
    return f"/static/{_all()[name].hashed}"


def static_body(name: str) -> bytes:
    """The content of a static file that is served under an address of its own."""
    return _all()[name].body


@lru_cache(maxsize=1)
def _by_hashed() -> dict[str, Static]:
    return {static.hashed: static for static in _all().values()}


@router.get("/static/{name:path}")
def static_file(name: str, request: Request) -> Response:
    """A file by its hashed name, for a year; by its plain name (the service worker), to be asked for again."""
    static, cache = _by_hashed().get(name), FOREVER
    if static is None:
        static, cache = _all().get(name), "no-cache"
    if static is None:
        raise StaticNotFound
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        # The middleware leaves alone what already carries an encoding.
        return Response(static.gzipped, media_type=static.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(static.body, media_type=static.media_type, headers=headers)
