"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import NotFound, Refused, Unauthenticated


class MouthClosed(NotFound):
    """The installation is not set up for the medium."""

    code = "mouths.closed"


class NotSigned(Unauthenticated):
    """The delivery is not signed by whom it should come from, or its password is wrong."""

    code = "mouths.not_signed"


class BadDelivery(Refused):
    """The delivery is not in the form of its medium; `field` is where it is not."""

    code = "mouths.bad_delivery"
