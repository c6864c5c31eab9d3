"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound


class RecordNotFound(NotFound):
    """There is no such record within the caller's reach."""

    code = "pcare.record_not_found"


class NotToBeSent(Conflict):
    """The record is settled, or goes by file: there is nothing to send again."""

    code = "pcare.not_to_be_sent"


class GoesByWire(Conflict):
    """The facility's doses leave by themselves: a file would tell them twice."""

    code = "pcare.goes_by_wire"
