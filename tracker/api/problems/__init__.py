"""Code → status and sentence: the one table of everything this house refuses, a file a room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracker.api.problems import (
    access,
    adverse,
    catalog,
    coldchain,
    delivery,
    handsets,
    hotline,
    interest,
    mouths,
    network,
    passport,
    pcare,
    people,
    quota,
    registration,
    sealing,
    shipments,
    stock,
    telemetry,
    trace,
)
from tracker.api.problems.problem import Problem

TABLES: Sequence[Mapping[str, Problem]] = (
    access.PROBLEMS,
    adverse.PROBLEMS,
    catalog.PROBLEMS,
    coldchain.PROBLEMS,
    delivery.PROBLEMS,
    handsets.PROBLEMS,
    hotline.PROBLEMS,
    interest.PROBLEMS,
    mouths.PROBLEMS,
    network.PROBLEMS,
    passport.PROBLEMS,
    pcare.PROBLEMS,
    people.PROBLEMS,
    quota.PROBLEMS,
    registration.PROBLEMS,
    sealing.PROBLEMS,
    shipments.PROBLEMS,
    stock.PROBLEMS,
    telemetry.PROBLEMS,
    trace.PROBLEMS,
)


def one_table(tables: Sequence[Mapping[str, Problem]]) -> dict[str, Problem]:
    """All tables as one; a code that two rooms claim is a mistake and stops the program."""
    table: dict[str, Problem] = {}
    for each in tables:
        for code, problem in each.items():
            if code in table:
                raise RuntimeError(f"the error code {code} is listed twice")
            table[code] = problem
    return table


PROBLEMS = one_table(TABLES)

__all__ = ["PROBLEMS", "TABLES", "Problem", "one_table"]
