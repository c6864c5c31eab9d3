"""How often log-in may be tried, per address and per user name, in this process."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from tracker.access.errors import TooManyAttempts
from tracker.access.rules import plain_username

# A health office with all its staff stands behind one address.
_PEOPLE_PER_ADDRESS = 6
_HOME = RateLimitItemPerMinute(1, 60 * 24 * 30)  # once in a month: a window in which an address is known


class LoginThrottle:
    """Counts attempts in a moving minute: of an address, of a name from one address, and of a name from all addresses.

    The last bound keeps many addresses from guessing together, and would let them lock the owner out; so an address
    from which the name got in before is not held to it.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_user = RateLimitItemPerMinute(per_minute)
        self._per_address = RateLimitItemPerMinute(per_minute * _PEOPLE_PER_ADDRESS)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, address: str, username: str) -> None:
        """Count one attempt; raises TooManyAttempts when there were too many."""
        name = plain_username(username)
        # All are counted, even when one is spent.
        here = self._window.hit(self._per_user, "here", name, address)
        place = self._window.hit(self._per_address, "address", address)
        known = not self._window.test(_HOME, "home", name, address)
        anywhere = known or self._window.hit(self._per_user, "user", name)
        if not (here and place and anywhere):
            raise TooManyAttempts(retry_after_s=60)

    def got_in(self, address: str, username: str) -> None:
        """Remember that this name belongs at this address."""
        self._window.hit(_HOME, "home", plain_username(username), address)
