"""`rantai world seed FILE`: the demo's world into the configured database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rantai.cli.context import current_settings, engine_for_commands

app = typer.Typer()


@app.callback()
def _world() -> None:
    """Keep `seed` a command of its own."""


@app.command("seed")
def seed(
    manifest: Annotated[Path, typer.Argument(help="Where the simulators' manifest (world.json) is written.")],
) -> None:
    """Make the demo's world: places, fridges, vaccines, people, and their past. A second time changes nothing."""
    from rantai.world.seed import seed_world  # noqa: PLC0415 - only this command needs it

    with engine_for_commands() as engine:
        seed_world(engine, manifest, secret_key=current_settings().secret_key.get_secret_value())
    print(f"The world is there; its devices and people are in {manifest}.")
