"""What an answer means, and its words without anybody's data. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

_MOST = 200
_DIGITS = re.compile(r"\d(?:[ .-]?\d){5,}")


class Verdict(StrEnum):
    """What the other side did."""

    DONE = "done"
    ABSENT = "absent"  # there is no such record
    SHUT = "shut"  # our log-in or signature: nothing of ours gets in, and no record is at fault
    LATER = "later"  # trouble over there; whether it was done is not known
    REFUSED = "refused"  # not like this


def verdict_of(code: int) -> Verdict:
    """Of the code inside an answer, or of the HTTP status where there is none inside."""
    if code in (204, 404):
        return Verdict.ABSENT
    if 200 <= code < 300:
        return Verdict.DONE
    if code in (401, 403):
        return Verdict.SHUT
    if code in (408, 425, 429) or code >= 500 or code < 400:
        return Verdict.LATER
    return Verdict.REFUSED


def scrubbed(words: str, personal: tuple[str, ...]) -> str:
    """Their words without numbers that could be somebody's, and without these."""
    for one in sorted((each for each in personal if each), key=len, reverse=True):
        words = re.sub(re.escape(one), "…", words, flags=re.IGNORECASE)
    plain = "".join(sign if sign.isprintable() else " " for sign in _DIGITS.sub("…", words))
    return " ".join(plain.split())[:_MOST]
