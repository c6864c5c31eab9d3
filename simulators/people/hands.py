"""How a storekeeper's work reaches the house: step by step from a phone, or by the forms of a desk."""

from __future__ import annotations

import re
from typing import Any, Protocol

from simulators.people.book import Book
from simulators.people.browser import Browser, done
from simulators.people.http import Answer

_LINE = re.compile(r'data-fill="(v/[^"]+)"\s+data-most="(\d+)"')
"""The key beside a line of a form, with how many vials there are to take."""


class Hands(Protocol):
    """Does what a storekeeper decided; the answer says whether it was taken."""

    def receive(self, shipment: str, receipt: dict[str, Any]) -> Answer:
        """All that came of a shipment (its code), with its id, its instant and its lines."""
        ...

    def record(self, event: dict[str, Any]) -> Answer:
        """One event of the ledger, with one line."""
        ...


class PhoneHands:
    """Writes every step into the phone's book."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def receive(self, shipment: str, receipt: dict[str, Any]) -> Answer:
        """A step `shipment.receipt`."""
        return self._book.write("shipment.receipt", {"shipment": shipment, **receipt, "final": True})

    def record(self, event: dict[str, Any]) -> Answer:
        """A step `stock.event`."""
        return self._book.write("stock.event", event)


class DeskHands:
    """Fills in the pages' forms; what has none as simple (a count is a sheet of a whole place) is called as a program would."""

    def __init__(self, browser: Browser, facility: str) -> None:
        self._browser = browser
        self._facility = facility

    def receive(self, shipment: str, receipt: dict[str, Any]) -> Answer:
        """The form of a receipt, line by line."""
        fields = {"nomor": receipt["id"], "habis": "ya"}
        for line in receipt["lines"]:
            batch = line["batch"]
            fields |= {f"accepted-{batch}": str(line["accepted"]), f"tempat-{batch}": line["place"]}
            if line.get("rejected"):
                fields |= {f"rejected-{batch}": str(line["rejected"]), f"alasan-{batch}": line["reason"]}
        page = f"/pengiriman/{shipment}/terima"
        return _as_answer(self._browser.submit(page, page, fields))

    def record(self, event: dict[str, Any]) -> Answer:
        """The form for vials that are thrown away; all else as an event."""
        if event["kind"] != "waste":
            return self._browser.post("/api/v1/stock/events", event)
        (line,) = event["lines"]
        page = f"/stok/{self._facility}/kerja/buang"
        vials = {f"v-usable-{line['batch']}": str(line["vials"])}
        said = {"nomor": event["id"], "tempat": line["place"], "alasan": line["reason"], **vials}
        return _as_answer(self._browser.submit(f"{page}?tempat={line['place']}", page, said))

    def send(self, to: str, product: str, vials: int, shipment: str) -> Answer:
        """Pack vials of the lot of a product whose turn it is, at most `vials`, and let them leave; how many they were."""
        page = f"/pengiriman/kirim?cara=langsung&dari={self._facility}&produk={product}"
        first = next((found for found in _LINE.findall(self._browser.get(page).text) if int(found[1])), None)
        if first is None:
            return Answer(422, {"code": "nothing to send"})
        field, most = first[0], int(first[1])
        sent = min(vials, most)
        packed = self._browser.submit(page, "/pengiriman/kirim", {"nomor": shipment, "ke": to, field: str(sent)})
        if not done(packed):
            return _as_answer(packed)
        left = self._browser.submit(packed.leads_to, f"{packed.leads_to}/berangkat", {})
        return Answer(200, {"vials": sent}) if done(left) else _as_answer(left)


def _as_answer(answer: Answer) -> Answer:
    """A form's answer as that of a call."""
    return Answer(200, None) if done(answer) else Answer(answer.status if answer.status >= 400 else 409, answer.body)
