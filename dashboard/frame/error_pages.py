"""An error as a page: what happened and what can be done, in both languages' words."""

from __future__ import annotations

import json

from fastapi import Request, Response

from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import stranger

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


def error_page(request: Request, plain: Response) -> Response:
    """The page for a problem body: its sentence in the viewer's language, its code for the help desk."""
    viewer = stranger(request)
    body = json.loads(bytes(plain.body))
    sentence = body["detail_id"] if viewer.language == "id" else body["title"]
    heading = _HEADINGS.get(plain.status_code, _HEADINGS[500 if plain.status_code >= 500 else 400])
    answer = page(
        viewer, "frame/error.html", status=plain.status_code, heading=heading, sentence=sentence, code=body["code"]
    )
    if "retry-after" in plain.headers:
        answer.headers["Retry-After"] = plain.headers["retry-after"]
    return answer
