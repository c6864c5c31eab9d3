"""A figure as JSON with an ETag, so that an unchanged chart costs a header."""

from __future__ import annotations

import hashlib

import plotly.graph_objects as go
from fastapi import Request, Response


def figure_answer(request: Request, figure: go.Figure) -> Response:
    """200 with the figure, or 304 when the page has it already."""
    body = figure.to_json(validate=False).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
