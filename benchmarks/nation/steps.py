"""Running many statements as one step."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.nation.sizes import Nation


def run(db: Session, statements: str, nation: Nation) -> None:
    """Each statement by itself, with the nation's sizes as parameters; none holds a semicolon of its own."""
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(text(statement), nation.values)
