"""Which servers the suite takes: as asked, else containers where an engine answers, else this machine's own."""

from __future__ import annotations

import pytest

from rantai.errors import ServiceMissing
from tests.support import services


@pytest.fixture
def engine_answers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    answers: bool = request.param
    monkeypatch.setattr(services, "docker_answers", lambda: answers)
    return answers


@pytest.mark.parametrize(
    ("engine_answers", "asked", "kind"),
    [(True, "", "docker"), (False, "", "local"), (True, "local", "local"), (True, "Docker", "docker")],
    indirect=["engine_answers"],
)
def test_the_choice(engine_answers: bool, asked: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(services.CHOICE, asked)
    assert services.services_kind() == kind
    line = services.services_line()
    assert ("containers" in line) == (kind == "docker")
    assert ("as asked" in line) == bool(asked)


@pytest.mark.parametrize("engine_answers", [False], indirect=True)
def test_containers_asked_for_in_vain_are_an_error_not_something_else(
    engine_answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(services.CHOICE, "docker")
    with pytest.raises(ServiceMissing, match="no Docker engine answers"):
        services.services_kind()


@pytest.mark.parametrize("engine_answers", [True], indirect=True)
def test_an_unknown_choice_is_an_error(engine_answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(services.CHOICE, "podman")
    with pytest.raises(ServiceMissing, match="docker or local"):
        services.services_kind()


def test_an_address_where_no_engine_is_counts_as_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    services.docker_answers.cache_clear()
    try:
        assert services.docker_answers() is False
    finally:
        services.docker_answers.cache_clear()
