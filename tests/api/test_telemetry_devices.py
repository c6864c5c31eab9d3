"""Devices, channels, sensors and curves over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.support.accounts import key_for
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.models import StoredAnswer
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.telemetry.models import Assignment, Device
from tracker.telemetry.queries import broker_credentials, channel_refs
from tracker.telemetry.rules.credentials import matches
from tracker.telemetry.rules.words import TimeSource
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.deadletters import Undeliverable, bury
from tracker.telemetry.service.devices import add_device
from tracker.telemetry.service.writer import Arrival, store_readings

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(committed_world: World) -> World:
    """The small world, committed, today."""
    return replace(committed_world, now=utc_now())


def key_of(services: Services, world: World, role: Role) -> dict[str, str]:
    """The header of an API key of the world's account with this role."""
    account = world.who(role).account_id
    assert account is not None
    with transaction(services.engine) as db:
        return {"Authorization": f"Bearer {key_for(db, account)}"}


@pytest.fixture
def manager(app_services: Services, world: World) -> dict[str, str]:
    """The head of puskesmas Cipondoh."""
    return key_of(app_services, world, Role.MANAGER)


def make(api: TestClient, headers: dict[str, str], **changes: object) -> Any:
    """POST a device."""
    body = {"code": "dev-1", "facility": "pkm-cipondoh", **changes}
    return api.post("/api/v1/devices", json=body, headers=headers)


def test_a_new_device_gets_credentials_once_and_the_broker_will_know_them(
    api: TestClient, app_services: Services, manager: dict[str, str]
) -> None:
    made = make(api, manager)
    assert made.status_code == 201
    answer = made.json()
    assert answer["mqtt_username"] == "dev-1"
    with transaction(app_services.engine) as db:
        assert matches(answer["mqtt_password"], broker_credentials(db)["dev-1"])
        stored = db.scalars(select(Device.password_hash)).one()
    assert answer["mqtt_password"] not in str(stored)
    listed = api.get("/api/v1/devices", headers=manager).json()["items"]
    assert [device["code"] for device in listed] == ["dev-1"]
    assert not {"mqtt_password", "password_hash"} & set(listed[0])


def test_a_renewed_password_replaces_the_old_one(
    api: TestClient, app_services: Services, manager: dict[str, str]
) -> None:
    old = make(api, manager).json()["mqtt_password"]
    renewed = api.post("/api/v1/devices/dev-1/credentials", headers=manager)
    assert renewed.status_code == 201
    with transaction(app_services.engine) as db:
        kept = broker_credentials(db)["dev-1"]
    assert matches(renewed.json()["mqtt_password"], kept)
    assert not matches(old, kept)


