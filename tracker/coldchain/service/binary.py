"""PostgreSQL's binary forms as numpy arrays.

A nation's day is 1.7 million readings; as Python tuples they would cost more than judging them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from tracker.coldchain.rules.instants import Micros
from tracker.database.copying import EPOCH_S, HEADER, TRAILER, driver_connection

_OFFSET: Micros = EPOCH_S * 1_000_000

COPY_WIDTH = 8
"""bigint, timestamptz and double precision alike."""


def _record(names: Sequence[str], kinds: Sequence[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for name, kind in zip(names, kinds, strict=True):
        fields += [(f"_{name}", ">i4"), (name, kind)]
    return np.dtype(fields)


def fetch_packed(
    db: Session, query: str, parameters: Mapping[str, object]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Runs a query of (key bigint, packed timestamptz bytea, packed float8 bytea): three arrays, shape (n,).

    Packed: `string_agg(timestamptz_send(…))`, `string_agg(float8send(…))`, in one order. COPY would
    hand over each row as a message of its own, which takes psycopg longer than all the arithmetic.
    """
    with driver_connection(db).cursor(binary=True) as cursor:
        rows = cursor.execute(query, parameters).fetchall()
    keys = np.array([row[0] for row in rows], dtype=np.int64)
    instants = np.frombuffer(b"".join(row[1] for row in rows), dtype=">i8").astype(np.int64) + _OFFSET
    values = np.frombuffer(b"".join(row[2] for row in rows), dtype=">f8").astype(np.float64)
    counts = np.array([len(row[1]) // COPY_WIDTH for row in rows], dtype=np.int64)
    return np.repeat(keys, counts), instants, values


def copy_in(
    db: Session,
    table: str,
    columns: Sequence[str],
    *,
    keys: NDArray[np.int64],
    instants: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Copies in (bigint key, timestamptz, double …) rows; shapes (n,), (n,), (n, len(columns) − 2).

    All are NOT NULL and of fixed width, so a row of the stream is one record of a numpy dtype.
    """
    kinds = [">i8", ">i8", *[">f8"] * (len(columns) - 2)]
    rows = np.zeros(keys.size, dtype=_record(columns, kinds))
    rows["columns"] = len(columns)
    for name in columns:
        rows[f"_{name}"] = COPY_WIDTH
    rows[columns[0]] = keys
    rows[columns[1]] = instants - _OFFSET
    for number, name in enumerate(columns[2:]):
        rows[name] = values[:, number]
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with driver_connection(db).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER + rows.tobytes() + TRAILER)
