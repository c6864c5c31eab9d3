"""The simulated fridges obey the heat balance, and each fault shows what its alarm looks for.

Expected figures come from arithmetic done here (exponentials, steady states, latent heat), never from the
simulator's own step.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from simulators.faults import Fault, FaultKind
from simulators.physics.enclosure import Enclosure, EnclosureSpec, Surroundings
from simulators.physics.specs import BY_KIND, COLD_BOX, FREEZER, HOUSEHOLD_FRIDGE, ICE_LINED_FRIDGE
from simulators.physics.station import Sample, Station
from simulators.physics.usage import DoorHabits
from simulators.physics.weather import Weather
from simulators.scenarios import SCENARIOS, scenario

MORNING = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)  # a Tuesday, 08:00 in Tangerang
FIVE_MINUTES = timedelta(minutes=5)


def station(spec: EnclosureSpec, *faults: Fault, seed: str = "s", hours_before: float = 24) -> Station:
    return Station.switched_on(seed=seed, spec=spec, faults=faults, at=MORNING - timedelta(hours=hours_before))


def samples(of: Station, start: datetime, end: datetime, every: timedelta = FIVE_MINUTES) -> list[Sample]:
    of.live_until(start)
    count = int((end - start) / every)
    return [of.sample(start + every * n) for n in range(count + 1)]


def longest_run(taken: list[Sample], violates: object) -> timedelta:
    """From the first violating sample of the longest run to the sample that ends it."""
    assert callable(violates)
    longest, begun = timedelta(0), None
    for sample in taken:
        if violates(sample):
            begun = begun or sample.at
            longest = max(longest, sample.at - begun)
        elif begun is not None:
            longest = max(longest, sample.at - begun)
            begun = None
    return longest


@pytest.mark.parametrize("kind", sorted(BY_KIND))
def test_no_joule_is_lost_between_walls_compressor_and_what_is_stored(kind: str) -> None:
    enclosure = Enclosure.at_rest(BY_KIND[kind])
    before = enclosure.stored_j
    for minute in range(6 * 60):
        around = Surroundings(
            ambient_c=24 + 10 * math.sin(minute / 40),
            door_open=0.5 if minute % 90 < 3 else 0.0,
            mains=minute % 200 < 150,
        )
        enclosure.advance(60, around)
    assert enclosure.stored_j - before == pytest.approx(enclosure.gained_j - enclosure.pumped_j, abs=1.0)
    assert enclosure.gained_j != 0


def test_without_power_and_ice_the_air_follows_the_exponential_of_its_time_constant() -> None:
    # Plate and compartment warm together when the coupling is much larger than the wall's leak, so the
    # two-lump curve must lie on the one-lump exponential of their joint heat capacity.
    spec = HOUSEHOLD_FRIDGE
    enclosure = Enclosure(spec=spec, compartment_c=4.0, bank_j=4.0 * spec.plate_j_per_k)
    capacity = spec.compartment_j_per_k + spec.plate_j_per_k
    for hour in range(1, 13):
        enclosure.advance(3600, Surroundings(ambient_c=30, mains=False))
        expected = 30 - 26 * math.exp(-hour * 3600 * spec.wall_w_per_k / capacity)
        assert enclosure.compartment_c == pytest.approx(expected, abs=0.25)


def test_an_ice_lining_holds_the_air_at_the_balance_of_its_two_walls_until_the_ice_is_gone() -> None:
    spec = ICE_LINED_FRIDGE
    enclosure = Enclosure.at_rest(spec)
    plateau = 30 * spec.wall_w_per_k / (spec.wall_w_per_k + spec.bank_w_per_k)
    melting_s = spec.ice_kg * 334_000 / (spec.wall_w_per_k * (30 - plateau))
    assert 40 * 3600 < melting_s < 60 * 3600, "a hold-over of about two days"

    enclosure.advance(melting_s * 0.9, Surroundings(ambient_c=30, mains=False))
    assert enclosure.compartment_c == pytest.approx(plateau, abs=0.05)
    assert enclosure.frozen_share == pytest.approx(0.1, abs=0.02)

    enclosure.advance(melting_s * 0.1 + 12 * 3600, Surroundings(ambient_c=30, mains=False))
    assert enclosure.frozen_share == 0
    assert enclosure.compartment_c > 8


def test_the_compressor_runs_for_the_share_of_time_that_the_leak_asks_for() -> None:
    spec = HOUSEHOLD_FRIDGE
    enclosure = Enclosure.at_rest(spec)
    enclosure.advance(6 * 3600, Surroundings(ambient_c=28))
    gained, pumped, ran = enclosure.gained_j, enclosure.pumped_j, enclosure.compressor_s
    enclosure.advance(48 * 3600, Surroundings(ambient_c=28))
    leak_w = (enclosure.gained_j - gained) / (48 * 3600)
    assert leak_w == pytest.approx(spec.wall_w_per_k * (28 - 4.4), rel=0.05)
    assert (enclosure.pumped_j - pumped) == pytest.approx(enclosure.gained_j - gained, rel=0.02)
    duty = (enclosure.compressor_s - ran) / (48 * 3600)
    assert leak_w / (spec.cooling_w * 1.0) < duty < 0.6, "colder plates move less than the rated power"


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("fridge", 2, 8),
        ("household_fridge", 2, 8),
        ("cold_room", 2, 8),
        ("truck", 2, 8),
        ("freezer", -25, -15),
        ("freezer_room", -25, -15),
    ],
)
def test_healthy_equipment_stays_in_its_band_through_three_tropical_days(kind: str, low: float, high: float) -> None:
    for seed in ("one", "two", "three"):
        taken = samples(station(BY_KIND[kind], seed=seed), MORNING, MORNING + timedelta(days=3))
        assert all(low < sample.compartment_c < high for sample in taken)
        assert sum(sample.door_open_s for sample in taken) > 0


def test_a_cold_box_with_conditioned_ice_lasts_a_day_of_outreach() -> None:
    taken = samples(station(COLD_BOX, hours_before=0), MORNING, MORNING + timedelta(hours=24))
    assert all(0 < sample.compartment_c < 8 for sample in taken)


def test_a_power_cut_warms_a_household_fridge_past_eight_degrees_for_over_ten_hours() -> None:
    story = scenario("late_heat", MORNING)
    taken = samples(station(HOUSEHOLD_FRIDGE, *story.faults), MORNING - story.history, MORNING)
    run = longest_run(taken, lambda sample: sample.compartment_c > 8)
    assert run > timedelta(hours=10), "WHO HEAT: above +8 °C for ten hours"
    assert taken[-1].compartment_c > 8
    assert all(sample.power_s == 0 for sample in taken[1:])


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_the_story_of_the_demo_completes_its_heat_alarm_at_any_hour_of_the_day(hour: int, seed: str) -> None:
    began = MORNING + timedelta(hours=hour)
    story = scenario("late_heat", began)
    fridge = Station.switched_on(
        seed=seed, spec=HOUSEHOLD_FRIDGE, faults=story.faults, at=began - story.history - timedelta(hours=3)
    )
    taken = samples(fridge, began - story.history, began)
    assert longest_run(taken, lambda sample: sample.compartment_c > 8) > timedelta(hours=10, minutes=10)


def test_an_ice_lined_fridge_sits_out_the_same_power_cut_without_heat() -> None:
    story = scenario("late_heat", MORNING)
    taken = samples(station(ICE_LINED_FRIDGE, *story.faults), MORNING - story.history, MORNING)
    assert max(sample.compartment_c for sample in taken) < 8


def test_a_stuck_thermostat_freezes_below_minus_half_a_degree_for_over_an_hour() -> None:
    story = scenario("freezing", MORNING)
    taken = samples(station(HOUSEHOLD_FRIDGE, *story.faults), MORNING, MORNING + timedelta(hours=6))
    assert longest_run(taken, lambda sample: sample.compartment_c <= -0.5) > timedelta(minutes=60)
    assert taken[-1].compartment_c > 0, "it recovers once the thermostat is set right"


def test_a_failing_compressor_heats_slowly_where_a_power_cut_heats_at_once() -> None:
    failing = scenario("compressor_failing", MORNING)
    cut = Fault(kind=FaultKind.POWER_CUT, start=MORNING - timedelta(hours=3))
    slow = samples(station(HOUSEHOLD_FRIDGE, *failing.faults), MORNING, MORNING + timedelta(hours=24))
    quick = samples(station(HOUSEHOLD_FRIDGE, cut), MORNING, MORNING + timedelta(hours=24))
    first_slow = next(sample.at for sample in slow if sample.compartment_c > 8)
    first_quick = next(sample.at for sample in quick if sample.compartment_c > 8)
    assert first_slow - first_quick > timedelta(hours=3)
    assert longest_run(slow, lambda sample: sample.compartment_c > 8) > timedelta(hours=10)
    assert all(sample.power_s == 300 for sample in slow[1:]), "the mains were there all the time"
    assert sum(sample.compressor_s for sample in slow[-12:]) == pytest.approx(3600), "it runs without a pause"


def test_a_door_ajar_is_open_for_the_whole_interval_and_warms_the_air() -> None:
    story = scenario("door_ajar", MORNING)
    ajar, shut = (
        samples(station(ICE_LINED_FRIDGE, *faults), MORNING, MORNING + timedelta(minutes=40))
        for faults in (story.faults, ())
    )
    assert longest_run(ajar, lambda sample: sample.door_open_s >= 300) >= timedelta(minutes=5)
    assert max(a.compartment_c - b.compartment_c for a, b in zip(ajar, shut, strict=True)) > 1


def test_a_freezer_without_power_passes_minus_fifteen_for_an_hour() -> None:
    cut = Fault(kind=FaultKind.POWER_CUT, start=MORNING)
    taken = samples(station(FREEZER, cut), MORNING, MORNING + timedelta(hours=8))
    assert longest_run(taken, lambda sample: sample.compartment_c > -15) > timedelta(minutes=60)


def test_the_sums_of_door_and_power_do_not_depend_on_how_often_one_looks() -> None:
    cut = Fault(kind=FaultKind.POWER_CUT, start=MORNING + timedelta(minutes=47), end=MORNING + timedelta(minutes=90))
    end = MORNING + timedelta(hours=6)
    often = samples(station(HOUSEHOLD_FRIDGE, cut), MORNING, end, timedelta(minutes=5))
    seldom = samples(station(HOUSEHOLD_FRIDGE, cut), MORNING, end, timedelta(minutes=60))
    assert sum(s.door_open_s for s in often[1:]) == pytest.approx(sum(s.door_open_s for s in seldom[1:]), abs=4)
    assert sum(s.power_s for s in often[1:]) == sum(s.power_s for s in seldom[1:]) == (6 * 60 - 43) * 60


def test_door_visits_are_counted_once_however_the_day_is_cut() -> None:
    habits = DoorHabits(seed="x")
    whole = habits.open_seconds(MORNING, MORNING + timedelta(hours=24))
    parts = sum(
        habits.open_seconds(MORNING + timedelta(seconds=97 * n), MORNING + timedelta(seconds=97 * (n + 1)))
        for n in range(24 * 3600 // 97)
    )
    assert whole > 100
    assert parts == pytest.approx(whole, abs=1)
    sunday = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
    assert habits.open_seconds(sunday, sunday + timedelta(hours=16)) == 0


def test_the_weather_is_warmest_after_noon_and_never_jumps_at_midnight() -> None:
    weather = Weather(seed="w")
    start = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # midnight in Tangerang
    day = [weather.ambient_c(start + timedelta(minutes=10 * n)) for n in range(6 * 24 * 5)]
    assert max(abs(b - a) for a, b in pairwise(day)) < 0.25
    assert 12 * 6 < day[: 6 * 24].index(max(day[: 6 * 24])) < 16 * 6


def test_the_same_seed_lives_the_same_life_and_another_seed_another() -> None:
    def life(seed: str) -> list[Sample]:
        return samples(station(HOUSEHOLD_FRIDGE, seed=seed), MORNING, MORNING + timedelta(hours=12))

    assert life("x") == life("x")
    assert life("x") != life("y")


def test_every_scenario_can_be_told_and_an_unknown_one_is_named() -> None:
    assert {name: scenario(name, MORNING).name for name in SCENARIOS} == {name: name for name in SCENARIOS}
    with pytest.raises(KeyError, match="calm"):
        scenario("nonsense", MORNING)
