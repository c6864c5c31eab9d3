"""What stands on made-up phones: talks by WhatsApp and SMS, and calls of USSD that are open."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from simulators.outside.sms import Sms, UssdCall

MOST_PHONES = 100
MOST_LINES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """An answer that can be pressed: `row` where it stands in a list."""

    answer: str
    label: str
    detail: str = ""
    row: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of a talk; `picture` names an uploaded one."""

    mine: bool
    text: str
    at: datetime
    picture: str | None = None
    buttons: tuple[Button, ...] = ()


def _lines() -> deque[Line]:
    return deque(maxlen=MOST_LINES)


@dataclass(slots=True)
class Phone:
    """One number's talks, and its call: the last screen, and whether it waits for keys."""

    whatsapp: deque[Line] = field(default_factory=_lines)
    sms: deque[Line] = field(default_factory=_lines)
    unread: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    """What WhatsApp brought and nobody has looked at."""
    call: UssdCall | None = None
    screen: str = ""
    open: bool = False


@dataclass(slots=True)
class Phones:
    """All phones that somebody plays with or that were written to; the longest unused are forgotten."""

    clock: Callable[[], datetime]
    _phones: OrderedDict[str, Phone] = field(default_factory=OrderedDict)

    def of(self, number: str) -> Phone:
        """The phone of a number in international form without the plus."""
        phone = self._phones.setdefault(number, Phone())
        self._phones.move_to_end(number)
        while len(self._phones) > MOST_PHONES:
            self._phones.popitem(last=False)
        return phone

    def take_whatsapp(self, message: dict[str, Any]) -> Line:
        """A message that WhatsApp took for this phone, as it shows it."""
        text, picture, buttons = _read(message)
        line = Line(mine=False, text=text, at=self.clock(), picture=picture, buttons=buttons)
        phone = self.of(str(message["to"]))
        phone.whatsapp.append(line)
        phone.unread.append(message)
        return line

    def take_sms(self, sms: Sms) -> None:
        """A message that the gateway took for this phone."""
        self.of(sms.to.lstrip("+")).sms.append(Line(mine=False, text=sms.text, at=self.clock()))

    def dial(self, number: str) -> UssdCall:
        """A new call."""
        phone = self.of(number)
        phone.call, phone.screen, phone.open = UssdCall(uuid4().hex, f"+{number}"), "", True
        return phone.call

    def shown(self, number: str, answer: str) -> None:
        """What the network shows for the last keys; anything but a screen ends the call."""
        phone = self.of(number)
        phone.open = answer.startswith("CON ")
        phone.screen = answer[4:] if answer.startswith(("CON ", "END ")) else "Layanan tidak menjawab. Coba lagi."


def _read(message: dict[str, Any]) -> tuple[str, str | None, tuple[Button, ...]]:
    content = message.get(message["type"], {})
    if message["type"] == "image":
        return content.get("caption", ""), content.get("id"), ()
    if message["type"] == "template":
        values = [one["text"] for part in content.get("components", []) for one in part.get("parameters", [])]
        return f"[{content.get('name')}] " + " · ".join(values), None, ()
    if message["type"] != "interactive":
        return content.get("body", ""), None, ()
    action = content["action"]
    pressed = [Button(answer=one["reply"]["id"], label=one["reply"]["title"]) for one in action.get("buttons", [])]
    rows = [
        Button(answer=row["id"], label=row["title"], detail=row.get("description", ""), row=True)
        for section in action.get("sections", [])
        for row in section["rows"]
    ]
    return content["body"]["text"], None, (*pressed, *rows)
