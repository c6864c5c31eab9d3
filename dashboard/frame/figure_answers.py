"""A figure as JSON with an ETag, so that an unchanged chart costs a header."""

from __future__ import annotations

import plotly.graph_objects as go
from fastapi import Request, Response

from tracker.edge.tags import has_it, tag_of


def figure_answer(request: Request, figure: go.Figure) -> Response:
    """200 with the figure, or 304 when the page has it already."""
    body = figure.to_json(validate=False).encode()
    etag = tag_of(body)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if has_it(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
