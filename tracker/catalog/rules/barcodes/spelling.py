r"""Separators that scanners spell out, because a keyboard has no key for them. Pure.

Read as separators is what scanners and their apps are known to send: `<GS>` and `<FNC1>` (Cognex, ZXing), the same in
square or curly brackets (settings of Zebra and Datalogic wedges), `%1D` (programs that hand scans on in an address),
`\x1d` and `\u001d` (programs that print strings), `^]` (terminals) and the picture `␝` (phone keyboards and apps).

Other spellings stay errors. Most of them are by themselves, as their characters may not stand in a GS1 value;
those whose characters may, such as `<RS>` or `(GS)`, are refused here: else they would become part of a lot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracker.catalog.rules.barcodes.errors import ScanError

_SEPARATOR = re.compile(
    r"<(?:GS|FNC1)>|\[(?:GS|FNC1)\]|\{(?:GS|FNC1)\}|%1D|\\x1D|\\u001D|\^\]|\u241d", re.IGNORECASE | re.ASCII
)
_CONTROL = re.compile(r"<[#+\w]{2,8}>|\((?:GS|FNC1)\)|%[01][0-9A-F]|FNC1", re.IGNORECASE | re.ASCII)
_CHARACTER_SET = re.compile(r"\\\d{6}", re.ASCII)
_DOUBLED = re.compile(r"\\\\")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text to read, and for each of its characters (and its end) where it stands in the text that was given."""

    text: str
    places: tuple[int, ...]

    @classmethod
    def given(cls, text: str) -> Spelled:
        """The text as it is."""
        return cls(text, tuple(range(len(text) + 1)))

    def replaced(self, pattern: re.Pattern[str], by: str) -> Spelled:
        """With `by` (one character, or a group's reference) for every match."""
        parts: list[str] = []
        places: list[int] = []
        at = 0
        for match in pattern.finditer(self.text):
            new = match.expand(by)
            parts += [self.text[at : match.start()], new]
            places += [*self.places[at : match.start()], *[self.places[match.start()]] * len(new)]
            at = match.end()
        return Spelled("".join([*parts, self.text[at:]]), (*places, *self.places[at:]))


def without_eci(spelled: Spelled) -> Spelled:
    """Without the names of character sets; a doubled backslash is one."""
    named = spelled.replaced(_CHARACTER_SET, "")
    return named.replaced(_DOUBLED, r"\\")


def with_separators(spelled: Spelled) -> Spelled:
    """With the separator for each way of spelling it; raises ScanError for a control character spelled otherwise."""
    # A separator is looked for first at every place: `<GS>` has the form of the others, too.
    for match in re.finditer(f"{_SEPARATOR.pattern}|({_CONTROL.pattern})", spelled.text, re.IGNORECASE | re.ASCII):
        if match[1] is not None:
            raise ScanError("scan.spelled_control", match.start(), text=match[1])
    return spelled.replaced(_SEPARATOR, "\x1d")
