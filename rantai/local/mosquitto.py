"""Mosquitto's files as text: configuration, password file, access list. Pure; `broker.py` runs the program.

Written for 2.0.11 (Debian 12) and 2.1: `password_file` and `acl_file` are deprecated there and work until 3.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_USERNAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A WHO EMS body may have 1 MB. Up to this size a larger one comes through and stands among the dead letters.
PACKET_LIMIT_BYTES = 4_194_304
_NO_LIMIT = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFiles:
    """Where the broker finds what it reads and keeps what it must not forget."""

    data: Path
    passwords: Path
    access: Path
    pid: Path | None = None


def usable_username(name: str) -> bool:
    """Whether a name can be a broker user: `%u` in topics forbids `/`, `+`, `#`, the password file forbids `:`."""
    return _USERNAME.fullmatch(name) is not None


def usable_hash(hashed: str) -> bool:
    """Whether a text is one of Mosquitto's `$7$` hashes and stays on its line."""
    return hashed.startswith("$7$") and not any(sign.isspace() for sign in hashed)


def password_file(users: Mapping[str, str]) -> str:
    """The password file from username → `$7$` hash; ValueError for a name or hash that would break a line."""
    lines = []
    for name, hashed in sorted(users.items()):
        if not usable_username(name):
            raise ValueError(f"{name!r} cannot be a broker user name")
        if not usable_hash(hashed):
            raise ValueError(f"the password hash of {name!r} is not one of Mosquitto's")
        lines.append(f"{name}:{hashed}\n")
    return "".join(lines)


def access_file(
    *, readers: Iterable[str], writers: Mapping[str, Iterable[str]] | None = None, watchers: Iterable[str] = ()
) -> str:
    """Who may do what: readers hear everything, everyone writes below the own name, `writers` also elsewhere.

    `watchers` read the broker's own figures only: a check of its health must not come as the ingester, whose
    session it would take.

    `writers` maps a username to further topic filters, for dialects whose topics do not carry the sender.
    A publication that is not allowed is acknowledged and dropped by the broker (MQTT 3.1.1 has no refusal).
    """
    lines = ["# Written by Rantai; changes are overwritten.\n"]
    for name in sorted(readers):
        lines += [f"user {name}\n", "topic read #\n", "topic read $SYS/#\n"]
    for name in sorted(watchers):
        lines += [f"user {name}\n", "topic read $SYS/#\n"]
    for name, topics in sorted((writers or {}).items()):
        lines += [f"user {name}\n", *(f"topic write {topic}\n" for topic in topics)]
    lines += [f"pattern write rantai/v1/%u/{leaf}\n" for leaf in ("readings", "status", "ems")]
    return "".join(lines)


def configuration(
    files: BrokerFiles,
    *,
    port: int,
    bind: str | None = None,
    user: str | None = None,
    max_inflight: int = 20_000,
    memory_bytes: int = 1_000_000_000,
) -> str:
    """`mosquitto.conf` that loses as little as Mosquitto allows.

    `max_inflight`: messages under way to one client; the ingester acknowledges whole batches after their
    commit, so this must hold at least two batches or the pipe runs dry between commits.
    `memory_bytes`: at this size the broker drops connections instead of acknowledging what it cannot keep.
    """
    interface = f" {bind}" if bind else ""
    lines = [
        "# Written by Rantai (rantai/local/mosquitto.py); docs: mosquitto.conf(5).",
        f"listener {port}{interface}",
        *([f"user {user}"] if user else []),
        *([f"pid_file {files.pid}"] if files.pid else []),
        "",
        "# Every device has its own name and password, and its name is part of its topics.",
        "allow_anonymous false",
        f"password_file {files.passwords}",
        f"acl_file {files.access}",
        "# The name is the client id too, whatever a client says: else any device could take another's session over,",
        "# or the ingester's, and what was acknowledged for it would be delivered to the thief.",
        "use_username_as_clientid true",
        "",
        "# The whole store is written each second. A SIGKILL or power cut loses at most what came since;",
        "# a clean stop loses nothing. autosave_on_changes would write the whole file for each message,",
        "# which collapses once a backlog waits.",
        "persistence true",
        f"persistence_location {files.data}/",
        "persistence_file mosquitto.db",
        "autosave_interval 1",
        "autosave_on_changes false",
        "",
        "# The default, 1000 waiting messages for a client that is away, drops the rest although it was",
        "# acknowledged. Here nothing is dropped: max_queued_bytes is off too, for it drops in silence as well;",
        "# the guard is memory_limit, which refuses (no acknowledgement, the device keeps its copy). 0 would mean",
        "# no limit too, but then 2.0.11 disconnects a client for one publication that its access list denies.",
        f"max_queued_messages {_NO_LIMIT}",
        "max_queued_bytes 0",
        f"max_inflight_messages {max_inflight}",
        f"memory_limit {memory_bytes}",
        "",
        "# Larger packets end the connection before they are read: nothing is acknowledged, the device keeps its copy, and",
        "# a client costs no more memory than this. Never message_size_limit: it acknowledges and drops in silence.",
        f"max_packet_size {PACKET_LIMIT_BYTES}",
        "",
        "set_tcp_nodelay true",
        "sys_interval 10",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages false",
    ]
    return "\n".join(lines) + "\n"
