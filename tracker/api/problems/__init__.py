"""Code → status and sentence: the one table of everything this house refuses, a file a room."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tracker.api.problems.problem import Problem


def load_problems() -> dict[str, Problem]:
    """The whole table; a code that two rooms claim is a mistake and stops the program."""
    table: dict[str, Problem] = {}
    for module in iter_modules(__path__):
        found: dict[str, Problem] = getattr(import_module(f"{__name__}.{module.name}"), "PROBLEMS", {})
        for code, problem in found.items():
            if code in table:
                raise RuntimeError(f"the error code {code} is listed twice")
            table[code] = problem
    return table


PROBLEMS = load_problems()

__all__ = ["PROBLEMS", "Problem", "load_problems"]
