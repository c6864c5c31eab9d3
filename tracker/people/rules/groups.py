"""Groups of people whose turn it may be first: how they are called, however that is written. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from tracker.people.errors import UnknownGroup


class PersonGroup(StrEnum):
    """What places and turns are kept for."""

    NAKES = "nakes"  # health workers
    LANSIA = "lansia"  # the elderly


_WRITTEN = {
    "health_worker": PersonGroup.NAKES,
    "health_workers": PersonGroup.NAKES,
    "tenaga_kesehatan": PersonGroup.NAKES,
    "elderly": PersonGroup.LANSIA,
    "lanjut_usia": PersonGroup.LANSIA,
    **{group.value: group for group in PersonGroup},
}


def plain(text: str) -> str:
    """A word in one form: small letters of any width, with one line where blanks or dashes were."""
    return "_".join(re.sub(r"[-_\s]+", " ", unicodedata.normalize("NFKC", text)).casefold().split())


def groups_meant(groups: Iterable[str]) -> set[PersonGroup]:
    """The groups that are meant; words kept of old that mean none are passed over."""
    return {_WRITTEN[word] for word in map(plain, groups) if word in _WRITTEN}


def clean_groups(groups: Iterable[str]) -> list[str]:
    """Names of groups in one form, in order; blank ones are none. Raises UnknownGroup, with what is known, the nearest first.

    Trap: `nakez` was kept, and no place of the health workers was ever offered.
    """
    words = {plain(group) for group in groups} - {""}
    if unknown := sorted(words - set(_WRITTEN)):
        near = [_WRITTEN[word] for word in get_close_matches(unknown[0], _WRITTEN)]
        raise UnknownGroup(
            field="groups", name=unknown[0], known=[one.value for one in dict.fromkeys([*near, *PersonGroup])]
        )
    return sorted(groups_meant(words))
