"""`rantai pcare state|look`: how far P-Care was told, and a look for doses that it was not told of."""

from __future__ import annotations

import typer

from rantai.cli.context import unit_of_work
from tracker.access.principal import SYSTEM
from tracker.kit.clock import utc_now
from tracker.pcare.queries import counts_of, line_of
from tracker.pcare.service.noting import look_again

app = typer.Typer()


@app.command()
def state() -> None:
    """Show how the line is and how many records are in which state."""
    with unit_of_work() as db:
        line = line_of(db)
        counts = counts_of(db, SYSTEM)
    print(f"line: {'connected' if line.connected else 'not connected'}; {line.trouble or 'no trouble'}")
    if line.rests_until is not None:
        print(f"rests until {line.rests_until:%Y-%m-%d %H:%M:%S %Z}")
    if line.oldest is not None:
        print(f"oldest that could leave: {line.oldest:%Y-%m-%d %H:%M:%S %Z}")
    for one, count in counts.items():
        print(f"{one.value}: {count}")


@app.command()
def look() -> None:
    """Have the worker look through all doses now for those that no record speaks of; it does so once a day by itself."""
    with unit_of_work() as db:
        look_again(db, now=utc_now())
    print("The worker looks through all doses from now on.")
