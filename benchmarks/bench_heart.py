"""From the reading that completes an alarm, published over MQTT, to the smaller number in `GET /api/v1/quota`.

The road is the real one: broker → `rantai ingest` → `rantai worker` (evaluation, feed, hold) → `rantai api`, each a
process of its own, while other devices send 500 readings a second. Each trial is another puskesmas with one
fridge, vials in it, and a session that promises them. Its device has sent 50 minutes of frost when the trial
begins; the reading that makes it 60 goes out, and the quota is asked until it is smaller.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from uuid import UUID

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from benchmarks.common import Row, migrated_engine, percentile, print_table, private_services
from benchmarks.product import PRODUCT, add_product
from ingest.mqtt.link import BrokerAddress
from rantai.local.ports import free_port
from rantai.local.services import LocalServices
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, add_account
from tracker.coldchain.models import Episode
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.quota.service.commands import PlanSession
from tracker.quota.service.sessions import plan_session
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.telemetry.rules.words import Quantity
from tracker.telemetry.rules.words import Role as ChannelRole
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device

TRIALS = 200
BESIDE_PER_S = 500
BESIDE_DEVICES = 100
BOUND_S = 2.0
VIALS = 40
PASSWORD = "only for this measurement"
SECRET = "a secret key of this measurement only, long enough"
_ROOT = Path(__file__).parents[1]
_START_S, _TRIAL_S = 60.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A puskesmas of one trial."""

    code: str
    device: str


def measure(*, quick: bool = False) -> list[Row]:
    """The p99 and the median of all trials, in seconds."""
    trials = TRIALS // 10 if quick else TRIALS
    with private_services() as services, migrated_engine(services) as engine, ExitStack() as stack:
        # Two connections, two users: the broker takes the user for the client id, and a second one ends the first.
        broker, beside_broker = (
            services.broker.add_user(user, PASSWORD, reader=True, topics=["rantai/v1/#"])
            for user in ("bench", "bench-beside")
        )
        places, beside = _prepare(engine, trials)
        address = stack.enter_context(_programs(services))
        publisher = stack.enter_context(_publisher(broker))
        frost = utc_now() - timedelta(minutes=80)
        _send_frost(publisher, places, frost)
        _await_evaluated(engine, trials)
        token = _token(address)
        noise = stack.enter_context(_beside(beside_broker, beside))
        seconds = [_trial(address, token, publisher, place, frost) for place in places]
        rate = noise.rate()
    return [
        Row(
            name=f"reading that completes an alarm → smaller quota, {trials} trials",
            ours=f"p50 {percentile(seconds, 0.5):.2f} s, worst {max(seconds):.2f} s",
            bare=f"beside {rate:.0f} readings/s",
            figure=percentile(seconds, 0.99),
            bound=BOUND_S,
            unit="s p99",
            at_least=False,
        )
    ]


def _prepare(engine: Engine, trials: int) -> tuple[list[Site], list[str]]:
    """The world of the measurement, made through the use cases."""
    now = utc_now()
    with transaction(engine) as db:
        nation = NewFacility(code="nasional", name="Nasional", kind=UnitKind.NATIONAL, parent=None)
        add_facility(db, SYSTEM, nation, now=now)
        account = NewAccount(username="bench", name="Bench", password=PASSWORD, role=Role.NATIONAL, unit="nasional")
        add_account(db, SYSTEM, account, now=now)
        batch_id = add_product(db, now=now)
    places = []
    for number in range(trials):
        with transaction(engine) as db:
            places.append(_make_place(db, number, batch_id, now))
    beside = [f"beside{number}" for number in range(BESIDE_DEVICES)]
    with transaction(engine) as db:
        for device in beside:
            add_device(db, SYSTEM, NewDevice(code=device, unit="nasional"), now=now)
    return places, beside


def _make_place(db: Session, number: int, batch_id: UUID, now: datetime) -> Site:
    code, device = f"pkm-{number}", f"frost{number}"
    facility = NewFacility(
        code=code, name=code, kind=UnitKind.PUSKESMAS, parent="nasional", longitude=106.7, latitude=-6.2
    )
    made = add_facility(db, SYSTEM, facility, now=now)
    fridge = NewEquipment(code=f"{code}-k1", name=code, facility=code, kind=EquipmentKind.FRIDGE)
    fridge_id = add_equipment(db, SYSTEM, fridge, now=now).id
    add_device(db, SYSTEM, NewDevice(code=device, unit=code), now=now)
    use = ChannelUse(
        device=device,
        name="t1",
        quantity=Quantity.TEMPERATURE,
        role=ChannelRole.STORAGE,
        equipment=f"{code}-k1",
        from_at=now - timedelta(days=1),
        interval_s=300,
    )
    use_channel(db, SYSTEM, use, now=now)
    supply = PostEvent(
        id=uuid7(),
        kind=Kind.SUPPLY,
        facility_id=made.id,
        occurred_at=now - timedelta(hours=12),
        lines=(Line(batch_id=batch_id, place_id=fridge_id, vials=VIALS),),
    )
    post_event(db, SYSTEM, supply, now=now)
    session = PlanSession(
        id=uuid7(),
        facility=code,
        day=now.date() + timedelta(days=2),
        opens=day_time(8),
        closes=day_time(12),
        presentation=PRODUCT,
        doses=(1,),
        capacity=500,
    )
    plan_session(db, SYSTEM, session, now=now)
    return Site(code=code, device=device)


