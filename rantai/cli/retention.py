"""`rantai retention run|show`: what is personal goes when its time is over."""

from __future__ import annotations

from typing import Annotated

import typer

from rantai.cli.context import current_settings, engine_for_commands
from tracker.database.engine import transaction
from tracker.database.forgotten import last_forgotten
from tracker.kit.clock import utc_now
from tracker.retention import count_too_old, forget_next, rules_of

app = typer.Typer()


@app.command()
def run(*, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would go.")] = False) -> None:
    """Let go what is kept no longer, in small transactions; repeat it if it was stopped."""
    now = utc_now()
    with engine_for_commands() as engine:
        for rule in rules_of(current_settings().retention):
            with transaction(engine) as db:
                count = count_too_old(db, rule, now=now)
            verb = "would go" if dry_run else "go"
            print(f"{rule.what}: {count} {verb} (kept {rule.kept.days} days: {rule.why})")
            after, more = None, not dry_run
            while more:
                with transaction(engine) as db:
                    after = forget_next(db, rule, after, now=now)
                more = after is not None


@app.command()
def show(most: Annotated[int, typer.Option(help="Lines to show.", min=1, max=10_000)] = 50) -> None:
    """Show what went when, the newest first: counts, and nobody."""
    with engine_for_commands() as engine, transaction(engine) as db:
        rows = last_forgotten(db, most=most)
    for row in rows:
        print(f"{row.at:%Y-%m-%d %H:%M} UTC  {row.what}: {row.how_many}, from before {row.before:%Y-%m-%d}")
    if not rows:
        print("Nothing was let go yet.")
