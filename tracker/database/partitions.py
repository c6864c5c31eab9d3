"""Monthly partitions, made when the first row of a month appears."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session


def month_of(day: date) -> date:
    """The first day of the month of `day`."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after `month`."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def ensure_months(db: Session | Connection, table: str, months: Iterable[date]) -> list[str]:
    """Make the missing partitions `table_yYYYYmMM` of a table ranged by an instant (UTC months).

    Two programs may ask at once: an advisory transaction lock lets one make it, the other finds it.
    Returns the names that were made now.
    """
    wanted = {f"{table}_y{month:%Y}m{month:%m}": month_of(month) for month in months}
    if not wanted:
        return []
    missing = _missing(db, wanted)
    if not missing:
        return []
    db.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"partitions of {table}"})
    made = _missing(db, wanted)
    for name in made:
        start = wanted[name]
        db.execute(
            text(
                f"CREATE TABLE {name} PARTITION OF {table} "
                f"FOR VALUES FROM ('{start:%Y-%m-%d} 00:00:00+00') TO ('{next_month(start):%Y-%m-%d} 00:00:00+00')"
            )
        )
    return made


def months_of(db: Session | Connection, table: str) -> list[date]:
    """The months that have a partition, in order."""
    rows = db.execute(
        text("SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass(:name)"),
        {"name": table},
    )
    return sorted(date(int(name[-7:-3]), int(name[-2:]), 1) for (name,) in rows)


def _missing(db: Session | Connection, wanted: dict[str, date]) -> list[str]:
    # In our schema: one that was archived lies elsewhere under its name.
    rows = db.execute(
        text("SELECT relname FROM pg_class WHERE relname = ANY(:names) AND relnamespace = 'public'::regnamespace"),
        {"names": list(wanted)},
    )
    present = {row[0] for row in rows}
    return sorted(name for name in wanted if name not in present)
