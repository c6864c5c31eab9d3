"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class HoldNotFound(NotFound):
    """There is no such hold in the caller's reach."""

    code = "passport.hold_not_found"


class HoldDecided(Conflict):
    """Somebody has decided about this hold already."""

    code = "passport.hold_decided"


class MovedMeanwhile(Conflict):
    """Vials moved between the look and the lock; the same again will find them."""

    code = "passport.moved_meanwhile"
    passes = True


class ReasonMissing(Refused):
    """A release or a disposition needs a reason in words."""

    code = "passport.reason_missing"


class ShakeTestNeeded(Refused):
    """After freezing, vials are freed by a passed shake test or by the city's override only."""

    code = "passport.shake_test_needed"


class AlarmOngoing(Conflict):
    """An alarm is closed once its readings have stopped violating."""

    code = "passport.alarm_ongoing"


class DispositionMissing(Refused):
    """Closing an alarm needs a disposition for every batch it holds."""

    code = "passport.disposition_missing"


class DispositionTwice(Refused):
    """One batch got two dispositions."""

    code = "passport.disposition_twice"


class BatchNotHeld(Refused):
    """The alarm holds no such batch."""

    code = "passport.batch_not_held"


class NothingThere(NotFound):
    """The batch has never been at this facility."""

    code = "passport.nothing_there"
