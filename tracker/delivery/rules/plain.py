"""Signs that a phone network's alphabet (GSM 03.38) has not, as the nearest that it has. Pure."""

from __future__ import annotations

_NEAREST = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "°": " ", "•": "-"})


def plain_signs(text: str) -> str:
    """The text as SMS and USSD can show it; a gateway would put a question mark for each of these signs."""
    return text.translate(_NEAREST)
