"""Which servers the suite takes: as asked, else containers where an engine answers, else this machine's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rantai.errors import ServiceMissing
from tests.support import services


def yes() -> bool:
    return True


def no() -> bool:
    return False


@pytest.mark.parametrize(
    ("engine_answers", "asked", "kind"),
    [(yes, "", "docker"), (no, "", "local"), (yes, "local", "local"), (yes, "Docker", "docker")],
)
def test_the_choice(engine_answers: Callable[[], bool], asked: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(services.CHOICE, asked)
    assert services.services_kind(engine_answers) == kind
    line = services.services_line(engine_answers)
    assert ("containers" in line) == (kind == "docker")
    assert ("as asked" in line) == bool(asked)


def test_containers_asked_for_in_vain_are_an_error_not_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(services.CHOICE, "docker")
    with pytest.raises(ServiceMissing, match="no Docker engine answers"):
        services.services_kind(no)


def test_an_unknown_choice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(services.CHOICE, "podman")
    with pytest.raises(ServiceMissing, match="docker or local"):
        services.services_kind(yes)


def test_an_address_where_no_engine_is_counts_as_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    services.docker_answers.cache_clear()
    try:
        assert services.docker_answers() is False
    finally:
        services.docker_answers.cache_clear()
