"""Reaching psycopg under a session, for COPY: the frame of its binary form, and the connection that speaks it."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy.orm import Session

# PostgreSQL manual, COPY, "Binary Format": signature, flags, no header extension; the end is a field count of −1.
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

EPOCH_S = 946_684_800
"""Seconds from the Unix epoch to PostgreSQL's, 2000-01-01: a binary timestamptz counts microseconds from there."""


def driver_connection(db: Session) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection under a session, inside its transaction."""
    connection = db.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("the session is not on psycopg")
    return connection
