"""Migrations: each revision is one transaction with short waits for locks; one migrator at a time."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection

from alembic import context
from tracker.database.engine import make_engine
from tracker.database.migrations import one_at_a_time
from tracker.database.types import Ltree
from tracker.registry import METADATA
from tracker.settings import DatabaseSettings, settings

# Tables of extensions, and monthly partitions, are not ours to compare.
_FOREIGN = ("spatial_ref_sys",)


def include_object(obj: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave out what our models do not describe."""
    del obj, compare_to
    if name is None or not reflected:
        return True
    table_like = kind in ("table", "index")
    return not (table_like and name in _FOREIGN)


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Partitions carry their month in the name and are made on demand."""
    del parents
    return not (kind == "table" and name is not None and "_y2" in name and name[-3] == "m")


def render_item(kind: str, obj: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our own column types with their import."""
    if kind == "type" and isinstance(obj, Ltree):
        autogen_context.imports.add("from tracker.database.types import Ltree")
        return "Ltree()"
    if kind == "type" and type(obj).__name__ == "StrEnumText":
        return "sa.Text()"
    return False


def run(connection: Connection) -> None:
    """Upgrade or downgrade on this connection, on which no transaction is open."""
    with one_at_a_time(connection):
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            include_object=include_object,
            include_name=include_name,
            render_item=render_item,
            compare_type=True,
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


def main() -> None:
    """Use the connection handed in (tests, `rantai db`) or open one from the settings."""
    handed = context.config.attributes.get("connection")
    if handed is not None:
        run(handed)
        return
    guards = DatabaseSettings(statement_timeout_ms=60_000)
    engine = make_engine(settings().database_url.get_secret_value(), guards, name="rantai-migrate")
    with engine.connect() as connection:
        run(connection)
    engine.dispose()


main()
