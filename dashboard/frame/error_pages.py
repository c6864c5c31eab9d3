"""An error as a page: what happened and what can be done, in both languages' words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts, mark
from dashboard.frame.viewer import Viewer, stranger
from tracker.edge.hop import services_of
from tracker.edge.line import COOKIE, STANDS, InLine
from tracker.settings import Settings

_HEADINGS = {
    400: mark("Permintaan ini tidak dapat dibaca"),
    403: mark("Anda tidak berwenang melakukan ini"),
    404: mark("Halaman ini tidak ada"),
    409: mark("Keadaannya sudah berubah"),
    422: mark("Isian belum benar"),
    429: mark("Terlalu sering dicoba"),
    500: mark("Ada yang salah di pihak kami"),
    503: mark("Sistem sedang sibuk"),
}


_SLIP = mark("Alamat ini terpotong atau salah ketik")
_SLIP_PATH = mark("Nomor di dalam alamat ini tidak mungkin benar. Buka lagi tautannya seutuhnya, atau mulai dari awal.")
_SLIP_QUERY = mark("Salah satu pilihan di dalam alamat ini tidak mungkin benar, misalnya nomor halaman atau letak.")


_TOO_WIDE = mark("Terlalu luas untuk satu halaman")


def _narrower(request: Request, texts: Texts) -> list[tuple[str, str]]:
    """Where the same is told of less: by facility, or of what one looks for."""
    if request.url.path.startswith("/daftar"):
        return []
    return [
        ("/fasilitas", texts.gettext("Pilih satu fasilitas")),
        ("/cari", texts.gettext("Cari satu batch atau kiriman")),
    ]


def _start(request: Request, texts: Texts) -> tuple[str, str]:
    """Where one can always begin again: a citizen with the places, everybody else at home."""
    if request.url.path.startswith("/daftar"):
        return "/daftar", texts.gettext("Cari tempat vaksinasi")
    return "/", texts.gettext("Ke halaman awal")


def _slip(request: Request, body: Mapping[str, Any]) -> tuple[int, str, str, str] | None:
    """Of an address with a malformed number or id: status, heading, sentence and the address without what is wrong.

    There is nothing at an address whose id cannot be one: 404. A choice that cannot be one is left out: 422.
    """
    places = [str(error.get("field", "")) for error in body.get("errors", ())]
    if body["code"] != "api.invalid" or not places:
        return None
    if any(place.startswith("path.") for place in places):
        return 404, _SLIP, _SLIP_PATH, ""
    wrong = {place.split(".")[1] for place in places if place.startswith("query.")}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in wrong]
    repaired = request.url.path + (f"?{urlencode(kept)}" if kept else "")
    return (422, _SLIP, _SLIP_QUERY, repaired) if wrong else None


def error_page(request: Request, plain: Response) -> Response:
    """The page for a problem body: its sentence in the viewer's language, its code for the help desk."""
    viewer = stranger(request)
    body = json.loads(bytes(plain.body))
    sentence = body["detail_id"] if viewer.language == "id" else body["title"]
    heading = _HEADINGS.get(plain.status_code, _HEADINGS[500 if plain.status_code >= 500 else 400])
    status, ways = plain.status_code, [_start(request, viewer.texts)]
    slip = _slip(request, body) if request.method == "GET" else None
    if slip is not None:
        status, heading, sentence, repaired = slip
        sentence = viewer.texts.gettext(sentence)
        if repaired:
            ways.insert(0, (repaired, viewer.texts.gettext("Buka tanpa pilihan itu")))
    if body["code"] == InLine.code:
        return _line(request, viewer, body["params"])
    if body["code"] == "api.took_too_long":
        heading = _TOO_WIDE
        ways[:0] = _narrower(request, viewer.texts)
    answer = page(
        viewer, "frame/error.html", status=status, heading=heading, sentence=sentence, code=body["code"], ways=ways
    )
    if "retry-after" in plain.headers:
        answer.headers["Retry-After"] = plain.headers["retry-after"]
    return answer


def _line(request: Request, viewer: Viewer, params: Mapping[str, Any]) -> Response:
    """How many are before whoever asked, and how long it takes; it asks again by itself, also without scripts."""
    minutes = None if params["wait_s"] is None else -(-int(params["wait_s"]) // 60)
    answer = page(
        viewer, "frame/line.html", status=429, ahead=params["ahead"], minutes=minutes, again=params["again_s"]
    )
    # A form that was sent is asked for anew: the same address by GET.
    answer.headers["Refresh"] = answer.headers["Retry-After"] = str(params["again_s"])
    answer.headers["Cache-Control"] = "private, no-store"
    keep_place(answer, params["place"], services_of(request).settings)
    return answer


def keep_place(answer: Response, place: str, settings: Settings) -> None:
    """The browser keeps a place in the line: a reload and a second tab have the same."""
    answer.set_cookie(
        COOKIE,
        place,
        max_age=int(STANDS.total_seconds()),
        path="/daftar",
        httponly=True,
        samesite="lax",
        secure=settings.api.secure_cookies,
    )
