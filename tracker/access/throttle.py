"""How often log-in may be tried, per address and per user name, in this process."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from tracker.access.errors import TooManyAttempts

# A health office with all its staff stands behind one address.
_PEOPLE_PER_ADDRESS = 6


class LoginThrottle:
    """Counts attempts in a moving minute; the user name is counted too, so many addresses do not help."""

    def __init__(self, per_minute: int) -> None:
        self._per_user = RateLimitItemPerMinute(per_minute)
        self._per_address = RateLimitItemPerMinute(per_minute * _PEOPLE_PER_ADDRESS)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, address: str, username: str) -> None:
        """Count one attempt; raises TooManyAttempts when there were too many."""
        # Both are counted, even when one is spent.
        user = self._window.hit(self._per_user, "user", username.strip().lower())
        place = self._window.hit(self._per_address, "address", address)
        if not (user and place):
            raise TooManyAttempts(retry_after_s=60)
