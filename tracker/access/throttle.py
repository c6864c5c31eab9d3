"""How often log-in may be tried, per address and per user name, in this process."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from tracker.access.errors import TooManyAttempts


class LoginThrottle:
    """Counts attempts in a moving minute; the user name is counted too, so many addresses do not help."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, address: str, username: str) -> None:
        """Count one attempt; raises TooManyAttempts when there were too many."""
        keys = (("address", address), ("user", username.strip().lower()))
        allowed = [self._window.hit(self._limit, *key) for key in keys]  # both are counted, even when one is spent
        if not all(allowed):
            raise TooManyAttempts(retry_after_s=60)
