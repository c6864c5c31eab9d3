"""USSD as gateways post it: all that was pressed since the call began, joined by `*`; the answer is one small screen. Pure."""

from __future__ import annotations

from tracker.delivery.rules.plain import plain_signs

MOST = 182  # characters of a screen, by the network
_ON = "\n0. Lanjut"
_MORE = {"id": _ON, "en": "\n0. More"}


def pressed(text: str) -> list[str]:
    """What was pressed, one after the other; nothing on a call that begins."""
    return [] if text == "" else text.split("*")


def screens(replies: list[str], language: str, prefix: str) -> list[str]:
    """The replies as screens, each with `prefix` at most so long as the network shows; all but the last say how to go on.

    Signs that a network's alphabet has not become the nearest that it has.
    """
    text = plain_signs("\n".join(replies)).strip()
    most = MOST - len(prefix)
    if len(text) <= most:
        return [text]
    on = _MORE[language]
    pages = []
    while len(text) > most:
        room = most - len(on)
        # Between lines or words where there is such a place in the second half.
        cut = max(text.rfind("\n", room // 2, room + 1), text.rfind(" ", room // 2, room + 1))
        cut = room if cut <= 0 else cut
        pages.append(text[:cut].rstrip() + on)
        text = text[cut:].lstrip()
    return [*pages, text]
