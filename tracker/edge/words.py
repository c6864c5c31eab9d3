"""Fields of bodies and forms that hold words of people."""

from __future__ import annotations

from pydantic import BeforeValidator

from tracker.kit.seen import seen


def _seen(value: object) -> object:
    return seen(value) if isinstance(value, str) else value


Seen = BeforeValidator(_seen)
"""Marks a field of a body or form: `Annotated[str, Seen, Field(min_length=1)]`."""
