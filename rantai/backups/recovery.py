"""A server that lives only to replay the log: nobody can reach it but whoever restores."""

from __future__ import annotations

import os
import re
import signal
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from rantai.backups.tools import Tell, explained
from rantai.errors import AnswerIsNo
from rantai.local.process import ServerProcess
from rantai.local.system import SystemAccount

# A checkpoint of a large database at the end; it is written, not waited for in vain.
_STOP_TIMEOUT_S = 3600.0
_ASK_EVERY_S = 0.1
_HOUSE_AT_ITS_END = """
    SELECT 'feed event ' || position, recorded_at FROM feed_event WHERE position = (SELECT max(position) FROM feed_event)
    UNION ALL SELECT 'stock event ' || number, recorded_at FROM stock_event
              WHERE number = (SELECT max(number) FROM stock_event)
    UNION ALL SELECT 'reading of ' || to_char(measured_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), received_at
              FROM (SELECT measured_at, received_at FROM reading ORDER BY measured_at DESC LIMIT 1) r
"""

# What the server says when it cannot do it, and what that means.
_MEANINGS = (
    ("recovery ended before configured recovery target", "the log ends before that instant: leave --until out to return to the last row there is"),
    ("before consistent recovery point", "the backup was not complete at that instant: choose a later one, or an older backup with --base"),
    ("could not locate a valid checkpoint", "the backup's own log is damaged: try an older backup with --base"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The last of what was brought back: what, and when the house learnt it."""

    rows: tuple[tuple[str, datetime], ...]
    revision: str


class Recovery:
    """Replays in `data`; its socket, its log and its settings lie in `beside` and vanish with it."""

    def __init__(self, postgres: str, major: int, data: Path, beside: Path, account: SystemAccount | None) -> None:
        self._postgres = postgres
        self._major = major
        self._data = data
        self._beside = beside
        self._account = account

    def run(self, *, until: datetime | None, database: str, role: str, tell: Tell) -> Tail:
        """Replay, read the last rows, stop cleanly. Raises AnswerIsNo with what the server said."""
        server = self._launch(until)
        try:
            with self._when_ready(server, database, role, tell) as connection:
                return _tail(connection, database)
        finally:
            server.stop(timeout_s=_STOP_TIMEOUT_S)

    def _launch(self, until: datetime | None) -> ServerProcess:
        for name, words in (("postgresql.conf", ""), ("hba", "local all all trust\n"), ("ident", "")):
            (self._beside / name).write_text(words, encoding="utf-8")
        options = {
            # All in arguments, which count before what ALTER SYSTEM has left in the copy.
            "config_file": str(self._beside / "postgresql.conf"),
            "hba_file": str(self._beside / "hba"),
            "ident_file": str(self._beside / "ident"),
            "listen_addresses": "",
            "unix_socket_directories": str(self._beside),
            "ssl": "off",
            "shared_preload_libraries": "",
            "archive_mode": "off",
            # The log lies in the folder already, and nowhere else.
            "restore_command": "false",
            "hot_standby": "off",
            "recovery_target_action": "promote",
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "timezone": "UTC",
            "lc_messages": "C",
            **({"log_startup_progress_interval": "5s"} if self._major >= 15 else {}),
            **({"recovery_target_time": until.isoformat()} if until else {}),
        }
        arguments = [self._postgres, "-D", str(self._data)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
        log = self._beside / "log"
        return ServerProcess(
            arguments, log=log, stop_signal=signal.SIGINT, account=self._account, environment=environment
        )

    def _when_ready(
        self, server: ServerProcess, database: str, role: str, tell: Tell
    ) -> psycopg.Connection[tuple[str, datetime]]:
        """Its first connection: it lets nobody in before everything is replayed."""
        told = 0
        tell("replaying the log")
        while True:
            said = (self._beside / "log").read_text(encoding="utf-8", errors="replace")
            for line in re.findall(r"redo in progress, (elapsed time: \S+ s)", said)[told:]:
                told += 1
                tell(f"replaying the log, {line}")
            try:
                return psycopg.connect(host=str(self._beside), dbname=database, user=role)
            except psycopg.OperationalError as error:
                if not server.running:
                    raise AnswerIsNo(f"the log could not be replayed: {_meaning(said)}") from None
                if "does not exist" in str(error):
                    raise AnswerIsNo(
                        f"what was restored has no {'role' if 'role' in str(error) else 'database'} of that name: "
                        "say which with --database and --role."
                    ) from None
            time.sleep(_ASK_EVERY_S)


def _meaning(log: str) -> str:
    for sign, meaning in _MEANINGS:
        if sign in log:
            return f"{meaning}."
    fatal = re.findall(r"(?:FATAL|PANIC):\s+(.*)", log)
    return explained(fatal[0] if fatal else " ".join(log.split()[-20:]))


def _tail(connection: psycopg.Connection[tuple[str, datetime]], database: str) -> Tail:
    try:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        rows = connection.execute(_HOUSE_AT_ITS_END).fetchall()
    except psycopg.Error:
        raise AnswerIsNo(
            f"what was restored holds no house in its database {database}: say which with --database."
        ) from None
    return Tail(rows=tuple((what, at) for what, at in rows), revision=str(revision[0] if revision else "none"))
