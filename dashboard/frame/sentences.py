"""The sentence of a refusal in a viewer's language, from the one table of all refusals."""

from __future__ import annotations

from tracker.api.problems import PROBLEMS
from tracker.api.problems.saying import say
from tracker.kit.errors import DomainError, Forbidden


def sentence_of(error: DomainError, language: str) -> str:
    """What the table says for the error's code, its parameters filled in; the code where it says nothing.

    What somebody has no right to is no slip in their form: it is raised again, and becomes a page of its own (403).
    """
    if isinstance(error, Forbidden):
        raise error
    problem = PROBLEMS.get(error.code)
    return error.code if problem is None else say(problem, error.params, language)
