"""`rantai catalog import FILE`: what a new house handles, without the demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rantai.cli.context import unit_of_work
from rantai.errors import WrongUse
from tracker.kit.clock import utc_now
from tracker.kit.members import each_once

app = typer.Typer()


@app.callback()
def _catalog() -> None:
    """Keep `import` a command of its own."""


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON with the lists `vaccines`, `storage_classes` and `products`, each as the API takes them.",
            exists=True,
            dir_okay=False,
        ),
    ],
) -> None:
    """Make vaccines, storage classes and products known; all of the file or nothing, and the same again changes nothing."""
    from pydantic import ValidationError  # noqa: PLC0415 - quick --help

    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.catalog.filling import fill_catalog  # noqa: PLC0415 - same
    from tracker.catalog.schemas import CatalogIn  # noqa: PLC0415 - same

    try:
        document = CatalogIn.model_validate(json.loads(file.read_bytes(), object_pairs_hook=each_once))
    except (ValueError, ValidationError) as error:
        raise WrongUse(f"{file} is no catalogue: {error}") from None
    with unit_of_work() as db:
        fill_catalog(db, SYSTEM, document.commands(), now=utc_now())
    print(
        f"{len(document.vaccines)} vaccines, {len(document.storage_classes)} storage classes,"
        f" {len(document.products)} products are known."
    )
