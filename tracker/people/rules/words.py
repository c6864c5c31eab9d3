"""The words of this room. Pure."""

from __future__ import annotations

from enum import StrEnum


class Identity(StrEnum):
    """What is known of a person's identity number."""

    PROVEN = "proven"  # somebody who answers for it has entered it: at most one person has a number proven
    CLAIMED = "claimed"  # typed by a stranger on a public page; nobody has seen the card, so it gives no rights
    NONE = "none"  # there is none, for a reason


class WithoutNik(StrEnum):
    """Why a person has no identity number, or none that could be entered."""

    INFANT = "infant"
    FOREIGNER = "foreigner"
    NO_PAPERS = "no_papers"
    UNKNOWN = "unknown"  # the person has one, and it is not at hand, or somebody else's record holds it


class PersonAct(StrEnum):
    """What was done with a person's record."""

    READ = "read"
    SEARCHED = "searched"
    CHANGED = "changed"
    NIK_CORRECTED = "nik_corrected"
    MERGED = "merged"