@contextmanager
def _programs(services: LocalServices) -> Iterator[tuple[str, int]]:
    """`rantai api`, `ingest` and `worker` as processes; yields the API's host and port once it answers."""
    port = free_port()
    environment = {
        **os.environ,
        "RANTAI_DATABASE_URL": services.database_url,
        "RANTAI_MQTT_URL": services.mqtt_url,
        "RANTAI_SECRET_KEY": SECRET,
        "RANTAI_API__PORT": str(port),
        "RANTAI_LOG__LEVEL": "WARNING",
    }
    programs = [
        subprocess.Popen([sys.executable, "-m", "rantai", name], env=environment, cwd=_ROOT, stdout=subprocess.DEVNULL)
        for name in ("api", "ingest", "worker")
    ]
    try:
        _await_ready(("127.0.0.1", port), programs)
        yield "127.0.0.1", port
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait(30)


def _await_ready(address: tuple[str, int], programs: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if any(program.poll() is not None for program in programs):
            raise RuntimeError("a program ended at its start")
        try:
            if _get(address, "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the programs were not ready in time")


def _get(address: tuple[str, int], path: str, token: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _token(address: tuple[str, int]) -> str:
    connection = http.client.HTTPConnection(*address, timeout=10)
    body = json.dumps({"username": "bench", "password": PASSWORD})
    connection.request("POST", "/api/v1/tokens", body, {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    connection.close()
    return str(answer["access_token"])


@contextmanager
def _publisher(url: str) -> Iterator[Client]:
    broker = BrokerAddress.of(url)
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(broker.username, broker.password)
    client.max_inflight_messages_set(200)
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _send_frost(client: Client, places: Sequence[Site], start: datetime) -> None:
    """50 minutes of frost from every fridge: not yet an alarm, even if the last value stands its five minutes."""
    for place in places:
        _send(client, place.device, [(start + timedelta(minutes=minute), -2.0) for minute in range(0, 51, 5)])


def _send(client: Client, device: str, readings: Sequence[tuple[datetime, float]]) -> None:
    body = {"readings": [{"at": at.isoformat(), "channel": "t1", "temperature_c": value} for at, value in readings]}
    client.publish(f"rantai/v1/{device}/readings", json.dumps(body), qos=1).wait_for_publish(30)


def _await_evaluated(engine: Engine, trials: int) -> None:
    """Until every fridge has its episode, and none an alarm."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with transaction(engine) as db:
            begun, alarmed = db.execute(
                select(func.count(), func.count(Episode.alarmed_at)).where(Episode.rule == "FRZE")
            ).one()
        if begun >= trials:
            if alarmed:
                raise RuntimeError("an alarm was raised before its last reading was sent")
            return
        time.sleep(0.2)
    raise RuntimeError("the frost was not evaluated in time")


def _trial(address: tuple[str, int], token: str, client: Client, place: Site, frost: datetime) -> float:
    """Seconds from publishing the last reading to the first answer with a smaller number."""
    path = f"/api/v1/quota?facility={place.code}"
    before = _available(address, path, token)
    if before != VIALS:
        raise RuntimeError(f"{place.code} begins with {before} vials")
    began = time.perf_counter()
    _send(client, place.device, [(frost + timedelta(minutes=60), -2.0)])
    while _available(address, path, token) == before:
        if time.perf_counter() - began > _TRIAL_S:
            raise RuntimeError(f"the quota of {place.code} did not fall within {_TRIAL_S:.0f} s")
        # Asking without a pause would take from the programs the processor that is being measured.
        time.sleep(0.02)
    return time.perf_counter() - began


def _available(address: tuple[str, int], path: str, token: str) -> int:
    status, body = _get(address, path, token)
    if status != 200:
        raise RuntimeError(f"{path} answered {status}")
    (item,) = json.loads(body)["items"]
    return int(item["pool_vials"])


@dataclass(slots=True)
class _Noise:
    """What was sent beside, and for how long."""

    began: float = field(default_factory=time.perf_counter)
    sent: int = 0

    def rate(self) -> float:
        return self.sent / (time.perf_counter() - self.began)


@contextmanager
def _beside(url: str, devices: Sequence[str]) -> Iterator[_Noise]:
    """500 one-reading messages a second from other devices, in a thread, until the block ends."""
    noise, stop = _Noise(), threading.Event()
    with _publisher(url) as client:

        def run() -> None:
            while not stop.is_set():
                behind = BESIDE_PER_S * (time.perf_counter() - noise.began) - noise.sent
                for _ in range(max(0, int(behind))):
                    device = devices[noise.sent % len(devices)]
                    body = {"readings": [{"at": utc_now().isoformat(), "channel": "t1", "temperature_c": 4.5}]}
                    client.publish(f"rantai/v1/{device}/readings", json.dumps(body), qos=1)
                    noise.sent += 1
                stop.wait(0.02)

        thread = threading.Thread(target=run, name="beside", daemon=True)
        thread.start()
        try:
            yield noise
        finally:
            stop.set()
            thread.join(10)


if __name__ == "__main__":
    print_table(measure(quick="--quick" in sys.argv))
