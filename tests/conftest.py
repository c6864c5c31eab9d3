"""Fixtures of the whole suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rantai.errors import ServiceMissing
from tests.support.services import Services, services_line, start_services


def pytest_report_header() -> str:
    """Say which servers the suite uses."""
    try:
        return services_line()
    except ServiceMissing as problem:
        return f"services: none ({problem})"


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """The shared PostgreSQL and Mosquitto of this process; do not kill these."""
    pair = start_services()
    yield pair
    pair.forget()


@pytest.fixture
def own_services() -> Iterator[Services]:
    """A pair of one test, to be killed and started again."""
    pair = start_services()
    yield pair
    pair.forget()
