"""A request is understood whole or refused: a name that a route does not know, or hears twice, never goes unsaid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import get_origin

from fastapi import Request
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import FormData

from tracker.kit.errors import Refused
from tracker.kit.members import given_twice

UNKNOWN = "unknown_name"
MOST_FIELDS = 1_000
_BLANK = re.compile(r"\{(\w+)\}")
_BLANKS = {"n": r"\d{1,4}", "id": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"}
_TWICE = {"type": "given_twice", "msg": "This name is given more than once.", "input": None}


class GivenTwice(Refused):
    """A form says one field more than once: of two amounts, which was meant?"""

    code = "api.given_twice"


class UnknownField(Refused):
    """A form says a field that its route does not read: whoever sent it thinks that it was understood."""

    code = "api.unknown_field"


def names_known(dependant: Dependant) -> Iterator[str]:
    """The names a route reads from its query, its dependencies' too."""
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from names_known(inner)


def refuse_unknown(request: Request, dependant: Dependant) -> None:
    """Raise RequestValidationError, naming what is unknown and the nearest name that is not; also for a name given twice.

    A second value would be dropped without a word.
    """
    if not request.query_params:
        return
    known = sorted(set(names_known(dependant)))
    found = [_problem("query", name, known) for name in dict.fromkeys(request.query_params) if name not in known]
    twice = [{**_TWICE, "loc": ("query", name)} for name in known if len(request.query_params.getlist(name)) > 1]
    if found or twice:
        raise RequestValidationError([*found, *twice])


async def refuse_twice(request: Request) -> None:
    """Raise RequestValidationError for names that one object of a JSON body has twice."""
    if "json" not in request.headers.get("content-type", "").lower():
        return
    twice: list[str] = []

    def read(pairs: list[tuple[str, object]]) -> None:
        twice.extend(given_twice(pairs))

    try:
        json.loads(await request.body(), object_pairs_hook=read)
    except (ValueError, RecursionError):
        return  # no JSON, which whoever reads it says
    if twice:
        raise RequestValidationError([{**_TWICE, "loc": ("body", name)} for name in dict.fromkeys(twice)])


@dataclass(frozen=True, slots=True, kw_only=True)
class FormNames:
    """Which fields a form has; of which there may be many; how many in all.

    A name may have blanks, for what differs from line to line: `{n}` is a number, `{id}` an id, any other a word.
    """

    names: tuple[str, ...]
    lists: frozenset[str] = frozenset()
    most: int = MOST_FIELDS
    open: bool = False
    """Read into a model, which says itself whether there may be more."""

    @classmethod
    def read_by(cls, dependant: Dependant) -> FormNames:
        """The fields that a route reads one by one, its dependencies' too."""
        fields = list(_fields_of(dependant))
        kinds = [field.field_info.annotation for field in fields]
        return cls(
            names=tuple(field.alias for field in fields),
            lists=frozenset(field.alias for field, kind in zip(fields, kinds, strict=True) if _is_list(kind)),
            open=any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds),
        )

    def knows(self, name: str) -> bool:
        """Whether a form of this kind has a field of that name."""
        return self.open or any(_shape(one).fullmatch(name) for one in self.names)


async def form_once(request: Request, names: FormNames) -> FormData:
    """A request's form, each field one that it knows, and once; raises GivenTwice, UnknownField naming the first other.

    Of a form that machines send (in the description of the API) RequestValidationError, naming the nearest field, too.
    """
    form = await request.form(max_fields=names.most)
    twice = set(given_twice(form.multi_items())) - names.lists
    unknown = [name for name in form if not names.knows(name)]
    if not twice and not unknown:
        return form
    await form.close()
    if twice:
        raise GivenTwice(field=min(twice))
    if request.scope["route"].include_in_schema:
        raise RequestValidationError([_problem("body", name, sorted(names.names)) for name in dict.fromkeys(unknown)])
    raise UnknownField(field=min(unknown))


@cache
def _shape(name: str) -> re.Pattern[str]:
    plain = _BLANK.split(name)
    return re.compile("".join(_BLANKS.get(one, "[^/]*") if at % 2 else re.escape(one) for at, one in enumerate(plain)))


def _fields_of(dependant: Dependant) -> Iterator[ModelField]:
    yield from dependant.body_params
    for inner in dependant.dependencies:
        yield from _fields_of(inner)


def _is_list(kind: object) -> bool:
    return get_origin(kind) in (list, Sequence)


def _problem(part: str, name: str, known: list[str]) -> dict[str, object]:
    lower = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    hint = f" Did you mean {lower[near[0]]}?" if near else f" Known are: {', '.join(known) or 'none'}."
    return {"type": UNKNOWN, "loc": (part, name), "msg": f"This name is not known here.{hint}", "input": None}
