"""The words of this room. Pure."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How it went with the person, as ICH E2B has it."""

    UNKNOWN = "unknown"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    SEQUELAE = "sequelae"  # recovered, and something stays
    DIED = "died"


class Level(StrEnum):
    """Who has to look into a serious one: the head of the facility, and the health office above it."""

    FACILITY = "facility"
    OFFICE = "office"
