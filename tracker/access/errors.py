"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, Forbidden, Refused, Unauthenticated


class BadCredentials(Unauthenticated):
    """User name and password do not fit together."""

    code = "access.bad_credentials"


class TooManyAttempts(Refused):
    """Log-in was tried too often in a short time."""

    code = "access.too_many_attempts"


class CsrfFailed(Forbidden):
    """The form's token is missing or belongs to another log-in."""

    code = "access.csrf_failed"


class BadUsername(Refused):
    """Nothing of the user name can be seen."""

    code = "access.bad_username"


class UsernameTaken(Conflict):
    """Another account has this user name."""

    code = "access.username_taken"


class UnknownUnit(Refused):
    """There is no such unit in the caller's reach."""

    code = "access.unknown_unit"


class GrantBeyondOwn(Forbidden):
    """A role may be given only by someone who holds all of its permissions over that unit."""

    code = "access.grant_beyond_own"


class WeakPassword(Refused):
    """The password is shorter than ten characters."""

    code = "access.weak_password"


class KeyEnded(Conflict):
    """The key was rotated or revoked, or has run out."""

    code = "access.key_ended"


class OtherKey(Conflict):
    """The id was used for a key with another name or scope."""

    code = "access.other_key"


class TooManyKeys(Conflict):
    """The account has as many live keys as one may have."""

    code = "access.too_many_keys"
