"""schemathesis against the whole OpenAPI description: no 5xx, nothing undocumented, every answer in its shape.

Every operation of the assembled application (rooms, readings' doors, pages' API) is called with generated
requests, valid and invalid, as the national administrator and as a vaccinator who may do little. The world
behind it is small but real, and generated ids are replaced by real ones now and then, so that requests get
past the first look-up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from rantai.serve import build_app
from tests.conftest import SECRET
from tests.support import databases
from tests.support.api_walk import Walk
from tests.support.server import served
from tests.support.services import Services
from tests.support.world import PASSWORD, StandingWorld
from tracker.kit.clock import utc_now
from tracker.settings import load_settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = {
    "pusat": {GenerationMode.POSITIVE: 7, GenerationMode.NEGATIVE: 4},
    # A limited role ends at the same few refusals: fewer of them say the same.
    "vaksinator": {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 1},
}
TIMEOUT_S = 20.0

# 503 is an answer to an overload only; a single caller must never see it, nor any other 5xx.
STREAMS = {"/api/v1/feed"}
# Says 503 where neither ingester nor worker runs, as here; that it keeps to its description is looked at all the same.
HONESTLY_NOT_READY = {"/readyz"}


ALIASES = {
    "from": "facility",
    "to": "facility",
    "place": "equipment",
    "to_place": "equipment",
    "presentation": "product",
}
"""Fields by what they name. `ref` in a path is what the collection before it is made of."""


@dataclass
class Known:
    """Ids and codes that exist, by the words that fields and parameters use for them."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def replace(self, name: str, value: object, dice: random.Random) -> object:
        """Now and then a real one in the place of a generated one."""
        word = ALIASES.get(name, name.removesuffix("_id"))
        candidates = self.values.get(word)
        if candidates and isinstance(value, str) and dice.random() < 0.6:
            return dice.choice(candidates)
        return value

    def fill(self, value: Any, dice: random.Random, name: str = "") -> Any:
        """The same through a whole body."""
        if isinstance(value, dict):
            return {key: self.fill(item, dice, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, dice, name) for item in value]
        return self.replace(name, value, dice)


@dataclass(frozen=True)
class Subject:
    """The running application and what exists in it."""

    url: str
    known: Known
    engine: Engine
    description: Any
    """The OpenAPI description, read once: what schemathesis makes of an operation serves every caller."""

    def operations(self) -> Iterator[Any]:
        for result in self.description.get_all_operations():
            yield result.ok()

    def headers(self, username: str) -> dict[str, str]:
        answer = requests.post(
            f"{self.url}/api/v1/tokens", json={"username": username, "password": PASSWORD}, timeout=TIMEOUT_S
        )
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def subject(services: Services, standing: StandingWorld) -> Iterator[Subject]:
    """The whole application on a database of its own."""
    with databases.copied_database(services.postgres.url("postgres"), standing.database) as url:
        current = load_settings(database_url=url, mqtt_url=services.mqtt_url, secret_key=SECRET)
        with databases.engine_of(url) as engine:
            world = standing.copy(now=utc_now())
            known = Known(
                {
                    "facility": list(world.facilities),
                    "equipment": list(world.equipment),
                    "product": list(world.presentations),
                    "batch": [str(batch.id) for batch in world.batches.values()],
                }
            )
            app = build_app(current)
            try:
                with served(app) as address:
                    yield Subject(address, known, engine, _description(address))
            finally:
                app.state.services.engine.dispose()


def _description(url: str) -> Any:
    config = schemathesis.Config()
    # Invalid requests shall get past the door: a wrong token is tested by itself.
    config.projects.default.generation.update(with_security_parameters=False)
    return schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)


@pytest.fixture(scope="module")
def walked(subject: Subject) -> Walk:
    """The application after a whole life was lived in it; what was met there is known from then on."""
    with requests.Session() as session:
        walk = Walk(
            schema=subject.description,
            session=session,
            headers=subject.headers("pusat"),
            checked=lambda case, response: case.validate_response(response, checks=CHECKS),
            engine=subject.engine,
            now=utc_now(),
        )
        walk.whole_life()
    for name, value in walk.ids.items():
        subject.known.values.setdefault(name.split("_")[0], []).append(value)
    subject.known.values["open_vial"] = [walk.ids["open_vial"]]
    return walk


def hammer(subject: Subject, username: str) -> list[str]:
    """Call every operation; the failures, one line each."""
    headers = subject.headers(username)
    complaints: list[str] = []
    with requests.Session() as session:
        for operation in subject.operations():
            if operation.path in STREAMS:
                continue
            for mode, count in EXAMPLES[username].items():
                complaints += _hammer_one(subject, operation, mode, count, session, headers)
    return complaints


