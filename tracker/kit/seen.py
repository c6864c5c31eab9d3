"""Words that people write and others read: what nobody can see is no word, and none turns the direction of its neighbours."""

from __future__ import annotations

import unicodedata

_TURNING = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_WITHOUT_INK = (0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x2060, 0x2800, 0x3164, 0xFEFF, 0xFFA0)
_GONE = dict.fromkeys((*_TURNING, *_WITHOUT_INK))
# They join or part letters of some scripts and signs; alone they are nothing.
_JOINERS = "\u200c\u200d"


def seen(text: str) -> str:
    """The text without signs that have no ink or turn the direction; empty where nothing is left to be seen.

    Trap: a name of blanks is a link nobody can tap, and one turned letter makes a page show the words after it reversed.
    """
    kept = text.translate(_GONE)
    return kept if kept.strip().strip(_JOINERS).strip() else ""


def parts_digits(char: str) -> bool:
    """Whether a sign only parts groups of digits: a blank or dash of any script, or a sign that nobody sees."""
    return unicodedata.category(char) in ("Zs", "Pd", "Cf", "Cc")
