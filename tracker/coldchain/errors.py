"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class AlarmNotFound(NotFound):
    """There is no such alarm in the caller's reach."""

    code = "coldchain.alarm_not_found"


class AlreadyAcknowledged(Conflict):
    """Somebody has acknowledged the alarm before."""

    code = "coldchain.already_acknowledged"


class AlarmClosed(Conflict):
    """The alarm is closed, withdrawn, or went on in another one."""

    code = "coldchain.alarm_closed"


class CommentMissing(Refused):
    """Acknowledging an alarm takes a comment."""

    code = "coldchain.comment_missing"
