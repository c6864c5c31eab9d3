"""Reading LZString's "encoded URI component" form, in which BPJS packs its answers.

LZ78 over UTF-16 units; codes are written least bit first, six bits a letter, and grow wider as the dictionary does.
"""

from __future__ import annotations

from collections.abc import Iterator

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)} | {" ": 62}
_NARROW, _WIDE, _END = 0, 1, 2


class NotPacked(ValueError):
    """The text is not in this form, or unpacks to more than was allowed."""


def unpack(packed: str, *, most: int) -> str:
    """The text again, of no more than `most` characters. Raises NotPacked."""
    try:
        return "".join(_parts(_bits(packed), most)).encode("utf-16", "surrogatepass").decode("utf-16")
    except (KeyError, StopIteration, RuntimeError, UnicodeError):
        raise NotPacked("not LZString") from None


def _bits(packed: str) -> Iterator[int]:
    for letter in packed:
        value = _VALUES[letter]
        for place in (32, 16, 8, 4, 2, 1):
            yield 1 if value & place else 0


def _number(bits: Iterator[int], width: int) -> int:
    return sum(next(bits) << place for place in range(width))


def _parts(bits: Iterator[int], most: int) -> Iterator[str]:
    codes = _Codes(bits)
    last = codes.first()
    length = 0
    while last:
        length += len(last)
        if length > most:
            raise NotPacked("longer than allowed")
        yield last
        last = codes.after(last)


class _Codes:
    """Reads code by code and keeps the dictionary that the writer kept; the numbers 0 to 2 are the signs above."""

    def __init__(self, bits: Iterator[int]) -> None:
        self._bits = bits
        self._words = ["", "", ""]
        self._width, self._room = 3, 4

    def first(self) -> str:
        """The first word, empty where there is none: it is always a letter."""
        code = _number(self._bits, 2)
        if code == _END:
            return ""
        self._words.append(self._letter(code))
        return self._words[-1]

    def after(self, last: str) -> str:
        """The word behind this one, empty at the end."""
        code = _number(self._bits, self._width)
        if code == _END:
            return ""
        if code in (_NARROW, _WIDE):
            self._enter(self._letter(code))
            code = len(self._words) - 1
        word = self._words[code] if code < len(self._words) else last + last[0]
        if code > len(self._words):
            raise NotPacked("a code that stands for nothing")
        self._enter(last + word[0])
        return word

    def _letter(self, code: int) -> str:
        if code not in (_NARROW, _WIDE):
            raise NotPacked("a code that stands for nothing")
        return chr(_number(self._bits, 8 if code == _NARROW else 16))

    def _enter(self, word: str) -> None:
        self._words.append(word)
        self._room -= 1
        if self._room == 0:
            self._room, self._width = 1 << self._width, self._width + 1
