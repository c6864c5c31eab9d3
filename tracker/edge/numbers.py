"""The row that all processes share: how many numbers of the line were drawn, and up to which they were let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from tracker.database.engine import transaction
from tracker.edge.places import Busy, Places

Stand = tuple[int, int]
"""How many were drawn, and up to which they were let in."""

_LOOK = text("SELECT drawn, let_in FROM waiting_line")
_DRAW = text("UPDATE waiting_line SET drawn = drawn + :many RETURNING drawn, let_in")
_LET_IN = text(
    "UPDATE waiting_line SET let_in = least(drawn, greatest(let_in, :reached) + :called) RETURNING drawn, let_in"
)


class Unknown(Exception):
    """The row could not be asked just now."""


class Row(Protocol):
    """Each tells how the line stands; raises Unknown."""

    async def look(self) -> Stand:
        """Change nothing."""

    async def draw(self, many: int) -> Stand:
        """The last so many of those drawn are the caller's."""

    async def let_in(self, reached: int, called: int) -> Stand:
        """Number `reached` was let in, and `called` more may come."""


@dataclass(frozen=True, slots=True)
class SharedRow:
    """In the database, asked in a side place."""

    engine: Engine
    side: Places

    async def look(self) -> Stand:
        """See Row."""
        return await self._ask(_LOOK)

    async def draw(self, many: int) -> Stand:
        """See Row."""
        return await self._ask(_DRAW, many=many)

    async def let_in(self, reached: int, called: int) -> Stand:
        """See Row."""
        return await self._ask(_LET_IN, reached=reached, called=called)

    async def _ask(self, statement: TextClause, **asked: int) -> Stand:
        def work() -> Stand:
            with transaction(self.engine) as db:
                drawn, let_in = db.execute(statement, asked).one()
                return drawn, let_in

        try:
            return await self.side.run(work)
        except (Busy, SQLAlchemyError) as error:
            raise Unknown from error
