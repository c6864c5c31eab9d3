"""Whether what people saw on the vial fits what was measured. Pure."""

from __future__ import annotations

# A VVM reaches its end point (stage 3) when its life is used up; the computed life errs on the safe side
# (telemetry research: the published rates end some 13 % early), so only clear contradictions are flagged.
_SPENT = 1.15
_FRESH = 0.5
_DISCARD_STAGE = 3


def disagrees(stage: int | None, life_used: float | None) -> bool:
    """True when a usable stage was recorded on a spent life, or a discard stage on a fresh one."""
    if stage is None or life_used is None:
        return False
    if stage >= _DISCARD_STAGE:
        return life_used < _FRESH
    return life_used >= _SPENT
