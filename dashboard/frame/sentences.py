"""The sentence of a refusal in a viewer's language, from the one table of all refusals."""

from __future__ import annotations

from tracker.api.problems import PROBLEMS
from tracker.kit.errors import DomainError


class _Params(dict[str, object]):
    """Leaves a placeholder standing where an error carries no such parameter."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentence_of(error: DomainError, language: str) -> str:
    """What the table says for the error's code, its parameters filled in; the code where it says nothing."""
    problem = PROBLEMS.get(error.code)
    if problem is None:
        return error.code
    return (problem.id if language == "id" else problem.en).format_map(_Params(error.params))
