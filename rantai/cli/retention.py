"""`rantai retention run|show`: what is kept no longer goes when its time is over."""

from __future__ import annotations

from typing import Annotated

import typer

from rantai.cli.context import current_settings, engine_for_commands
from tracker.database.engine import transaction
from tracker.database.forgotten import last_forgotten, last_run
from tracker.kit.clock import utc_now
from tracker.retention import MOST_COUNTED, Standing, let_go_next, rules_of, standings

app = typer.Typer()


@app.command()
def run(*, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would go.")] = False) -> None:
    """Let go what is kept no longer, in small transactions; repeat it if it was stopped."""
    began = utc_now()
    with engine_for_commands() as engine:
        for rule in rules_of(current_settings().retention):
            if rule.kept is None:
                print(f"{rule.what}: stay")
                continue
            more = not dry_run
            while more:
                with transaction(engine) as db:
                    more = let_go_next(db, rule, due_since=began, now=utc_now(), wait=True)
            with transaction(engine) as db:
                done = None if dry_run else last_run(db, rule.what)
                count = rule.part.count_all(db, began - rule.kept) if done is None else done.how_many
            print(f"{rule.what}: {count} {'would go' if dry_run else 'gone'} (kept {rule.kept.days} days: {rule.why})")


@app.command()
def show(most: Annotated[int, typer.Option(help="Runs to show.", min=1, max=10_000)] = 50) -> None:
    """Show how each rule stands and what went when, the newest first: counts, and nobody."""
    with engine_for_commands() as engine, transaction(engine) as db:
        standing = standings(db, rules_of(current_settings().retention), now=utc_now())
        rows = last_forgotten(db, most=most)
    for one in standing:
        print(f"{one.rule.what}: {_kept(one)}; {_ran(one)}; {_due(one)}")
    print()
    for row in rows:
        print(f"{row.at:%Y-%m-%d %H:%M} UTC  {row.what}: {row.how_many}, from before {row.before:%Y-%m-%d}")
    if not rows:
        print("Nothing was let go yet.")


def _kept(one: Standing) -> str:
    return "stay" if one.rule.kept is None else f"kept {one.rule.kept.days} days"


def _ran(one: Standing) -> str:
    if one.last is None:
        return "never run"
    ended = "" if one.last.ended_at else ", not at its end"
    return f"last run {one.last.at:%Y-%m-%d %H:%M} UTC, {one.last.how_many} went{ended}"


def _due(one: Standing) -> str:
    if one.due is None:
        return "due now: only a run can tell"
    return f"due now: {'at least ' if one.due >= MOST_COUNTED else ''}{one.due}"
