"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class RecallNotFound(NotFound):
    """There is no such recall within the caller's reach."""

    code = "trace.recall_not_found"


class AlreadyRecalled(Conflict):
    """The batch is being recalled already."""

    code = "trace.already_recalled"


class OtherRecall(Conflict):
    """The id belongs to a recall with another batch or reason."""

    code = "trace.other_recall"


class RecallUnfinished(Conflict):
    """Vials of the batch are still in stock somewhere."""

    code = "trace.recall_unfinished"


class RecallIsWithdrawn(Conflict):
    """The recall was withdrawn: it was started by mistake, and is over."""

    code = "trace.recall_withdrawn"


class RecallIsClosed(Conflict):
    """The recall was closed already, for another reason."""

    code = "trace.recall_closed"


class NotAnswered(Refused):
    """The query asks what is not answered here."""

    code = "trace.query_parameter"
