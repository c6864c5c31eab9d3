"""`rantai phases show|set`: from which day on who may register by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from rantai.cli.context import unit_of_work
from tracker.people.rules.groups import PersonGroup
from tracker.registration.service.phases import begin_phase, phases_of

app = typer.Typer()


@app.command()
def show() -> None:
    """Show all phases; before the first everybody may register."""
    with unit_of_work() as db:
        for one in phases_of(db):
            print(f"{one.from_day} {'everybody' if one.only is None else f'only {one.only.value}'}")


@app.command("set")
def begin(
    from_day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="First day.")],
    only: Annotated[PersonGroup | None, typer.Option(help="Only these; without it everybody.")] = None,
) -> None:
    """Say who may register by themselves from a day on, until the next phase begins."""
    with unit_of_work() as db:
        begin_phase(db, from_day.date(), only)
    print(f"From {from_day:%Y-%m-%d} on {'everybody' if only is None else f'only {only.value}'} may register.")
