"""The doses a P-Care has: told, corrected, taken back, asked for, and now and then forgotten.

It recognises no repeat: what is sent twice stands there twice, so that whoever sends twice is found out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NEEDED = ("noReferensi", "nik", "nama", "tglLahir", "kdProvider", "kdVaksin", "noBatch", "dosisKe", "tglVaksinasi")

# What can go wrong with one request: before it is carried out (slow only delays it), and after.
TROUBLES = ("slow", "html", "inside", "lost", "garbled", "twice")


class Unacceptable(Exception):
    """The register will not have it; `code` is the one inside the answer."""

    def __init__(self, code: int, words: str) -> None:
        self.code = code
        super().__init__(words)


@dataclass(slots=True)
class DoseRegister:
    """What was told, by number. `troubles` come one a request; `refuses` says why it will not have one; `told` hears of each."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    troubles: deque[str] = field(default_factory=deque)
    slow_s: float = 0.2
    refuses: Callable[[Mapping[str, Any]], str | None] = lambda _record: None
    told: Callable[[str, Mapping[str, Any]], None] | None = None
    most: int | None = None

    def trouble(self) -> str | None:
        """What goes wrong with the next request."""
        return self.troubles.popleft() if self.troubles else None

    def carry_out(
        self, method: str, places: Mapping[str, Any], body: Mapping[str, Any], *, twice: bool = False
    ) -> tuple[object, int]:
        """The answer and its code. Raises Unacceptable."""
        if method == "POST":
            number = self._add(body)
            if twice:
                self._add(body)
            return {"field": "noVaksinasi", "message": number}, 201
        if method == "GET":
            return self._asked(places), 200
        number = str(places["number"])
        if number not in self.records:
            raise Unacceptable(404, "Data tidak ditemukan")
        if method == "DELETE":
            del self.records[number]
            return None, 200
        self._check(body)
        self.records[number] = {**body, "noVaksinasi": number}
        return {"noVaksinasi": number}, 200

    def forget(self, number: str) -> None:
        """Lose a record that was accepted."""
        del self.records[number]

    def numbers_of(self, reference: str) -> list[str]:
        """Under which numbers something stands that was called so."""
        return [number for number, record in self.records.items() if record["noReferensi"] == reference]

    def _add(self, body: Mapping[str, Any]) -> str:
        self._check(body)
        self.added[str(body["noReferensi"])] += 1
        number = f"VAK{sum(self.added.values()):09d}"
        self.records[number] = {**body, "noVaksinasi": number}
        if self.told is not None:
            self.told(number, body)
        if self.most is not None and len(self.records) > self.most:
            del self.records[next(iter(self.records))]
        return number

    def _check(self, body: Mapping[str, Any]) -> None:
        missing = [name for name in _NEEDED if not body.get(name)]
        if missing:
            raise Unacceptable(412, f"{missing[0]} harus diisi")
        if len(str(body["nik"])) != 16:
            raise Unacceptable(412, f"NIK {body['nik']} tidak valid")
        reason = self.refuses(body)
        if reason:
            raise Unacceptable(412, reason)

    def _asked(self, places: Mapping[str, Any]) -> object:
        if "reference" in places:
            found = self.numbers_of(str(places["reference"]))
            if not found:
                raise Unacceptable(204, "No Content")
            return self.records[found[0]]
        there = [
            record
            for record in self.records.values()
            if (record["kdProvider"], record["tglVaksinasi"]) == (places["facility"], places["day"])
        ]
        page = there[places["offset"] : places["offset"] + places["limit"]]
        return {"count": len(there), "list": page}
