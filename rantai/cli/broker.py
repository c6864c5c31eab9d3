"""`rantai broker users`: write the broker's password and access files from the registered devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from rantai.cli.context import current_settings, engine_for_commands
from rantai.errors import WrongUse

# Who asks the broker how it is; with the ingester's password, and a session of its own.
HEALTH_USER = "rantai-health"

app = typer.Typer()


@app.callback()
def _broker() -> None:
    """Keep `users` a command of its own."""


@app.command("users")
def write_users(
    folder: Annotated[Path, typer.Argument(help="Where `passwords` and `access` are written.", file_okay=False)],
    watch: Annotated[bool, typer.Option("--watch", help="Stay and write again when devices change.")] = False,
    every_s: Annotated[float, typer.Option(help="How often to look, with --watch, in seconds.", min=0.2)] = 2.0,
) -> None:
    """Write Mosquitto's `passwords` and `access`; the broker re-reads them when it gets SIGHUP."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - loads the database's libraries

    from rantai.broker_users import device_hashes  # noqa: PLC0415 - same
    from rantai.interrupts import Interrupts  # noqa: PLC0415 - same
    from rantai.local.mosquitto import access_file, password_file  # noqa: PLC0415 - same
    from tracker.database.engine import transaction  # noqa: PLC0415 - same
    from tracker.telemetry.rules.credentials import hash_password  # noqa: PLC0415 - same

    at = urlsplit(current_settings().mqtt_url.get_secret_value())
    if not at.username or not at.password:
        raise WrongUse("RANTAI_MQTT_URL must carry the ingester's user, and it or RANTAI_MQTT_PASSWORD the password.")
    # Hashed once: a fresh salt each time would look like a change.
    hashed = hash_password(unquote(at.password))
    ingester = {unquote(at.username): hashed}
    house = {HEALTH_USER: hashed, **ingester}
    access = access_file(readers=ingester, watchers=[HEALTH_USER])
    written: str | None = None
    # In a container this is the first process, which a signal without a handler does not reach.
    interrupts = Interrupts() if watch else None
    with engine_for_commands() as engine:
        while True:
            try:
                with transaction(engine) as db:
                    passwords = password_file({**device_hashes(db), **house})
            except OperationalError:
                if not watch:
                    raise
                passwords = written or ""
            if passwords and passwords != written:
                _replace(folder / "access", access)
                _replace(folder / "passwords", passwords)
                written = passwords
                print(f"{passwords.count(chr(10))} users written to {folder}.", flush=True)
            if interrupts is None or interrupts.wait(every_s):
                return


def _replace(file: Path, text: str) -> None:
    """All or nothing, readable by owner and group (the broker's, on a shared volume)."""
    beside = file.with_name(file.name + ".new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o640)
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)
