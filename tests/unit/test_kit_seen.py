"""What nobody can see is no word: names and reasons of bodies and forms."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from tests.unit.test_docs_names import routes
from tracker.kit.seen import seen

UNSEEN = [
    "\u200b\u200b\u200b",
    "   ",
    "\u2800" * 4,
    "\u3164" * 3,
    "\u200d\u200c\u200d",
    " \u2060\u00ad ",
    "\u202e\u202d\u2066",
]
# Words that somebody writes and others read, by the names fields have.
WORDS = {"reason", "name", "label", "comment", "override", "extra", "manufacturer", "alasan", "nama", "pembuat"}

# Names of persons: `clean_name` judges them, whoever tells them.
JUDGED_LATER = {
    "PersonIn.name",
    "PersonChangeIn.name",
    "/daftar/{session_id} name",
    "/daftar/tiket/{secret}/keluarga name",
    "/daftar/bersedia name",
}


@pytest.mark.parametrize("text", UNSEEN)
def test_what_has_no_ink_is_nothing(text: str) -> None:
    assert seen(text) == ""


@given(st.text())
def test_what_is_seen_stays_and_is_seen_once_more(text: str) -> None:
    kept = seen(text)
    assert seen(kept) == kept
    assert [sign for sign in text if sign.isalnum() and sign.isascii()] == [
        sign for sign in kept if sign.isascii() and sign.isalnum()
    ]
    assert not {"\u202e", "\u2067", "\u200b"} & set(kept)


def test_letters_of_other_scripts_and_joined_signs_are_left_alone() -> None:
    for text in ("Puskesmas Łódź", "می\u200cخواهم", "👩\u200d⚕️", "naïve\ntwo lines"):
        assert seen(text) == text


def fields() -> list[tuple[str, Any]]:
    """Every field of such a name in what is sent to the house, with its type."""
    found: dict[str, Any] = {}
    for route in routes():
        for one in route.dependant.body_params:
            if one.alias in WORDS:
                found[f"{route.path} {one.alias}"] = _type(one.field_info)
            for model in _models(one.field_info.annotation):
                found |= {f"{model.__name__}.{n}": _type(f) for n, f in model.model_fields.items() if n in WORDS}
    return sorted(found.items())


def _type(field: FieldInfo) -> Any:
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def test_no_word_of_a_body_or_form_is_one_that_nobody_sees() -> None:
    known = fields()
    assert len(known) > 25
    wrong = set()
    for name, kind in known:
        for text in UNSEEN:
            try:
                if TypeAdapter(kind).validate_python(text):
                    wrong.add(name)
            except ValidationError:
                pass
    assert wrong == JUDGED_LATER
