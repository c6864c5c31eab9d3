"""Every refusal the code can make has a status and a sentence in both languages, and no row is left over."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from string import Formatter

import ingest
import tracker
from tracker.api.problems import PROBLEMS
from tracker.kit.errors import Conflict, DomainError, Forbidden, NotFound, Refused, Unauthenticated

STATUSES = {
    Unauthenticated: {401},
    Forbidden: {403},
    NotFound: {404},
    Conflict: {409},
    Refused: {400, 413, 415, 422, 429, 503},
}


def _all_errors() -> set[type[DomainError]]:
    for package in (tracker, ingest):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    found: set[type[DomainError]] = set()
    waiting = [DomainError]
    while waiting:
        for child in waiting.pop().__subclasses__():
            if child.__module__.startswith(("tracker.", "ingest.")):
                found.add(child)
                waiting.append(child)
    return found


def test_every_domain_error_has_a_row_with_a_fitting_status() -> None:
    for error in _all_errors():
        assert error.code in PROBLEMS, f"{error.__qualname__} has no row: {error.code}"
        expected = next((s for base, s in STATUSES.items() if base in error.__mro__), None)
        if expected is not None:
            assert PROBLEMS[error.code].status in expected, error.code


def test_every_row_belongs_to_an_error_or_to_the_edge() -> None:
    known = {error.code for error in _all_errors()} | {"domain.error"}
    left_over = {code for code in PROBLEMS if code not in known and not code.startswith("api.")}
    assert left_over == set()


def test_both_sentences_are_there_and_name_the_same_parameters() -> None:
    for code, problem in PROBLEMS.items():
        # A scan has its own sentence in each language.
        in_english = problem.id.replace("{message_id}", "{message}")
        names = [{(f, spec) for _, f, spec, _ in Formatter().parse(text) if f} for text in (in_english, problem.en)]
        assert names[0] == names[1], code
        assert problem.id.strip().endswith((".", "…", "}")), code
        assert problem.en.strip().endswith((".", "…", "}")), code
        assert problem.id != problem.en, code


def test_codes_are_room_and_reason() -> None:
    for code in PROBLEMS:
        room, _, reason = code.partition(".")
        assert room, code
        assert reason == reason.lower() != "", code
