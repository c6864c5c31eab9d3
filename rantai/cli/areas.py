"""`rantai areas`: polygons of administrative areas from GeoJSON, and which facility serves which kelurahan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rantai.cli.context import unit_of_work
from rantai.errors import WrongUse
from tracker.kit.clock import utc_now
from tracker.kit.members import each_once

if TYPE_CHECKING:
    from tracker.network.served_file import ServedFault

app = typer.Typer()


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A GeoJSON FeatureCollection.", exists=True, dir_okay=False)],
) -> None:
    """Import areas, or refresh those already known by one of their codes; all of the file or nothing."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.network.areas import import_areas  # noqa: PLC0415 - same

    try:
        document = json.loads(file.read_bytes(), object_pairs_hook=each_once)
    except ValueError as error:
        raise WrongUse(f"{file} is not JSON: {error}.") from None
    except RecursionError:
        raise WrongUse(f"{file} is nested too deeply to be GeoJSON.") from None
    if not isinstance(document, dict):
        raise WrongUse(f"{file} is not a GeoJSON FeatureCollection.")
    with unit_of_work() as db:
        done = import_areas(db, SYSTEM, document, now=utc_now())
    print(f"{done.added} areas added, {done.refreshed} refreshed; {done.repaired} polygons mended.")


@app.command("serve")
def serve(
    facility: Annotated[str, typer.Argument(help="Code of the facility.")],
    areas: Annotated[
        list[str] | None, typer.Argument(help="Codes of kelurahan, the whole list; none for only where it stands.")
    ] = None,
) -> None:
    """Say whose people a facility serves, beside those of the kelurahan where it stands."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.network.queries import areas_served_by  # noqa: PLC0415 - same
    from tracker.network.serving import ServeAreas, serve_areas  # noqa: PLC0415 - same

    with unit_of_work() as db:
        found = serve_areas(db, SYSTEM, ServeAreas(facility=facility, areas=areas or []), now=utc_now())
        served = areas_served_by(db, found)
    for one in served:
        print(f"{one.code} {one.name or ''}".rstrip())


@app.command("import-served")
def import_served(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns facility and area, a line for each kelurahan served.",
            exists=True,
            dir_okay=False,
        ),
    ],
) -> None:
    """Say whose people facilities serve: of each facility named, the file has the whole list; all of it or nothing."""
    from tracker.network.served_file import read_served  # noqa: PLC0415 - loads the database's libraries

    with unit_of_work() as db:
        done, faults = read_served(db, file.read_bytes(), now=utc_now())
        if faults:
            raise WrongUse(f"{file} changes nothing: " + "; ".join(_fault(fault) for fault in faults))
    print(f"{done.facilities} facilities serve {done.areas} kelurahan.")


def _fault(fault: ServedFault) -> str:
    from tracker.api.problems import PROBLEMS  # noqa: PLC0415 - same
    from tracker.api.problems.saying import say  # noqa: PLC0415 - same

    told = fault.error
    sentence = fault.words if told is None else say(PROBLEMS[told.code], told.params, "en")
    return f"line {fault.line}: {sentence.rstrip('.')}"