def _hammer_one(
    subject: Subject,
    operation: Any,
    mode: GenerationMode,
    count: int,
    session: requests.Session,
    headers: dict[str, str],
) -> list[str]:
    found: dict[str, str] = {}

    @seed(20260131)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), dice=st.randoms(use_true_random=False))
    def call(case: Case[Any], dice: random.Random) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters = {
                name: subject.known.replace(_meaning(operation.path, name), value, dice)
                for name, value in (case.path_parameters or {}).items()
            }
            case.query = subject.known.fill(dict(case.query or {}), dice)
            if isinstance(case.body, dict | list):
                case.body = subject.known.fill(case.body, dice)
        response = case.call(session=session, headers=headers, timeout=TIMEOUT_S)
        try:
            checks = CHECKS[1:] if operation.path in HONESTLY_NOT_READY else CHECKS
            case.validate_response(response, checks=checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                _note(found, operation, case, response, failure)
        except Failure as failure:
            _note(found, operation, case, response, failure)

    try:
        call()
    except Unsatisfiable:
        # An operation without parameters and body has no invalid request.
        assert mode is GenerationMode.NEGATIVE
    return list(found.values())


def _meaning(path: str, name: str) -> str:
    """What a path parameter names: `ref` after `/shipments/` is a shipment."""
    if name != "ref":
        return name
    collection = path.split("{ref}", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[1]
    return {"facilities": "facility", "batches": "batch"}.get(collection, collection.removesuffix("s"))


def _note(found: dict[str, str], operation: Any, case: Case[Any], response: Any, failure: BaseException) -> None:
    title = getattr(failure, "title", type(failure).__name__)
    where = f"{operation.method.upper()} {operation.path} → {response.status_code}: {title}"
    detail = f"{getattr(failure, 'message', failure)}\n{case.as_curl_command()}\n{response.text[:500]}"
    found.setdefault(where, f"{where}\n{detail}\n")


def test_a_valid_life_is_answered_as_described(walked: Walk) -> None:
    assert len(walked.visited) > 45


@pytest.mark.parametrize("username", sorted(EXAMPLES))
@pytest.mark.usefixtures("walked")
def test_every_operation_keeps_to_its_description(subject: Subject, username: str) -> None:
    complaints = hammer(subject, username)
    assert complaints == [], f"{len(complaints)} complaints:\n\n" + "\n".join(complaints)


def test_the_description_covers_what_the_outside_relies_on(subject: Subject) -> None:
    described = {f"{operation.method.upper()} {operation.path}" for operation in subject.operations()}
    for listing in ("facilities", "equipment", "products", "batches", "sensors", "alarms", "shipments", "sessions"):
        assert f"GET /api/v1/{listing}" in described
    assert {
        "POST /api/v1/tokens",
        "POST /api/v1/stock/events",
        "POST /api/v1/shipments",
        "POST /api/v1/scans",
        "POST /api/v1/ems",
        "POST /api/v1/logger-files",
        "POST /api/v1/sessions",
        "POST /api/v1/persons",
        "GET /api/v1/quota",
        "POST /api/v1/bookings",
        "GET /api/v1/feed",
        "POST /api/v1/webhooks",
    } <= described


def test_without_a_token_nothing_but_the_doors_answers(subject: Subject) -> None:
    # The last two: public keys, for whoever checks a card; and what is open where, nobody named.
    listing = "/api/v1/public/vaccination-facilities"
    open_doors = {"/livez", "/readyz", "/metrics", "/api/v1/tokens", "/api/v1/cards/keys", listing}
    for operation in subject.operations():
        if operation.path in open_doors or not operation.path.startswith("/api/v1/"):
            continue
        path = operation.path
        for parameter in ("{" + name + "}" for name in _path_names(path)):
            path = path.replace(parameter, "x")
        answer = requests.request(operation.method, f"{subject.url}{path}", timeout=TIMEOUT_S)
        assert answer.status_code in {401, 422}, f"{operation.method} {path}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"


def _path_names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def test_the_program_and_its_database_still_answer_after_all_that(subject: Subject) -> None:
    assert requests.get(f"{subject.url}/livez", timeout=TIMEOUT_S).status_code == 200
    answer = requests.get(f"{subject.url}/readyz", timeout=TIMEOUT_S)
    assert answer.status_code in {200, 503}
    assert answer.json()["checks"]["database"]
