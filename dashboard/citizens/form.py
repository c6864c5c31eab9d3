"""What a citizen types to book a place, and everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from fastapi import Request

from dashboard.frame.sentences import sentence_of
from tracker.kit.errors import DomainError
from tracker.people.rules.contact import clean_name, clean_phone
from tracker.people.rules.nik import read_nik


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The fields as they were typed; given back as they are. The identity number is not shown by `repr`."""

    nik: str = ""
    name: str = ""
    phone: str = ""
    residence: str = ""

    def __repr__(self) -> str:
        return "Typed()"

    def problems(self, today: date, language: str, needed: tuple[str, ...] = ("nik", "name")) -> dict[str, str]:
        """Field → what is wrong with it, by the rules that will judge them again when they are kept.

        A phone is looked at where there is one or it is `needed`.
        """
        checks: dict[str, Callable[[], object]] = {
            "nik": lambda: read_nik(self.nik, today),
            "name": lambda: clean_name(self.name),
            "phone": lambda: clean_phone(self.phone),
        }
        found = {}
        for field, check in checks.items():
            if field not in needed and not (field == "phone" and self.phone):
                continue
            try:
                check()
            except DomainError as error:
                found[field] = sentence_of(error, language)
        return found


def address_of(request: Request) -> str:
    """Where a form came from, for counting."""
    return request.client.host if request.client else "?"
