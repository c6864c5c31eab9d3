"""The sentences of a refusal that was kept as its code and parameters."""

from __future__ import annotations

from collections.abc import Mapping

from tracker.api.problems import PROBLEMS
from tracker.api.problems.saying import say


def sentences_of(code: str, params: Mapping[str, object]) -> dict[str, str]:
    """Both sentences, by language; those of any refusal for a code that a later version no longer knows."""
    problem = PROBLEMS.get(code, PROBLEMS["domain.error"])
    return {language: say(problem, params, language) for language in ("id", "en")}
