"""Entity tags: an answer that somebody has already costs a header."""

from __future__ import annotations

import hashlib

_SIGNS = 24


def tag_of(body: bytes, *, weak: bool = False) -> str:
    """The tag of a body; weak where bodies of one tag may differ in what is of no interest."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:_SIGNS]}"'
    return f"W/{tag}" if weak else tag


def has_it(if_none_match: str | None, tag: str) -> bool:
    """Whether who asks has what this tag is for, as RFC 9110 §13.1.2 compares: weakly, any of a list, or `*`."""
    told = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return "*" in told or tag.removeprefix("W/") in told