def test_a_renewal_repeated_under_its_key_tells_the_same_password_which_is_kept_sealed(
    api: TestClient, app_services: Services, manager: dict[str, str]
) -> None:
    make(api, manager)
    headers = {**manager, "Idempotency-Key": "one"}
    first = api.post("/api/v1/devices/dev-1/credentials", headers=headers)
    again = api.post("/api/v1/devices/dev-1/credentials", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    with transaction(app_services.engine) as db:
        assert matches(first.json()["mqtt_password"], broker_credentials(db)["dev-1"])
        assert first.json()["mqtt_password"] not in str(db.scalars(select(StoredAnswer.answer)).one())


def test_a_code_is_taken_once_also_between_facilities(api: TestClient, manager: dict[str, str]) -> None:
    assert make(api, manager).status_code == 201
    again = make(api, manager)
    assert (again.status_code, again.json()["code"]) == (409, "telemetry.device_taken")


def test_a_code_that_cannot_be_a_topic_level_is_refused(api: TestClient, manager: dict[str, str]) -> None:
    for code in ("", "a/b", "a+b", "#", "x" * 65, "dev 1", "dev:1", "a\0b"):
        refused = make(api, manager, code=code)
        assert refused.status_code == 422, code
        assert refused.json()["errors"]


def test_a_device_for_somebody_elses_facility_is_refused(api: TestClient, manager: dict[str, str]) -> None:
    refused = make(api, manager, facility="pkm-tanah-tinggi")
    assert (refused.status_code, refused.json()["code"]) == (422, "telemetry.unknown_unit")
    assert refused.json()["errors"] == [{"field": "facility"}]


def test_a_vaccinator_may_look_and_not_add(api: TestClient, app_services: Services, world: World) -> None:
    vaccinator = key_of(app_services, world, Role.VACCINATOR)
    assert make(api, vaccinator).status_code == 403
    assert api.get("/api/v1/devices", headers=vaccinator).status_code == 200


def test_a_device_behind_a_gateway_needs_a_serial_and_gets_no_password(
    api: TestClient, manager: dict[str, str]
) -> None:
    make(api, manager, code="gate", kind="gateway")
    refused = make(api, manager, kind="logger", gateway="gate")
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": "serial"}])
    made = make(api, manager, kind="logger", gateway="gate", serial="L-1").json()
    assert made["mqtt_password"] is None
    twin = make(api, manager, code="dev-2", kind="logger", gateway="gate", serial="L-1")
    assert twin.status_code == 409


def use(api: TestClient, headers: dict[str, str], **body: object) -> Any:
    """POST a channel of dev-1."""
    return api.post("/api/v1/devices/dev-1/channels", json={"name": "t1", **body}, headers=headers)


def test_a_channel_watches_a_fridge_until_it_watches_another(
    api: TestClient, app_services: Services, manager: dict[str, str], world: World
) -> None:
    make(api, manager)
    start = utc_now() - 60 * MINUTE
    first = use(api, manager, equipment="pkm-cipondoh-k1", **{"from": start.isoformat()}, interval_s=300)
    assert first.status_code == 201
    assert first.json()["sensor"] == "dev-1.t1"
    assert use(api, manager, equipment="pkm-cipondoh-k2").status_code == 201
    with transaction(app_services.engine) as db:
        kept = db.scalars(select(Assignment).order_by(Assignment.from_at)).all()
    assert [a.equipment_id for a in kept] == [world.fridge.id, world.fridge2.id]
    assert kept[0].to_at == kept[1].from_at
    assert kept[1].to_at is None
    sensor = api.get("/api/v1/sensors/dev-1.t1", headers=manager).json()
    assert (sensor["equipment"], sensor["interval_s"]) == ("pkm-cipondoh-k2", 300)


def test_a_watch_cannot_begin_before_one_in_which_something_was_measured(
    api: TestClient, app_services: Services, manager: dict[str, str]
) -> None:
    make(api, manager)
    now = utc_now()
    made = use(api, manager, equipment="pkm-cipondoh-k1", **{"from": (now - 10 * MINUTE).isoformat()}).json()
    with transaction(app_services.engine) as db:
        ref = channel_refs(db, [made["id"]])[made["id"]]
        arrival = Arrival(
            received_at=now, time_source=TimeSource.DEVICE, measured=[(ref, now - MINUTE, 5.0)], message_id=None
        )
        store_readings(db, [arrival])
    late = use(api, manager, equipment="pkm-cipondoh-k2", **{"from": (utc_now() - 60 * MINUTE).isoformat()})
    assert (late.status_code, late.json()["code"]) == (409, "telemetry.assignment_overlap")


def test_what_is_wrong_with_a_watch_is_named(api: TestClient, manager: dict[str, str]) -> None:
    make(api, manager)
    nowhere = "00000000-0000-7000-8000-000000000000"
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"equipment": "pkm-tanah-tinggi-k1"}, "telemetry.unknown_target", "equipment"),
        ({"shipment": nowhere}, "telemetry.unknown_target", "shipment"),
        ({"equipment": "pkm-cipondoh-k1", "shipment": "x"}, "telemetry.one_target", "shipment"),
        ({"from": "2050-01-01T00:00:00Z"}, "telemetry.bad_period", "from"),
        ({"from": "2014-12-31T23:59:59Z"}, "telemetry.bad_period", "from"),
        ({"quantity": "humidity", "role": "storage"}, "telemetry.bad_channel", "role"),
    ]
    for body, code, field in cases:
        refused = use(api, manager, **body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert refused.json()["errors"] == [{"field": field}]


@pytest.fixture
def measured(app_services: Services, world: World) -> int:
    """A channel with a reading every minute of the last 50 hours; its number."""
    now = utc_now()
    with transaction(app_services.engine) as db:
        add_device(db, SYSTEM, NewDevice(code="dev-1", unit=world.puskesmas.code), now=now)
        channel = use_channel(db, SYSTEM, ChannelUse(device="dev-1", name="t1", interval_s=60), now=now)
        ref = channel_refs(db, [channel.id])[channel.id]
        readings = [(ref, now - n * MINUTE, 4 + n % 10 / 10) for n in range(3_000)]
        store_readings(db, [Arrival(received_at=now, time_source=TimeSource.DEVICE, measured=readings)])
        return channel.id


def test_a_sensor_shows_its_newest_reading_and_whether_it_is_silent(
    api: TestClient, app_services: Services, manager: dict[str, str], measured: int
) -> None:
    with transaction(app_services.engine) as db:
        use_channel(db, SYSTEM, ChannelUse(device="dev-1", name="mute"), now=utc_now())
    items = {item["code"]: item for item in api.get("/api/v1/sensors", headers=manager).json()["items"]}
    assert items["dev-1.t1"]["id"] == measured
    assert items["dev-1.t1"]["latest_value"] == 4.0
    assert items["dev-1.t1"]["silent"] is False
    assert items["dev-1.mute"]["silent"] is True


def test_raw_readings_come_a_page_at_a_time_each_once_in_order(
    api: TestClient, manager: dict[str, str], measured: int
) -> None:
    start = (utc_now() - 100 * 60 * MINUTE).isoformat()
    seen: list[str] = []
    cursor = None
    while True:
        query = f"from={quote(start)}&resolution=raw&limit=700" + (f"&cursor={cursor}" if cursor else "")
        page = api.get(f"/api/v1/sensors/{measured}/readings?{query}", headers=manager).json()
        assert len(page["items"]) <= 700
        seen += [item["at"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 3_000
    assert seen == sorted(seen)


def test_auto_shows_hours_where_single_readings_are_too_many(
    api: TestClient, manager: dict[str, str], measured: int
) -> None:
    def curve(hours: int) -> Any:
        query = {"from": (utc_now() - hours * 60 * MINUTE).isoformat()}
        return api.get(f"/api/v1/sensors/{measured}/readings", params=query, headers=manager).json()

    assert curve(3)["resolution"] == "raw"
    long = curve(100)
    assert long["resolution"] == "hour"
    assert sum(item["count"] for item in long["items"]) == 3_000
    assert {(item["low"], item["high"]) for item in long["items"][1:-1]} == {(4.0, 4.9)}


def test_ten_years_by_the_hour_come_by_the_day(api: TestClient, manager: dict[str, str], measured: int) -> None:
    query = {"from": "2016-01-01T00:00:00Z", "resolution": "hour"}
    assert api.get(f"/api/v1/sensors/{measured}/readings", params=query, headers=manager).json()["resolution"] == "day"


def test_the_ends_of_the_calendar_do_no_harm(api: TestClient, manager: dict[str, str], measured: int) -> None:
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        for name in ("from", "to"):
            answer = api.get(f"/api/v1/sensors/{measured}/readings", params={name: at}, headers=manager)
            assert answer.status_code in {200, 422}, (name, at)


def test_an_unknown_sensor_is_not_found(api: TestClient, manager: dict[str, str], measured: int) -> None:
    del measured
    for ref in ("dev-1.none", "none.t1", "999999", "9" * 30, "dev-1.t1.humidity", "x.y.z.w"):
        assert api.get(f"/api/v1/sensors/{ref}/readings", headers=manager).status_code == 404, ref


def test_a_sensor_of_the_city_is_not_there_for_the_puskesmas_next_door(
    api: TestClient, app_services: Services, manager: dict[str, str], world: World
) -> None:
    with transaction(app_services.engine) as db:
        add_device(db, SYSTEM, NewDevice(code="dev-9", unit=world.neighbour.code), now=utc_now())
        channel = use_channel(db, SYSTEM, ChannelUse(device="dev-9", name="t1"), now=utc_now()).id
    assert api.get("/api/v1/sensors", headers=manager).json()["items"] == []
    assert api.get(f"/api/v1/sensors/{channel}", headers=manager).status_code == 404
    assert api.post("/api/v1/devices/dev-9/credentials", headers=manager).status_code == 404


def test_dead_letters_show_the_reason_and_unknown_senders_only_to_the_nation(
    api: TestClient, app_services: Services, manager: dict[str, str], world: World
) -> None:
    now = utc_now()
    with transaction(app_services.engine) as db:
        device = add_device(db, SYSTEM, NewDevice(code="dev-1", unit=world.puskesmas.code), now=now).device
        for device_id in (device.id, None):
            letter = Undeliverable(
                topic="t", payload=b"\xff{", reason=str(device_id), detail="d\0", received_at=now, device_id=device_id
            )
            bury(db, [letter, letter])
    mine = api.get("/api/v1/dead-letters", headers=manager).json()["items"]
    assert [(item["payload"], item["times"]) for item in mine] == [("\\xff{", 2)]
    nation = key_of(app_services, world, Role.NATIONAL)
    assert len(api.get("/api/v1/dead-letters", headers=nation).json()["items"]) == 2


def test_a_device_is_moved_revoked_retired_and_taken_back_over_http(api: TestClient, manager: dict[str, str]) -> None:
    make(api, manager)
    use(api, manager, equipment="pkm-cipondoh-k1")
    moved = api.post("/api/v1/devices/dev-1/move", json={"facility": "pkm-cipondoh"}, headers=manager)
    assert (moved.status_code, moved.json()["code"]) == (200, "dev-1")
    elsewhere = api.post("/api/v1/devices/dev-1/move", json={"facility": "pkm-tanah-tinggi"}, headers=manager)
    assert elsewhere.json()["code"] == "telemetry.unknown_unit"
    assert api.delete("/api/v1/devices/dev-1/credentials", headers=manager).status_code == 200
    for _ in range(2):
        retired = api.post("/api/v1/devices/dev-1/retire", headers=manager)
        assert retired.json()["retired_at"] is not None
    assert api.get("/api/v1/sensors", headers=manager).json()["items"] == []
    refused = api.post("/api/v1/devices/dev-1/credentials", headers=manager)
    assert (refused.status_code, refused.json()["code"]) == (409, "telemetry.device_retired")
    assert api.post("/api/v1/devices/dev-1/reinstate", headers=manager).json()["retired_at"] is None
    assert api.post("/api/v1/devices/dev-1/credentials", headers=manager).json()["mqtt_password"]


def test_a_watch_is_corrected_over_http(api: TestClient, manager: dict[str, str]) -> None:
    make(api, manager)
    use(api, manager, equipment="pkm-cipondoh-k1", **{"from": (utc_now() - 10 * MINUTE).isoformat()})
    said = {"equipment": "pkm-cipondoh-k2", "reason": "label read wrongly"}
    done = api.post("/api/v1/devices/dev-1/channels/t1/corrections", json=said, headers=manager)
    assert (done.status_code, done.json()["sensor"]) == (201, "dev-1.t1")
    assert [one["equipment"] for one in api.get("/api/v1/sensors", headers=manager).json()["items"]] == [
        "pkm-cipondoh-k2"
    ]
    missing = api.post("/api/v1/devices/dev-1/channels/t9/corrections", json=said, headers=manager)
    assert (missing.status_code, missing.json()["code"]) == (404, "telemetry.nothing_watched")
