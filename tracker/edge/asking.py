"""A request is understood whole or refused: a name that a route does not know, or hears twice, never goes unsaid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
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
_TWICE = {"type": "given_twice", "msg": "This name is given more than once.", "input": None}


class GivenTwice(Refused):
    """A form says one field more than once: of two amounts, which was meant?"""

    code = "api.given_twice"


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


def lists_of(dependant: Dependant) -> Iterator[str]:
    """The fields of a form that may be given many times, as its route reads them."""
    for field in dependant.body_params:
        if get_origin(field.field_info.annotation) in (list, Sequence):
            yield field.alias
    for inner in dependant.dependencies:
        yield from lists_of(inner)


async def form_once(request: Request, *, most: int = MOST_FIELDS) -> FormData:
    """A request's form, each field once but those that its route knows as lists; raises GivenTwice naming the first other."""
    form = await request.form(max_fields=most)
    if twice := set(given_twice(form.multi_items())) - request.scope["route"].lists:
        await form.close()
        raise GivenTwice(field=min(twice))
    return form


def fields_known(dependant: Dependant) -> Iterator[ModelField]:
    """The fields a route reads from its form, its dependencies' too."""
    yield from dependant.body_params
    for inner in dependant.dependencies:
        yield from fields_known(inner)


async def refuse_unknown_fields(request: Request, dependant: Dependant) -> None:
    """The same of a form that is read field by field; what is read into a model says there whether there may be more."""
    fields = list(fields_known(dependant))
    annotations = [field.field_info.annotation for field in fields]
    if any(isinstance(one, type) and issubclass(one, BaseModel) for one in annotations):
        return
    known = sorted({field.alias for field in fields})
    form = await request.form(max_fields=MOST_FIELDS)
    if found := [_problem("body", name, known) for name in dict.fromkeys(form) if name not in known]:
        await form.close()
        raise RequestValidationError(found)


def _problem(part: str, name: str, known: list[str]) -> dict[str, object]:
    lower = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    hint = f" Did you mean {lower[near[0]]}?" if near else f" Known are: {', '.join(known) or 'none'}."
    return {"type": UNKNOWN, "loc": (part, name), "msg": f"This name is not known here.{hint}", "input": None}
