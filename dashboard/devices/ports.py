"""What the pages of devices need of another program: the front door hands it in, for programs do not import one another."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from fastapi import Request
from sqlalchemy.orm import Session

from tracker.access.principal import Principal


class Imported(Protocol):
    """What an import of a logger's file did: readings or days in the file, how many are new, the channel they are of."""

    @property
    def channel_id(self) -> int: ...
    @property
    def readings(self) -> int: ...
    @property
    def days(self) -> int: ...
    @property
    def new(self) -> int: ...
    @property
    def elsewhere(self) -> int: ...


class TakeLoggerFile(Protocol):
    """Import the content of a logger's file as what this equipment (its code) was like; raises DomainError."""

    def __call__(
        self, db: Session, principal: Principal, content: bytes, equipment_ref: str, now: datetime
    ) -> Imported: ...


def taker_of(request: Request) -> TakeLoggerFile | None:
    """Whoever takes logger files in here; None: nobody does."""
    taker: TakeLoggerFile | None = getattr(request.app.state, "take_logger_file", None)
    return taker
