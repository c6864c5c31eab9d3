"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, Forbidden, NotFound, Refused


class HandsetUnknown(NotFound):
    """The caller has no such handset."""

    code = "handsets.unknown"


class StepNotFound(NotFound):
    """There is no such step within the caller's reach."""

    code = "handsets.step_not_found"


class HandsetTaken(Conflict):
    """The id is another handset's."""

    code = "handsets.taken"


class TooManyHandsets(Conflict):
    """One account has as many handsets as it may."""

    code = "handsets.too_many"


class CutOff(Forbidden):
    """The handset was cut off: it is to forget all it holds."""

    code = "handsets.cut_off"


class StepsMissing(Conflict):
    """Steps before these have not come; `wanted` is the number of the next."""

    code = "handsets.steps_missing"


class ChainBroken(Conflict):
    """The step `number` is not the one that was written down there, or was changed since."""

    code = "handsets.chain_broken"


class StepUnreadable(Refused):
    """The text of a step is no step: `line` says which, from 0."""

    code = "handsets.step_unreadable"


class StepTaken(Conflict):
    """The id of the step `number` is another step's."""

    code = "handsets.step_taken"


class KindUnknown(Refused):
    """No kind of step is called so."""

    code = "handsets.kind_unknown"


class NeedUnknown(Refused):
    """A step that this one builds upon is in nobody's book."""

    code = "handsets.need_unknown"


class NeedDropped(Conflict):
    """A step that this one builds upon was dropped."""

    code = "handsets.need_dropped"


class AlreadySettled(Conflict):
    """The step waits for nobody any more."""

    code = "handsets.settled"


class StillWaiting(Conflict):
    """The step builds upon one that is to be settled first."""

    code = "handsets.still_waiting"


class BodyNeeded(Refused):
    """A correction says what the step should have said."""

    code = "handsets.body_needed"


class BodyWrong(Refused):
    """The body of a step has not the shape of its kind; `fields` says where."""

    code = "handsets.body_wrong"
