"""The shape of one row of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """HTTP status and one sentence a language; `{name}` is filled from the error's params, `{name:group}` with its word (`words.py`)."""

    status: int
    id: str
    en: str
    kind: str | None = None
    """The problem's `type` where a standard names one; else a name of ours made from the code."""
