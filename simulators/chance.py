"""Chance that can be repeated: every draw is named, none depends on what was drawn before.

A generator that is asked in turn gives another world as soon as somebody asks once more. Here each draw is
keyed by words ("weather", device, day), so a simulator that restarts, or skips a night, still sees the
same weather and the same visits at the same instants.
"""

from __future__ import annotations

import hashlib
import random


def dice(*words: object) -> random.Random:
    """A generator of its own for these words; the same words always give the same sequence."""
    text = "\x1f".join(str(word) for word in words)
    return random.Random(hashlib.sha256(text.encode()).digest())


def uniform(low: float, high: float, *words: object) -> float:
    """One number in [low, high) that belongs to these words."""
    digest = hashlib.blake2b("\x1f".join(str(word) for word in words).encode(), digest_size=8).digest()
    return low + (high - low) * int.from_bytes(digest, "big") / 2**64
