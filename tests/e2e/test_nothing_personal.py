"""Nobody's name, number or ticket stands in a log, a figure, the feed or a refusal, after everything was done once.

The real programs run at their most talkative; planted people come in by every door: the API, the citizens' form, the
chat, messages that no gateway takes, a logger's file, a device's topic. Then all that was written down is searched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import requests
import schemathesis
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, text

from ingest.mqtt.link import BrokerAddress
from rantai.local.ports import free_port
from tests.conftest import SECRET
from tests.support.api_walk import Walk
from tests.support.services import Services
from tests.support.waiting import eventually
from tests.support.world import PASSWORD, World
from tracker.access.rules import Role
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.registration.service.tickets import TicketOffice

ROOT = Path(__file__).parents[2]
NIK, OTHER_NIK, BAD_NIK = "3671014202800007", "3671014202800008", "3671019902807777"
NAME, PHONE, TALKED_PHONE = "Sekarwangi Puspadewi", "081299887766", "081299886655"
POINT = ("-6.217771", "106.628883")
# As they were typed and as they are kept; of the walk's own people, too.
PLANTED = (
    NIK, OTHER_NIK, BAD_NIK, "Sekarwangi", "Puspadewi", "81299887766", "81299886655", "Warga 0",
    "3671014101900001", "628600000001", "gerbang-rahasia", "6.21777", "6.22,106.63",
)  # fmt: skip


# Refusals that say back the code of a thing which their caller asked for: whatever was typed there was the caller's own.
SAY_BACK = ("network.facility_not_found", "network.equipment_not_found", "catalog.batch_not_found")


class Programs:
    """The house's programs with what they write."""

    def __init__(self, engine: Engine, services: Services, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.environment = {
            **os.environ,
            "RANTAI_DATABASE_URL": engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
            "RANTAI_MQTT_URL": services.mqtt_url,
            "RANTAI_SECRET_KEY": SECRET,
            "RANTAI_API__PORT": str(self.port),
            "RANTAI_INGEST__CLIENT_ID": f"personal-{self.port}",
            "RANTAI_LOG__LEVEL": "DEBUG",
            # A gateway that does not answer: what was to be sent must not be written down instead.
            "RANTAI_DELIVERY__SMS_URL": f"http://127.0.0.1:{free_port()}/sendsms",
            "RANTAI_DELIVERY__SMS_USERNAME": "rantai",
            "RANTAI_DELIVERY__SMS_PASSWORD": "gerbang-rahasia",
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.log").open("wb") as log:
            program = subprocess.Popen(
                [sys.executable, "-m", "rantai", name], env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            program.terminate()
            assert program.wait(60) == 0

    def up(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/livez", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False


class Heard:
    """Everything that was answered with a refusal, and where answers sent people."""

    def __init__(self, url: str, token: dict[str, str]) -> None:
        self.url, self.token = url, token
        self.refusals: list[str] = []
        self.refused: set[int] = set()

    def ask(self, method: str, path: str, *, expect: int | None = None, **more: object) -> httpx2.Response:
        answer = httpx2.request(method, self.url + path, timeout=90, **more)  # type: ignore[arg-type]  # handed on
        assert expect is None or answer.status_code == expect, (path, answer.status_code, answer.text[:500])
        problem = answer.status_code >= 400 and "json" in answer.headers.get("content-type", "")
        if problem and answer.json().get("code") not in SAY_BACK:
            self.refusals.append(answer.text)
        if answer.status_code >= 400:
            self.refused.add(answer.status_code)
        return answer

    def api(self, method: str, path: str, *, expect: int | None = None, **more: object) -> httpx2.Response:
        return self.ask(method, f"/api/v1{path}", expect=expect, headers=self.token, **more)


@pytest.fixture
def programs(engine: Engine, services: Services, committed_world: World, tmp_path: Path) -> Programs:
    del committed_world
    return Programs(engine, services, tmp_path)


def live_a_life(programs: Programs, engine: Engine, token: dict[str, str]) -> Walk:
    config = schemathesis.Config()
    config.projects.default.generation.update(with_security_parameters=False)
    with requests.Session() as session:
        walk = Walk(
            schema=schemathesis.openapi.from_url(f"{programs.url}/openapi.json", config=config, timeout=60),
            session=session,
            headers=token,
            checked=lambda _case, _answer: None,
            engine=engine,
            now=utc_now(),
        )
        walk.whole_life()
    return walk


def come_by_every_door(heard: Heard, walk: Walk) -> set[str]:
    """Planted people at every door, well and badly written; gives the secrets of their tickets."""
    person = {"id": str(uuid7()), "nik": NIK, "name": NAME, "phone": PHONE}
    heard.api("POST", "/persons", json=person, expect=201)
    heard.api("POST", "/persons", json={**person, "name": "Lain"}, expect=409)
    heard.api("POST", "/persons", json={**person, "id": str(uuid7()), "nik": BAD_NIK}, expect=422)
    heard.api("POST", "/persons", json={**person, "id": str(uuid7()), "nik": [NIK]}, expect=422)
    heard.api("POST", "/persons", json={**person, "id": str(uuid7()), "phone": f"{NAME} {PHONE}"}, expect=422)
    heard.api("POST", "/persons", json={**person, "name": NAME * 40}, expect=422)
    heard.api("POST", "/persons", content=f'{{"nik": "{NIK}", "name": "{NAME}', expect=422)
    heard.api("POST", "/persons/search", json={"nik": NIK}, expect=200)
    heard.api("POST", "/persons/search", json={"nik": f"{NIK}0"})
    heard.api("PATCH", f"/persons/{person['id']}", json={"phone": NAME, "reason": "salah"}, expect=422)
    heard.api("PUT", f"/persons/{person['id']}/nik", json={"nik": BAD_NIK, "reason": "salah tulis"}, expect=422)
    # Numbers where none belong: in an address, a query, an id, a name.
    heard.api("GET", f"/persons/{NIK}", expect=422)
    heard.api("GET", f"/{NIK}", expect=404)
    heard.api("GET", f"/bookings?session={NIK}")
    heard.api("GET", f"/stock?facility={NIK}")
    heard.api("GET", f"/batches/{NIK}")
    heard.api("GET", f"/quota?facility={NAME}")
    heard.ask("GET", "/api/v1/open-places", expect=200, headers={**heard.token, "Rantai-Near": ",".join(POINT)})
    heard.api("POST", "/scans", json={"text": NIK})
    heard.api("POST", "/bookings", json={"id": NIK, "person": person["id"], "session": NAME, "dose": 1}, expect=422)
    heard.ask("POST", "/api/v1/tokens", json={"username": NAME, "password": NIK}, expect=401)
    booking = {"id": str(uuid7()), "person": person["id"], "session": walk.ids["other_session"], "dose": 1}
    heard.api("POST", "/bookings", json=booking, expect=201)
    ticket = heard.api("GET", f"/bookings/{booking['id']}/ticket", expect=200).json()["ticket"]
    heard.api("POST", "/tickets/check-in", json={"ticket": ticket, "facility": NIK})
    heard.api("POST", "/tickets/check-in", json={"ticket": ticket + NIK, "facility": "pkm-cipondoh"}, expect=422)
    conversation = str(uuid7())
    said = ("VAKSIN", OTHER_NIK + " " + TALKED_PHONE, NAME, BAD_NIK, "1", "tidak", "tidak", "tidak", "DEMAM " + NAME)
    for number, words in enumerate(said):
        message = {
            "conversation": conversation, "id": str(number), "medium": "whatsapp", "text": words,
            "sender": f"+62{TALKED_PHONE[1:]}",
        }  # fmt: skip
        heard.api("POST", "/conversations/messages", json=message)
    file = {"file": (f"{NAME} {NIK}.txt", f"{NAME};{NIK}".encode())}
    heard.api("POST", "/logger-files", files=file, data={"equipment": NAME}, expect=404)
    heard.api("POST", "/logger-files", files=file, data={"equipment": "pkm-cipondoh-k1"}, expect=422)
    return {ticket} | citizens(heard, walk.ids["other_session"])


def citizens(heard: Heard, session: str) -> set[str]:
    """The pages of a citizen, with a form filled in badly and well."""
    page: dict[str, Any] = {"headers": {"Accept": "text/html"}}
    heard.ask("GET", f"/daftar?vaksin={NIK}", **page)
    said = heard.ask("POST", "/daftar", data={"lat": POINT[0], "lon": POINT[1]}, expect=303, **page)
    heard.ask(
        "GET",
        said.headers["location"],
        expect=200,
        headers={**page["headers"], "Cookie": said.headers["set-cookie"].partition(";")[0]},
    )
    heard.ask("GET", f"/daftar/{NIK}", **page)
    heard.ask("GET", f"/daftar/tiket/{NIK}", **page)
    form = {"nik": OTHER_NIK, "name": NAME, "phone": PHONE}
    for wrong in ({"nik": BAD_NIK}, {"name": ""}, {"phone": NAME}, {"nama": NAME}, {NIK: PHONE}):
        heard.ask("POST", f"/daftar/{session}", data={**form, **wrong}, **page)
    asked = heard.ask("POST", f"/daftar/{session}", data=form, expect=303, follow_redirects=False, **page)
    where = asked.headers["location"]
    code = {"kode": TicketOffice.from_secret(SECRET).code_of(UUID(where.rpartition("/")[2]))}
    heard.ask("POST", where, data={"kode": NAME}, expect=422, **page)
    booked = heard.ask("POST", where, data=code, expect=303, follow_redirects=False, **page)
    address = booked.headers["location"]
    secret = address.rpartition("/")[2]
    heard.ask("GET", address, expect=200, **page)
    heard.ask("POST", f"{address}/pasti", expect=303, follow_redirects=False, **page)
    heard.ask("GET", f"{address}/kode.svg", expect=200)
    heard.ask("POST", f"{address}/{NAME}", **page)
    heard.ask("GET", f"/daftar/tiket/{secret[:-2]}xx", **page)
    return {secret}


def publish_what_is_none_of_ours(services: Services, device: str) -> None:
    broker = BrokerAddress.of(services.broker.add_user(device, "sandi-perangkat"))
    client = Client(CallbackAPIVersion.VERSION2, client_id=device)
    client.username_pw_set(broker.username, broker.password)
    client.connect(broker.host, broker.port)
    client.loop_start()
    for topic in (f"rantai/v1/{device}/readings", f"rantai/v1/{device}/{NIK}"):
        sent = client.publish(topic, f'{{"nik": "{NIK}", "nama": "{NAME}"'.encode(), qos=1)
        sent.wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


def written_down(programs: Programs, engine: Engine, services: Services, heard: Heard, metrics: str) -> dict[str, str]:
    """Where it was written → what."""
    found = {file.name: file.read_text(errors="replace") for file in programs.folder.glob("*.log")}
    for name in ("postgres", "broker"):
        # Private servers write a file; a container's log is the engine's.
        log = getattr(getattr(services, name), "_log", None)
        if log is not None and Path(log).exists():
            found[f"{name} server"] = Path(log).read_text(errors="replace")
    with engine.begin() as connection:
        for table in ("feed_event", "feed_pending", "feed_set_aside", "feed_try"):
            if connection.scalar(text("SELECT to_regclass(:name)"), {"name": table}) is not None:
                rows = connection.execute(text(f"SELECT to_jsonb(t)::text FROM {table} AS t")).scalars()
                found[table] = "\n".join(rows)
    found["metrics"] = metrics
    found["refusals"] = "\n".join(heard.refusals)
    return found


def test_no_person_and_no_ticket_stands_where_it_does_not_belong(
    programs: Programs, engine: Engine, services: Services, committed_world: World
) -> None:
    with ExitStack() as running:
        running.enter_context(programs.running("api"))
        eventually(programs.up, timeout_s=90, every_s=0.3, what="the API")
        login = {"username": committed_world.usernames[Role.NATIONAL], "password": PASSWORD}
        answer = httpx2.post(f"{programs.url}/api/v1/tokens", json=login, timeout=30).json()
        heard = Heard(programs.url, {"Authorization": f"Bearer {answer['access_token']}"})
        walk = live_a_life(programs, engine, heard.token)
        secrets = come_by_every_door(heard, walk)
        running.enter_context(programs.running("ingest"))
        running.enter_context(programs.running("worker"))

        def count(query: str) -> int:
            with engine.begin() as connection:
                return int(connection.scalar(text(query)) or 0)

        buried = "SELECT count(*) FROM dead_letter"

        def published_and_buried() -> bool:
            # What is said before the ingester listens is nobody's.
            publish_what_is_none_of_ours(services, "GW-WALK")
            return count(buried) > 0

        eventually(published_and_buried, timeout_s=120, every_s=2.0, what="letters buried")
        tried = "SELECT count(*) FROM out_message WHERE attempts > 0"
        eventually(lambda: count(tried), timeout_s=90, every_s=0.5, what="messages tried")
        waiting = "SELECT count(*) FROM feed_pending"
        eventually(lambda: not count(waiting), timeout_s=90, every_s=0.5, what="the feed numbered")
        metrics = httpx2.get(f"{programs.url}/metrics", timeout=30).text
    assert {401, 404, 409, 422} <= heard.refused
    assert not any(500 <= status < 600 for status in heard.refused)
    planted = {*PLANTED, *secrets}
    told = written_down(programs, engine, services, heard, metrics)
    assert {"api.log", "ingest.log", "worker.log", "feed_event"} <= set(told)
    assert all(told[name] for name in ("api.log", "worker.log", "feed_event", "metrics", "refusals"))
    leaks = {
        f"{name}: {line[:300]}"
        for name, content in told.items()
        for line in content.splitlines()
        if any(re.search(re.escape(secret), line, re.IGNORECASE) for secret in planted)
    }
    assert leaks == set()
