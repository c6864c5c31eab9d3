"""`rantai areas import FILE`: polygons of administrative areas from GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.callback()
def _areas() -> None:
    """Keep `import` a command of its own."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A GeoJSON FeatureCollection.", exists=True, dir_okay=False)],
) -> None:
    """Import or refresh areas."""
