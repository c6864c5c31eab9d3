"""How many parts an SMS is sent in, and by which alphabet: 3GPP TS 23.038 and 23.040. Pure."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and a sign: two of the 160
_ONE_7, _EACH_7 = 160, 153
_ONE_16, _EACH_16 = 70, 67


def is_gsm7(text: str) -> bool:
    """Whether the network's own alphabet has every sign."""
    return all(char in _BASIC or char in _EXTENDED for char in text)


def segments(text: str) -> int:
    """How many parts it takes. A sign is never cut in two, so a part may hold one less."""
    if is_gsm7(text):
        return _parts([2 if char in _EXTENDED else 1 for char in text], _ONE_7, _EACH_7)
    return _parts([2 if ord(char) > 0xFFFF else 1 for char in text], _ONE_16, _EACH_16)


def _parts(widths: list[int], one: int, each: int) -> int:
    if sum(widths) <= one:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > each:
            parts, used = parts + 1, 0
        used += width
    return parts
