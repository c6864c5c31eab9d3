"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class AdverseNotFound(NotFound):
    """There is no such adverse event within the caller's reach."""

    code = "adverse.not_found"


class NoDose(Conflict):
    """The booking has no dose that something could have followed."""

    code = "adverse.no_dose"


class OtherAdverse(Conflict):
    """The id was used for another adverse event."""

    code = "adverse.other_content"


class NothingTold(Refused):
    """Neither a symptom nor a word."""

    code = "adverse.nothing_told"


class BadOnset(Refused):
    """It cannot have begun before the dose, nor in time to come."""

    code = "adverse.bad_onset"


class DeathIsSerious(Refused):
    """Somebody died, so it was serious."""

    code = "adverse.death_is_serious"


class UnknownSymptom(Refused):
    """The list has no such symptom."""

    code = "adverse.unknown_symptom"


class NotSerious(Conflict):
    """Only serious ones that stand are looked into."""

    code = "adverse.not_serious"
