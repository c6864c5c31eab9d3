"""What time at a temperature does to a vaccine: mean kinetic temperature and VVM life used."""

from __future__ import annotations

import math

import numpy as np

from tracker.coldchain.rules.limits import Floats

KELVIN = 273.15
GAS_CONSTANT = 8.3144e-3
"""kJ/(mol·K)."""

ACTIVATION = 83.144
"""kJ/mol, USP <1079.2>; makes ΔH/R = 10 000 K. A Q-tag states 83.0 in its file."""

VVM_TYPES = ("VVM2", "VVM7", "VVM14", "VVM30")
"""The types Nexleaf published kinetics for; VVM11 and VVM250 lack a second point to fit."""

# k(T) = A·exp(−B/T) per day, T in kelvin: Goldwood & Diesburg 2018 (Vaccine). Faster than WHO's
# anchors (VVM7 ends after 6.07 days at 37 °C, not 7): the cautious choice.
_VVM_A = np.array([1.4422e17, 2.1532e18, 1.0766e18, 5.1131e17])
_VVM_B = np.array([12429.0, 13652.0, 13652.0, 13657.0])

_DAY_S = 86_400.0


def vvm_life_per_s(temperature_c: Floats) -> Floats:
    """Share of VVM life used per second, shape (n, 4) for n temperatures, in the order of `VVM_TYPES`."""
    kelvin = np.asarray(temperature_c, dtype=np.float64)[:, None] + KELVIN
    life: Floats = _VVM_A * np.exp(-_VVM_B / kelvin) / _DAY_S
    return life


def arrhenius(temperature_c: Floats, activation: float = ACTIVATION) -> Floats:
    """exp(−ΔH/RT), shape (n,); `activation` in kJ/mol."""
    factors: Floats = np.exp(-activation / GAS_CONSTANT / (np.asarray(temperature_c, dtype=np.float64) + KELVIN))
    return factors


def mkt_of_mean(mean_arrhenius: float, activation: float = ACTIVATION) -> float:
    """°C from the time-weighted mean of exp(−ΔH/RT), which must be positive."""
    return (activation / GAS_CONSTANT) / -math.log(mean_arrhenius) - KELVIN


def mkt_c(temperatures_c: Floats, seconds: Floats, activation: float = ACTIVATION) -> float | None:
    """Mean kinetic temperature in °C, time-weighted; None when no time is known. Shapes (n,), (n,).

    Meaningless for frozen storage: callers show it for classes kept above 0 °C only.
    """
    total = float(np.sum(seconds))
    if total <= 0:
        return None
    return mkt_of_mean(float(np.dot(arrhenius(temperatures_c, activation), seconds)) / total, activation)
