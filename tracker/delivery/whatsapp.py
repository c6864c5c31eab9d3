"""WhatsApp's Cloud API, outwards.

Meta delivers free text within 24 hours of the person's own last message, with buttons or a picture; after that only templates that
it has approved. Ours have the names and the gaps of `rules/templates.py`. Each message carries its id, which comes back with every
word on what became of it (`biz_opaque_callback_data`), so a repeat after a crash is known as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2

from tracker.delivery.rules.templates import CHAT_REPLY
from tracker.delivery.senders import Left, Outgoing, SendRefused, SendTrouble, call, check

# Limits of the API, in characters; longer words are cut, for Meta refuses the whole message.
MOST_BUTTONS, MOST_ROWS = 3, 10
_BUTTON_TITLE, _ROW_TITLE, _ROW_DETAIL, _WITH_BUTTONS, _CAPTION, _TEXT, _VALUE = 20, 24, 72, 1024, 1024, 4096, 1000

# Errors that a later try may not meet: limits of rate, outages, and what is wrong with our own account or token.
_LATER = frozenset(
    {0, 1, 2, 3, 4, 10, 190, 80007, 130429, 131000, 131005, 131016, 131031, 131042, 131048, 131056, 131057, 133004}
)
_WINDOW_CLOSED = 131047

# Whether the person wrote to us within the last 24 hours, by their number.
WroteLately = Callable[[str], bool]


class WhatsAppSender:
    """One business number; `url` is `https://graph.facebook.com/v…/PHONE_NUMBER_ID/messages`."""

    def __init__(self, url: str, *, token: str, client: httpx2.Client, wrote_lately: WroteLately) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = client
        self._wrote_lately = wrote_lately

    def send(self, message: Outgoing) -> Left:
        """Hand it to Meta; as a template where free text would not arrive. Raises SendTrouble, SendRefused."""
        if self._wrote_lately(message.address):
            answer = self._post(message, self._freely(message))
            if _error_of(answer) != _WINDOW_CLOSED:
                return _left(answer)
        if message.template == CHAT_REPLY or not message.template:
            raise SendRefused("the 24 hours to answer in are over")
        return _left(self._post(message, _as_template(message)))

    def _post(self, message: Outgoing, content: dict[str, Any]) -> httpx2.Response:
        body = {
            "messaging_product": "whatsapp",
            "to": message.address.lstrip("+"),
            "biz_opaque_callback_data": str(message.id),
            **content,
        }
        return call(self._client, "POST", self._url, json=body, headers=self._headers)

    def _freely(self, message: Outgoing) -> dict[str, Any]:
        if message.picture is not None:
            image = {"id": self._upload(message.picture), "caption": message.text[:_CAPTION]}
            return {"type": "image", "image": image}
        if message.choices and len(message.text) <= _WITH_BUTTONS:
            return _with_choices(message)
        return {"type": "text", "text": {"body": message.text[:_TEXT]}}

    def _upload(self, picture: bytes) -> str:
        url = self._url.removesuffix("/messages") + "/media"
        form = {"messaging_product": "whatsapp", "type": "image/png"}
        files = {"file": ("tiket.png", picture, "image/png")}
        answer = call(self._client, "POST", url, data=form, files=files, headers=self._headers)
        _check(answer)
        found = _json(answer).get("id")
        if not isinstance(found, str):
            raise SendTrouble("no id of the picture")
        return found


def _with_choices(message: Outgoing) -> dict[str, Any]:
    buttons = len(message.choices) <= MOST_BUTTONS and not any(choice.detail for choice in message.choices)
    if buttons:
        action: dict[str, Any] = {
            "buttons": [
                {"type": "reply", "reply": {"id": choice.answer, "title": choice.label[:_BUTTON_TITLE]}}
                for choice in message.choices
            ]
        }
    else:
        rows = [
            {"id": choice.answer, "title": choice.label[:_ROW_TITLE]}
            | ({"description": choice.detail[:_ROW_DETAIL]} if choice.detail else {})
            for choice in message.choices[:MOST_ROWS]
        ]
        action = {"button": "Choose" if message.language == "en" else "Pilih", "sections": [{"rows": rows}]}
    # Rows say what the text lists.
    words = message.text if buttons else message.question or message.text
    interactive = {"type": "button" if buttons else "list", "body": {"text": words}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def _as_template(message: Outgoing) -> dict[str, Any]:
    # A value may have no line breaks and no run of blanks.
    values = [" ".join(value.split())[:_VALUE] or "…" for value in message.values]
    template: dict[str, Any] = {"name": message.template, "language": {"code": message.language}}
    if values:
        parameters = [{"type": "text", "text": value} for value in values]
        template["components"] = [{"type": "body", "parameters": parameters}]
    return {"type": "template", "template": template}


def _left(answer: httpx2.Response) -> Left:
    _check(answer)
    told = _json(answer).get("messages")
    ref = told[0].get("id") if isinstance(told, list) and told and isinstance(told[0], dict) else None
    return Left(by="whatsapp", ref=ref if isinstance(ref, str) else None)


def _check(answer: httpx2.Response) -> None:
    code = _error_of(answer)
    if code in _LATER:
        raise SendTrouble(f"error {code}")
    if code is not None and answer.status_code < 500:
        raise SendRefused(f"error {code}")
    check(answer)


def _error_of(answer: httpx2.Response) -> int | None:
    error = None if answer.is_success else _json(answer).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else None


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
