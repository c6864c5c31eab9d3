"""What administrative commands share: settings, an engine, one transaction, the system's principal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tracker.settings import Settings

# Somebody waits at the terminal: bulk work such as an import of areas may take its time.
_PATIENT_MS = 120_000


@contextmanager
def engine_for_commands() -> Iterator[Engine]:
    """An engine with patient guard times; disposed of at the end."""
    from tracker.database.engine import make_engine  # noqa: PLC0415 - loads the database's libraries
    from tracker.settings import DatabaseSettings  # noqa: PLC0415 - same

    patient = DatabaseSettings(
        pool_size=1, statement_timeout_ms=_PATIENT_MS, lock_timeout_ms=20_000, idle_in_transaction_ms=_PATIENT_MS
    )
    engine = make_engine(current_settings().database_url.get_secret_value(), patient, name="rantai-cli")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """One transaction that commits when the command succeeds."""
    from tracker.database.engine import transaction  # noqa: PLC0415 - loads the database's libraries

    with engine_for_commands() as engine, transaction(engine) as db:
        yield db


def current_settings() -> Settings:
    """The settings of the environment; `SettingsError` says what is missing."""
    from tracker.settings import settings  # noqa: PLC0415 - loads pydantic

    return settings()
