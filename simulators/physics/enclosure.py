"""The heat balance of one cold enclosure: a compartment, a cold bank behind it, a compressor.

Two lumps of heat are enough to show everything the alarms look at. The *compartment* is air, lining and
load together; the *bank* is what the compressor cools: the bare evaporator plate of a household fridge, or
the ice lining of a vaccine fridge, which melts at 0 °C and so holds the compartment cold for days
without power.

Heat in the bank is counted from liquid water at 0 °C: positive while the water is warm, between 0
and -latent while it is part ice, below that when the ice is colder than 0 °C. Temperature follows from heat,
so freezing and melting need no special case and no energy is ever lost between steps (a test adds it up).
"""

from __future__ import annotations

from dataclasses import dataclass

WATER_J_PER_KG_K = 4186.0
ICE_J_PER_KG_K = 2100.0
FUSION_J_PER_KG = 334_000.0

MAX_STEP_S = 30.0
"""Longest step of the explicit integration; the quickest lump here (an evaporator plate) has a time
constant of some 150 s, so this is stable and within some hundredths of a degree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnclosureSpec:
    """What an enclosure is made of. Heat capacities in J/K, conductances in W/K, powers in W."""

    name: str
    compartment_j_per_k: float
    wall_w_per_k: float
    bank_w_per_k: float
    plate_j_per_k: float
    ice_kg: float
    cooling_w: float
    """Heat the compressor moves with its plate at 0 °C; it moves less the colder the plate is."""
    cooling_floor_c: float
    """Plate temperature at which the compressor moves nothing any more."""
    on_above_c: float
    off_below_c: float
    door_w_per_k: float
    """Exchange with the room while the door stands wide open."""

    @property
    def latent_j(self) -> float:
        """Heat that melts the whole ice lining."""
        return self.ice_kg * FUSION_J_PER_KG

    @property
    def is_ice_lined(self) -> bool:
        """Ice-lined and powered: the thermostat then watches the ice, not the air."""
        return self.ice_kg > 0 and self.cooling_w > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What acts on the enclosure during one step."""

    ambient_c: float
    door_open: float = 0.0
    """0 closed, 1 wide open, between: ajar, or open for that share of the step."""
    mains: bool = True
    compressor_health: float = 1.0
    """1 as new, 0 dead."""
    thermostat_stuck: bool = False
    """The thermostat never switches off: the compressor freezes whatever it can."""


@dataclass(slots=True)
class Enclosure:
    """State and books of one enclosure. Heat in joules since the beginning."""

    spec: EnclosureSpec
    compartment_c: float
    bank_j: float
    compressor_on: bool = False
    gained_j: float = 0.0
    """Heat that came in through walls and door (negative where it left)."""
    pumped_j: float = 0.0
    """Heat the compressor carried out."""
    compressor_s: float = 0.0

    @classmethod
    def at_rest(cls, spec: EnclosureSpec) -> Enclosure:
        """As found on an ordinary morning: in the middle of its band, the ice lining frozen."""
        start_c = (spec.on_above_c + spec.off_below_c) / 2
        bank_j = -spec.latent_j if spec.ice_kg else spec.plate_j_per_k * (start_c - 4.0)
        return cls(spec=spec, compartment_c=start_c, bank_j=bank_j)

    @property
    def bank_c(self) -> float:
        """Temperature of plate and ice lining, °C."""
        spec = self.spec
        if self.bank_j >= 0:
            return self.bank_j / (spec.plate_j_per_k + spec.ice_kg * WATER_J_PER_KG_K)
        if self.bank_j >= -spec.latent_j:
            return 0.0
        return (self.bank_j + spec.latent_j) / (spec.plate_j_per_k + spec.ice_kg * ICE_J_PER_KG_K)

    @property
    def frozen_share(self) -> float:
        """Share of the ice lining that is ice, 0 to 1; 0 without a lining."""
        if not self.spec.ice_kg:
            return 0.0
        return min(1.0, max(0.0, -self.bank_j / self.spec.latent_j))

    @property
    def stored_j(self) -> float:
        """Heat held by both lumps, from an arbitrary zero: only differences mean something."""
        return self.spec.compartment_j_per_k * self.compartment_c + self.bank_j

    def advance(self, seconds: float, around: Surroundings) -> None:
        """Let time pass under unchanging surroundings."""
        while seconds > 0:
            step = min(seconds, MAX_STEP_S)
            self._step(step, around)
            seconds -= step

    def _step(self, seconds: float, around: Surroundings) -> None:
        spec = self.spec
        self.compressor_on = self._thermostat(around)
        bank_c = self.bank_c
        leak_w = (spec.wall_w_per_k + spec.door_w_per_k * around.door_open) * (around.ambient_c - self.compartment_c)
        to_bank_w = spec.bank_w_per_k * (self.compartment_c - bank_c)
        pumped_w = 0.0
        if self.compressor_on:
            reach = (bank_c - spec.cooling_floor_c) / -spec.cooling_floor_c
            pumped_w = spec.cooling_w * around.compressor_health * min(1.5, max(0.0, reach))
            self.compressor_s += seconds
        self.compartment_c += (leak_w - to_bank_w) * seconds / spec.compartment_j_per_k
        self.bank_j += (to_bank_w - pumped_w) * seconds
        self.gained_j += leak_w * seconds
        self.pumped_j += pumped_w * seconds

    def _thermostat(self, around: Surroundings) -> bool:
        spec = self.spec
        if not around.mains or spec.cooling_w <= 0:
            return False
        if around.thermostat_stuck:
            return True
        if spec.is_ice_lined:
            # Ice-lined fridges are steered by their ice: run until it is whole, start again when a
            # twelfth has melted. Their air then sits where wall and lining balance.
            return self.frozen_share < (1.0 if self.compressor_on else 11 / 12)
        if self.compressor_on:
            return self.compartment_c > spec.off_below_c
        return self.compartment_c > spec.on_above_c
