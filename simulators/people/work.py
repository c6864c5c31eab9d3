"""What all actors have in common: a phone, a name, dice of their own, a local clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from simulators.chance import dice
from simulators.people.http import Answer, Phone
from simulators.people.ids import uuid7

WIB = timedelta(hours=7)


class Actor(Protocol):
    """Somebody who acts now and then."""

    @property
    def name(self) -> str:
        """Who it is, for the story."""
        ...

    def act(self, now: datetime) -> str | None:
        """Do one thing; a sentence if it is worth telling. Raises `Away` and `Stopped`."""
        ...

    def rest_s(self) -> float:
        """Seconds until the next act."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class Worker:
    """Base of the actors. `pace_s` is the mean rest between two acts."""

    pace_s = 30.0

    def __init__(self, phone: Phone, what: str, *, seed: str) -> None:
        self.phone = phone
        self.name = f"{phone.username} ({what})"
        self.seed = seed
        self.dice = dice(self.name, seed)

    def rest_s(self) -> float:
        """The pace, give or take a third."""
        return self.pace_s * self.dice.uniform(0.7, 1.3)

    def close(self) -> None:
        """Hang up."""
        self.phone.close()

    def fresh_id(self, now: datetime) -> str:
        """An id for something that happens now."""
        return uuid7(now, self.dice)

    def settled_id(self, *words: object) -> str:
        """An id that belongs to these words: doing it again is the same act."""
        return str(uuid5(NAMESPACE_URL, "/".join(["rantai-simulators", self.seed, *map(str, words)])))


def refusal(answer: Answer) -> str:
    """Why it was not done, for the story."""
    return f"refused: {answer.code or answer.status}"


def western_clock(now: datetime) -> datetime:
    """The wall clock of western Indonesia."""
    return now + WIB
