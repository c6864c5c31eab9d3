"""`rantai backup make|follow|list|verify` and `rantai restore`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from rantai.errors import AnswerIsNo, WrongUse

app = typer.Typer()

Backups = Annotated[Path, typer.Argument(help="The folder of backups.", file_okay=False)]
House = Annotated[
    Path | None,
    typer.Option(help="The folder of a house that `rantai up` runs, instead of RANTAI_DATABASE_URL.", file_okay=False),
]
Slot = Annotated[str, typer.Option(help="Under which name the server keeps what was not fetched yet.")]


@app.command()
def make(
    folder: Backups,
    house: House = None,
    keep: Annotated[int, typer.Option(help="How many backups stay; older ones are removed.", min=1)] = 7,
) -> None:
    """Make a whole copy, verify it, remove old ones."""
    from rantai.backups import making  # noqa: PLC0415 - loads the database's libraries
    from rantai.backups.folder import BackupFolder  # noqa: PLC0415 - same
    from rantai.backups.tools import source  # noqa: PLC0415 - same

    backups = BackupFolder(folder)
    address = _address(house)
    base = making.make_base(backups, source(address), tell=_tell)
    making.tell_house(address, base, tell=_tell)
    print(f"The backup {base.name} is made and verified: {base.bytes / 1e6:,.0f} MB in {base.folder}.")
    making.keep(backups, keep, tell=_tell)
    if making.await_log(backups, base):
        print("The log since then comes in: you can return to any instant from now on.")
    else:
        print(
            "No log comes in here (`rantai backup follow`): you can return to the end of this backup, to no other instant."
        )


@app.command()
def follow(folder: Backups, house: House = None, slot: Slot = "rantai_backup") -> None:
    """Take the write-ahead log as it is written, until stopped."""
    from rantai.backups import making  # noqa: PLC0415 - loads the database's libraries
    from rantai.backups.folder import BackupFolder  # noqa: PLC0415 - same
    from rantai.backups.tools import source  # noqa: PLC0415 - same

    making.follow(BackupFolder(folder), source(_address(house)), slot)


@app.command("list")
def list_backups(
    folder: Backups,
    older_than_h: Annotated[
        float | None, typer.Option(help="Answer no when the newest backup is older, in hours.", min=0.0)
    ] = None,
) -> None:
    """Show what there is, and how far the log reaches (exit code 1: there is none, it has a hole, it is too old)."""
    from rantai.backups.folder import BackupFolder, Log  # noqa: PLC0415 - loads the database's libraries

    backups = BackupFolder(folder)
    bases = backups.bases()
    for base in bases:
        print(f"{base.name}  PostgreSQL {base.major}  {base.bytes / 1e6:,.0f} MB")
    if not bases:
        raise AnswerIsNo(f"there is no backup in {folder}.")
    pieces = Log(backups.wal_folder).pieces
    backups.log(bases[0]).from_piece(bases[0].first)
    if pieces:
        last = datetime.fromtimestamp(max(path.stat().st_mtime for path in pieces.values()), UTC)
        print(f"The log reaches from the first of them to {last:%Y-%m-%dT%H:%M:%SZ}, without a hole.")
    else:
        print("No log comes in here.")
    if older_than_h is not None and datetime.now(UTC) - bases[-1].made_at > timedelta(hours=older_than_h):
        raise AnswerIsNo(f"the newest backup is older than {older_than_h:g} hours.")


@app.command()
def verify(
    folder: Backups,
    base: Annotated[str | None, typer.Option(help="Which one; without it the newest.")] = None,
) -> None:
    """Read a backup again and compare every file with its checksum."""
    from rantai.backups import making, restoring  # noqa: PLC0415 - loads the database's libraries
    from rantai.backups.folder import BackupFolder  # noqa: PLC0415 - same

    backups = BackupFolder(folder)
    found = restoring.chosen(backups, until=None, name=base)
    making.verify(found.folder, found.major, tell=_tell)
    print(f"The backup {found.name} is whole.")


def restore(
    folder: Backups,
    into: Annotated[Path, typer.Argument(help="An empty folder, or one that is not there yet.")],
    until: Annotated[
        str | None,
        typer.Option(help="Return to this instant, like 2026-11-27T10:00+07:00; without it to the last row."),
    ] = None,
    base: Annotated[str | None, typer.Option(help="Begin from this backup, not from the newest that fits.")] = None,
    database: Annotated[str, typer.Option(help="The house's database.")] = "rantai",
    role: Annotated[str, typer.Option(help="The role that may read it.")] = "rantai",
) -> None:
    """Bring the database back into an empty folder, to the last row or to an instant, and say what the last row is."""
    from rantai.backups import restoring  # noqa: PLC0415 - loads the database's libraries
    from rantai.backups.folder import BackupFolder  # noqa: PLC0415 - same

    backups = BackupFolder(folder)
    at = restoring.instant(until) if until else None
    begun_from = restoring.chosen(backups, until=at, name=base)
    _tell(f"restoring from the backup {begun_from.name}")
    restored = restoring.restore(backups, begun_from, into, until=at, database=database, role=role, tell=_tell)
    print(f"The database is restored in {into} (schema {restored.tail.revision}). The last it knows:")
    for what, learnt in restored.tail.rows:
        print(f"  {what}, which the house learnt at {learnt:%Y-%m-%dT%H:%M:%S.%fZ}")
    if not restored.tail.rows:
        print("  nothing: no event and no reading.")
    print(_NEXT.format(into=into))


_NEXT = """Next:
  1. Let the server run on {into} with the settings of before, and with the same RANTAI_SECRET_KEY.
  2. rantai db check, then rantai check. Then start worker, ingester and API.
  3. Begin a new folder of backups (rantai backup follow, rantai backup make): the old one belongs to the old line.
  4. Tell those who read the feed from which position on they must read again: numbers after the last are given anew."""


def _address(house: Path | None) -> str:
    """Where the database is: of the settings, or of the private servers of a folder."""
    from tracker.settings import database_address  # noqa: PLC0415 - reads the environment

    if house is None:
        return database_address()
    from rantai.local.postgres import address_of  # noqa: PLC0415 - only wanted here
    from rantai.local.state import InstanceState  # noqa: PLC0415 - same

    state = InstanceState(house)
    port, password = state.number("postgres_port"), state.text("postgres_password")
    if port is None or password is None:
        raise WrongUse(f"{house} is not the folder of a house that `rantai up` has run.")
    return address_of(port, password, "rantai")


def _tell(line: str) -> None:
    """Progress is for whoever watches; what was done goes to standard output."""
    print(line, file=sys.stderr, flush=True)
