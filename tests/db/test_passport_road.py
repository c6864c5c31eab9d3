"""A batch carries what it was exposed to from place to place."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.support.coldchain import at, new_channel, send
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.coldchain.rules.thermal import thermal_of
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.passport.errors import NothingThere
from tracker.passport.queries.passport import Passport, passport_of
from tracker.passport.rules.stays import Exposure, Stay
from tracker.stock.rules.words import Account, Kind, Status

PENTA = "penta-5/PB001"


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


def watch(ledger: Ledger, equipment: str, *warm: tuple[int, int], until: int = 1620, value: float = 12.0) -> None:
    """A channel that reads 5 °C each 10 minutes, and `value` in the stretches given (minutes)."""
    channel = new_channel(ledger.db, ledger.world, equipment=equipment)
    points = [(m, value if any(a <= m < b for a, b in warm) else 5.0) for m in range(0, until, 10)]
    send(ledger.db, channel, points, received=ledger.now)
    evaluate_waiting(ledger.db, now=ledger.now)


def passport(ledger: Ledger) -> Passport:
    return passport_of(ledger.db, ledger.world.batches[PENTA], ledger.world.puskesmas, now=ledger.now)


def stay_at(found: Passport, code: str | None, status: Status = Status.USABLE) -> Stay:
    (stay,) = [
        one for one in found.stays if one.node.status is status and found.places[one.node.holder_id].code == code
    ]
    return stay


def above_8(exposure: Exposure) -> float:
    return round(thermal_of(exposure.row[0]).above_8_s / 60, 3)


def below_0(exposure: Exposure) -> float:
    return round(thermal_of(exposure.row[0]).below_0_s / 60, 3)


def test_exposure_goes_along_from_fridge_to_fridge(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, (100, 300))
    watch(ledger, world.fridge2.code, (700, 750))
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 10), at=at(60))
    ledger.post(Kind.TRANSFER, ledger.line(PENTA, 4, to_place=world.fridge2), at=at(200))
    found = passport(ledger)
    first, second = stay_at(found, world.fridge.code), stay_at(found, world.fridge2.code)
    assert above_8(first.total) == 200
    assert (above_8(second.carried), above_8(second.own), above_8(second.total)) == (100, 50, 150)


def test_only_the_stay_counts_and_not_what_the_place_did_before_or_after(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, (0, 100), (900, 1000))
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 10), at=at(150))
    ledger.post(Kind.TRANSFER, ledger.line(PENTA, 10, to_place=world.fridge2), at=at(800))
    stay = stay_at(passport(ledger), world.fridge.code)
    assert (stay.from_at, stay.to_at) == (at(150), at(800))
    assert above_8(stay.total) == 0
    assert thermal_of(stay.own.row[0]).known_s == 650 * 60


def test_where_parcels_meet_the_worst_of_each_loss_counts(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, (100, 300))
    watch(ledger, world.fridge2.code, (100, 160), value=-3.0)
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), ledger.line(PENTA, 5, place=world.fridge2), at=at(60))
    ledger.post(Kind.TRANSFER, ledger.line(PENTA, 2, to_place=world.fridge2), at=at(400))
    met = stay_at(passport(ledger), world.fridge2.code)
    assert (above_8(met.total), below_0(met.total)) == (200, 60)
    assert thermal_of(met.total.row[0]).min_c == -3.0
    assert thermal_of(met.total.row[0]).max_c == 12.0


def test_time_nobody_measured_is_counted_and_shown(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, until=500)
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=at(0))
    ledger.post(Kind.TRANSFER, ledger.line(PENTA, 5, to_place=world.cold_box), at=at(1000))
    found = passport(ledger)
    # The last reading, at minute 490, stands for one nominal interval: known until 500.
    assert stay_at(found, world.fridge.code).total.unmonitored_s == 500 * 60
    box = stay_at(found, world.cold_box.code)
    assert box.own.unmonitored_s == (1620 - 1000) * 60
    assert box.total.unmonitored_s == (500 + 620) * 60


def test_a_change_of_status_is_a_new_stay_that_carries_the_old_one(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, (100, 300))
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=at(60))
    ledger.post(Kind.STATUS, ledger.line(PENTA, 5, to_status=Status.HELD), at=at(600))
    found = passport(ledger)
    assert stay_at(found, world.fridge.code).to_at == at(600)
    held = stay_at(found, world.fridge.code, Status.HELD)
    assert (above_8(held.carried), above_8(held.own)) == (200, 0)


def test_a_stay_that_ended_at_zero_is_forgotten_by_the_next(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, (100, 300))
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=at(60))
    ledger.post(Kind.WASTE, ledger.line(PENTA, 5, reason="broken"), at=at(400))
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 7), at=at(500))
    stays = passport(ledger).stays
    assert [(one.from_at, one.to_at, above_8(one.total)) for one in stays] == [
        (at(60), at(400), 200),
        (at(500), None, 0),
    ]


def test_the_worst_of_several_channels_counts_and_a_replaced_one_hands_over(ledger: Ledger) -> None:
    world = ledger.world
    watch(ledger, world.fridge.code, (100, 200))
    watch(ledger, world.fridge.code, (100, 160))
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=at(60))
    assert above_8(stay_at(passport(ledger), world.fridge.code).total) == 100


def test_a_place_the_vials_never_saw_is_not_on_the_road(ledger: Ledger) -> None:
    world = ledger.world
    line = ledger.line(PENTA, 9, place=world.cold_room)
    ledger.post(Kind.SUPPLY, line, at=at(10), facility=world.warehouse)
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=at(60))
    found = passport(ledger)
    assert {found.places[one.node.holder_id].code for one in found.stays} == {world.fridge.code}
    assert [one.node.account for one in found.stays] == [Account.PLACE]


def test_a_batch_that_was_never_here_has_no_passport_here(ledger: Ledger) -> None:
    with pytest.raises(NothingThere):
        passport(ledger)
