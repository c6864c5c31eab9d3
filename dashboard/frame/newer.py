"""A form that shows what stands carries its version in a hidden field: who saves it overwrites nothing newer. See docs/adr/0040."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from dashboard.frame.texts import Texts, mark
from tracker.edge.versions import Stale, insist

FIELD = "versi"
_CHANGED = mark(
    "Sudah diubah orang lain sejak Anda membukanya. Sekarang: %(stands)s. Yang Anda tulis masih di sini: simpan lagi bila itu yang benar."
)


def insist_unchanged(wrote: Mapping[str, str], stands: Mapping[str, str]) -> None:
    """That the form was drawn from what stands, by field, of what is locked; who wrote what stands anyway overwrites nothing.

    A form without the field asks for no care, as a request without `If-Match` does. Raises Stale.
    """
    if wrote.get(FIELD) and any(wrote.get(name, "") != value for name, value in stands.items()):
        insist(wrote[FIELD], stands)


def standing(stale: Stale) -> Mapping[str, str]:
    """What stands, by field of the form."""
    return cast("Mapping[str, str]", stale.params["now"])


def changed(texts: Texts, stands: Iterable[tuple[str, str]]) -> str:
    """What to say to whoever came too late, with what stands now as (word, value)."""
    said = ", ".join(f"{word} {value}" for word, value in stands) or "–"
    return texts.gettext(_CHANGED) % {"stands": said}
