"""The words of this room. Pure."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far a record has come. A record is one version of one dose; what stands last is told."""

    WAITING = "waiting"  # not told yet, or to be told again
    SENT = "sent"  # a request left and nobody knows yet what became of it: asked before it is sent again
    ACCEPTED = "accepted"  # P-Care has it, under its number
    HANDED = "handed"  # handed over in a file
    REFUSED = "refused"  # P-Care will not have it so
    CORRECTED = "corrected"  # a later version stands in its place
    DELETED = "deleted"  # the dose was taken back, and P-Care has it no more


HELD = frozenset({State.ACCEPTED, State.HANDED})
"""States in which the other side has the record."""

OPEN = frozenset({State.WAITING, State.SENT, State.REFUSED})
"""States in which something is still to be done."""


class Why(StrEnum):
    """Why a record waits though it could leave, or was refused."""

    NO_NIK = "no_nik"  # the person has no identity number yet, or only one that is proven somebody else's
    BY_FILE = "by_file"  # the facility hands over by file
    IN_FILE = "in_file"  # it stood in a file that somebody took
    FORGOTTEN = "forgotten"  # P-Care had it and has it no more; it is told anew
    NO_ANSWER = "no_answer"  # no answer that could be understood; it is asked again
    REFUSED = "refused"  # P-Care's own words are beside it


class Reporting(StrEnum):
    """How a facility's doses reach P-Care."""

    WIRE = "wire"
    FILE = "file"


class Task(StrEnum):
    """What is to be done at the other side so that it has what stands."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    NOTHING = "nothing"
