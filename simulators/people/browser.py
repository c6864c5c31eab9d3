"""One person's browser: logs in on the page, sends the pages' forms, and their calls with the page's own CSRF token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

from simulators.people.http import Answer, Away, Phone

LOG_IN = "/masuk"
_CSRF = re.compile(r'data-csrf="([^"]+)"')


class Browser(Phone):
    """A phone that is known by its cookie. What the pages' scripts call is asked as they ask it."""

    def submit(self, page: str, action: str, fields: Mapping[str, str]) -> Answer:
        """Open a page, fill in fields of its form for `action`, and send it. Raises `Away`, `Stopped`."""
        return self.send(self.get(page), action, fields)

    def send(self, shown: Answer, action: str, fields: Mapping[str, str]) -> Answer:
        """Fill in fields of the form for `action` of a page that is open, and send it; a page without one is the answer."""
        form = form_in(shown.text, action)
        if form is None:
            return shown
        return self._request("POST", action, data={**form, **fields})

    def _stranger(self, answer: Answer) -> bool:
        return answer.status == 401 or answer.leads_to.startswith(LOG_IN)

    def _log_in(self) -> None:
        self._proof = {}
        answer = self._insist("POST", LOG_IN, data={"username": self.username, "password": self._password})
        page = self._insist("GET", "/scan")
        csrf = _CSRF.search(page.text)
        if answer.status != 303 or csrf is None:
            raise Away(f"log-in refused: {answer.status}")
        self._proof = {"X-CSRF-Token": csrf[1]}


def done(answer: Answer) -> bool:
    """Whether a form was taken: a page leads on; one that found a fault shows the form again."""
    return answer.status == 303


def form_in(page: str, action: str) -> dict[str, str] | None:
    """What the form of a page for this address would send as it is drawn; None where the page has none."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms.get(action)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._open: dict[str, str] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and said.get("method") == "post":
            self._open = self.forms.setdefault(said.get("action", ""), {})
        if self._open is None:
            return
        name, value = said.get("name", ""), said.get("value", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in self._open or "selected" in said):
            self._open[self._select] = value
        elif tag == "input" and name and (said.get("type") not in ("checkbox", "radio") or "checked" in said):
            self._open[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
