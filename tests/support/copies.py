"""Many rows from one, for what must hold where there is much of something."""

from __future__ import annotations

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from tracker.database.base import Base


def more_of(db: Session, model: type[Base], many: int, where: str, **changes: str) -> None:
    """Copies of one row under new keys; `changes` are SQL of what differs, `n` counts the copies."""
    table = model.__table__
    assert isinstance(table, Table)
    columns = [one.name for one in table.columns if one.computed is None]
    values = ", ".join(changes.get(name, name) for name in columns)
    db.execute(
        text(
            f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM"
            f" (SELECT * FROM {table.name} WHERE {where} LIMIT 1) AS one, generate_series(1, {many}) AS n"
        )
    )
