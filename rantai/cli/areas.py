"""`rantai areas import FILE`: polygons of administrative areas from GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rantai.cli.context import unit_of_work
from rantai.errors import WrongUse
from tracker.kit.clock import utc_now

app = typer.Typer()


@app.callback()
def _areas() -> None:
    """Keep `import` a command of its own."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A GeoJSON FeatureCollection.", exists=True, dir_okay=False)],
) -> None:
    """Import areas, or refresh those already known by one of their codes; all of the file or nothing."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.network.areas import import_areas  # noqa: PLC0415 - same

    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        raise WrongUse(f"{file} is not JSON: {error}.") from None
    except RecursionError:
        raise WrongUse(f"{file} is nested too deeply to be GeoJSON.") from None
    if not isinstance(document, dict):
        raise WrongUse(f"{file} is not a GeoJSON FeatureCollection.")
    with unit_of_work() as db:
        done = import_areas(db, SYSTEM, document, now=utc_now())
    print(f"{done.added} areas added, {done.refreshed} refreshed; {done.repaired} polygons mended.")
