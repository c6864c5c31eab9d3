"""LZString's "encoded URI component" form, which BPJS wraps its answers in.

The algorithm is LZ78 over UTF-16 units with variable-width codes, six bits a letter of a URL-safe alphabet.
Written from the published description; checked against BPJS's documented answer.
"""

from __future__ import annotations

from collections.abc import Iterator

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$"
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}
_LETTER_8, _LETTER_16, _END = 0, 1, 2


class _BitWriter:
    def __init__(self) -> None:
        self.letters: list[str] = []
        self._value = 0
        self._count = 0

    def write(self, value: int, bits: int) -> None:
        """Least significant bit first."""
        for _ in range(bits):
            self._value = (self._value << 1) | (value & 1)
            value >>= 1
            self._count += 1
            if self._count == 6:
                self.letters.append(ALPHABET[self._value])
                self._value = self._count = 0

    def close(self) -> str:
        """The last letter is always written, if need be with nothing in it, as the reference does."""
        self.letters.append(ALPHABET[self._value << (6 - self._count)])
        return "".join(self.letters)


def compress(text: str) -> str:
    """Text to `compressToEncodedURIComponent` form. Only characters of the basic plane are supported."""
    out = _BitWriter()
    codes: dict[str, int] = {}
    fresh: set[str] = set()
    width, room = 2, 2
    word = ""

    def spend() -> None:
        nonlocal width, room
        room -= 1
        if room == 0:
            room = 1 << width
            width += 1

    def emit(word: str) -> None:
        if word in fresh:
            wide = ord(word) > 255
            out.write(_LETTER_16 if wide else _LETTER_8, width)
            out.write(ord(word), 16 if wide else 8)
            fresh.discard(word)
            spend()
        else:
            out.write(codes[word], width)
        spend()

    for letter in text:
        if letter not in codes:
            codes[letter] = len(codes) + 3
            fresh.add(letter)
        if word + letter in codes:
            word += letter
            continue
        emit(word)
        codes[word + letter] = len(codes) + 3
        word = letter
    if word:
        emit(word)
    out.write(_END, width)
    return out.close()


def decompress(packed: str) -> str:
    """The text again. Raises ValueError where the input is not such a form."""
    return "".join(_Reader(packed).words())


class _Reader:
    """Reads codes of growing width and keeps the dictionary that the writer kept."""

    def __init__(self, packed: str) -> None:
        self._bits = _bits(packed)
        self._known: dict[int, str] = {}
        self._width = 2
        self._room = 1

    def words(self) -> Iterator[str]:
        previous = ""
        while (code := self._take(self._width)) != _END:
            if code in (_LETTER_8, _LETTER_16):
                code = self._learn(chr(self._take(8 if code == _LETTER_8 else 16)), spends=bool(previous))
            if code in self._known:
                word = self._known[code]
            elif previous and code == len(self._known) + 3:
                word = previous + previous[0]
            else:
                raise ValueError(f"code {code} stands for nothing")
            yield word
            if previous:
                self._learn(previous + word[0], spends=True)
            else:
                self._width, self._room = 3, 4
            previous = word

    def _learn(self, word: str, *, spends: bool) -> int:
        self._known[len(self._known) + 3] = word
        if spends:
            self._room -= 1
            if self._room == 0:
                self._room = 1 << self._width
                self._width += 1
        return len(self._known) + 2

    def _take(self, count: int) -> int:
        value = 0
        for place in range(count):
            bit = next(self._bits, None)
            if bit is None:
                raise ValueError("the packed text ends too early")
            value |= bit << place
        return value


def _bits(packed: str) -> Iterator[int]:
    for letter in packed.replace(" ", "+"):
        value = _VALUE.get(letter)
        if value is None or value > 63:
            raise ValueError(f"{letter!r} is not of the alphabet")
        for place in range(5, -1, -1):
            yield (value >> place) & 1
