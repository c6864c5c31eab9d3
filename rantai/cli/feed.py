"""`rantai feed aside list|retry`: events that a reaction could not handle."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from rantai.cli.context import unit_of_work
from rantai.errors import AnswerIsNo, WrongUse
from tracker.feed.aside import waiting_aside
from tracker.feed.reacting import Again, try_again
from tracker.kit.clock import utc_now
from tracker.reactions import BY_NAME

app = typer.Typer()
aside = typer.Typer()
app.add_typer(aside, name="aside", help="Events that a reaction could not handle.")


@aside.command("list")
def list_aside() -> None:
    """Show what waits to be tried again, oldest first."""
    with unit_of_work() as db:
        rows = waiting_aside(db)
        for row in rows:
            print(
                f"{row.id}  {row.reaction}  {row.kind} at {row.position}  {row.tries} tries  {row.error}: {row.detail}"
            )
        if not rows:
            print("Nothing is set aside.")


@aside.command()
def retry(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Which ones; `list` shows their ids.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
) -> None:
    """Run the reactions again; exit code 1 when one still cannot be handled."""
    if bool(ids) is everything:
        raise WrongUse("name the events to try again, or say --all")
    if everything:
        with unit_of_work() as db:
            ids = [row.id for row in waiting_aside(db)]
    failed = 0
    for each in ids or ():
        # A transaction each: one that fails again undoes none of the others.
        with unit_of_work() as db:
            outcome = try_again(db, BY_NAME, each, now=utc_now())
        failed += outcome is not Again.SETTLED
        print(f"{each}  {_WORDS[outcome]}")
    if failed:
        raise AnswerIsNo(f"{failed} of {len(ids or ())} could not be settled")


_WORDS = {
    Again.SETTLED: "settled",
    Again.FAILED: "failed again",
    Again.NOT_WAITING: "does not wait (unknown, or settled meanwhile)",
}
