"""What is lost of the last vial of a session: some people stay away, and a vial cannot be opened in part. Pure."""

from __future__ import annotations

from cmath import exp, pi
from dataclasses import dataclass

from tracker.quota.rules.need import vials_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """`vials` are opened where all of `persons` come, with `left` doses over; at most `most` are over, whoever stays away.

    `expected`: the mean of doses over; None where nobody knows how many come.
    """

    vials: int
    left: int
    most: int
    expected: float | None


def expected_loss(persons: int, doses_per_vial: int, coming: float | None) -> Loss:
    """Of a session for `persons`, each of whom comes with the chance `coming` (0 to 1) whatever the others do."""
    vials = vials_for(persons, 0, doses_per_vial)
    return Loss(
        vials=vials,
        left=vials * doses_per_vial - persons,
        most=doses_per_vial - 1,
        expected=None if coming is None else _mean_over(persons, doses_per_vial, coming),
    )


def _mean_over(persons: int, size: int, coming: float) -> float:
    """The mean of what lacks to the next multiple of `size`, of a binomial number of people.

    How that number falls among the remainders is read from its generating function at the roots of unity.
    """
    roots = [exp(2j * pi * step / size) for step in range(size)]
    values = [(1 - coming + coming * root) ** persons for root in roots]

    def share(remainder: int) -> float:
        turned = (value * roots[-step * remainder % size] for step, value in enumerate(values))
        return sum(turned, 0j).real / size

    return sum((size - remainder) * share(remainder) for remainder in range(1, size))
