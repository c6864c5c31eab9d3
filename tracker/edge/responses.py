"""The problem answers every operation may give, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ProblemBody(BaseModel):
    """RFC 9457 problem details with our stable `code`."""

    type: str
    title: str
    status: int
    detail: str
    detail_id: str
    code: str
    params: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` for the given statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": "Refused, with a code and a sentence.", "content": content} for status in statuses}


# What may happen to any request, whatever it asks.
ALWAYS = problems(400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503)
