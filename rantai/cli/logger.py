"""`rantai logger`: read the export of a temperature logger, or import it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.files.logger_file import LoggerFileError
from ingest.files.reader import read_logger_file
from ingest.files.report import NoDeviceLimits, Rules, report_of
from rantai.errors import AnswerIsNo, WrongUse

app = typer.Typer(help="Exports of temperature loggers: Fridge-tag 2, 2 L, Ultra Low, Q-tag.", no_args_is_help=True)

_File = Annotated[Path, typer.Argument(help="The text file the logger wrote.", exists=True, dir_okay=False)]


@app.callback()
def logger() -> None:
    """Exports of temperature loggers: Fridge-tag 2, 2 L, Ultra Low, Q-tag."""


@app.command("read")
def read(
    file: _File,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    rules: Annotated[
        Rules | None,
        typer.Option(help="Limits to judge by; default: the device's own where the file has any, else who-fridge."),
    ] = None,
) -> None:
    """Recompute an export's days and episodes. Needs no server and no database."""
    try:
        answer = report_of(read_logger_file(file.read_bytes()), rules)
    except LoggerFileError as error:
        raise AnswerIsNo(f"{file}: {error}") from None
    except NoDeviceLimits:
        raise WrongUse(f"{file} carries no limits of its own; choose --rules who-fridge or who-freezer.") from None
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    _print_text(answer)


@app.command("import")
def import_file(
    file: _File,
    equipment: Annotated[str, typer.Option(help="Code of the fridge, freezer or box it lay in.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Store an export's readings; times are placed in the equipment's zone. Again is harmless."""
    from ingest.files.importer import import_logger_file  # noqa: PLC0415 - loads the database's libraries
    from rantai.cli.context import unit_of_work  # noqa: PLC0415 - same
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same
    from tracker.kit.clock import utc_now  # noqa: PLC0415 - same

    content = file.read_bytes()
    with unit_of_work() as db:
        done = import_logger_file(db, SYSTEM, content, equipment, utc_now())
    answer = {
        "device": done.device_code,
        "channel": done.channel_id,
        "model": done.model,
        "serial": done.serial,
        "readings": done.readings,
        "new": done.new,
        "missing": done.missing,
        "days": done.days,
        "first": done.first.isoformat(),
        "last": done.last.isoformat(),
    }
    if as_json:
        print(json.dumps(answer))
        return
    what = f"{done.days} days" if done.days else f"{done.readings} readings"
    print(f"{done.model} {done.serial}: {done.new} of {what} are new (device {done.device_code}).")


def _print_text(answer: dict[str, Any]) -> None:
    print(f"{answer['make']} {answer['model']}, serial {answer['serial']}")
    print(f"readings  {answer['readings']} ({answer['missing']} missing), {answer['first']} to {answer['last']}")
    print(f"°C        {answer['min_c']} to {answer['max_c']}, MKT {answer['mkt_c']}")
    print(f"rules     {answer['rules']}")
    for episode in answer["episodes"]:
        if episode["alarmed_at"] is not None:
            end = episode["ended_at"] or "still going on"
            print(
                f"{episode['rule']:9} {episode['started_at']} to {end}, alarm {episode['alarmed_at']}, "
                f"peak {episode['peak_c']} °C, {episode['exposed_minutes']:.0f} min"
            )
