"""The kinds of cold equipment a vaccine programme owns, in round but honest numbers.

Conductances and masses are of the order that makers publish for such appliances (a 60-litre ice-lined
fridge loses some 20 W through its walls at 30 °C and holds over about two days). They are not of any maker's
model and claim no accuracy beyond the shape of a curve.
"""

from __future__ import annotations

from simulators.physics.enclosure import EnclosureSpec

ICE_LINED_FRIDGE = EnclosureSpec(
    name="ice-lined fridge",
    compartment_j_per_k=60_000,
    wall_w_per_k=0.9,
    bank_w_per_k=5.0,
    plate_j_per_k=4_000,
    ice_kg=12.0,
    cooling_w=90,
    cooling_floor_c=-35,
    on_above_c=5.0,
    off_below_c=3.5,
    door_w_per_k=14,
)
HOUSEHOLD_FRIDGE = EnclosureSpec(
    name="household fridge",
    compartment_j_per_k=45_000,
    wall_w_per_k=1.5,
    bank_w_per_k=8.0,
    plate_j_per_k=4_000,
    ice_kg=0.0,
    cooling_w=110,
    cooling_floor_c=-35,
    on_above_c=5.6,
    off_below_c=3.2,
    door_w_per_k=20,
)
FREEZER = EnclosureSpec(
    name="freezer",
    compartment_j_per_k=80_000,
    wall_w_per_k=0.9,
    bank_w_per_k=10.0,
    plate_j_per_k=4_000,
    ice_kg=0.0,
    cooling_w=260,
    cooling_floor_c=-45,
    on_above_c=-18.5,
    off_below_c=-21.5,
    door_w_per_k=16,
)
COLD_ROOM = EnclosureSpec(
    name="walk-in cold room",
    compartment_j_per_k=4_000_000,
    wall_w_per_k=35,
    bank_w_per_k=350,
    plate_j_per_k=60_000,
    ice_kg=0.0,
    cooling_w=3_200,
    cooling_floor_c=-30,
    on_above_c=5.5,
    off_below_c=3.5,
    door_w_per_k=300,
)
FREEZER_ROOM = EnclosureSpec(
    name="walk-in freezer room",
    compartment_j_per_k=4_000_000,
    wall_w_per_k=30,
    bank_w_per_k=350,
    plate_j_per_k=60_000,
    ice_kg=0.0,
    cooling_w=7_000,
    cooling_floor_c=-45,
    on_above_c=-18.5,
    off_below_c=-21.5,
    door_w_per_k=300,
)
COLD_BOX = EnclosureSpec(
    name="cold box with conditioned ice packs",
    compartment_j_per_k=25_000,
    wall_w_per_k=0.25,
    bank_w_per_k=1.4,
    plate_j_per_k=500,
    ice_kg=5.0,
    cooling_w=0,
    cooling_floor_c=-1,
    on_above_c=5.0,
    off_below_c=3.0,
    door_w_per_k=6,
)
TRUCK = EnclosureSpec(
    name="refrigerated truck",
    compartment_j_per_k=700_000,
    wall_w_per_k=25,
    bank_w_per_k=250,
    plate_j_per_k=40_000,
    ice_kg=0.0,
    cooling_w=2_600,
    cooling_floor_c=-30,
    on_above_c=5.5,
    off_below_c=3.5,
    door_w_per_k=200,
)

BY_KIND: dict[str, EnclosureSpec] = {
    "fridge": ICE_LINED_FRIDGE,
    "household_fridge": HOUSEHOLD_FRIDGE,
    "freezer": FREEZER,
    "cold_room": COLD_ROOM,
    "freezer_room": FREEZER_ROOM,
    "cold_box": COLD_BOX,
    "truck": TRUCK,
}
"""Equipment kinds as the tracker names them on the wire, and one of our own for the fridge without ice."""
