"""`rantai world seed|story FILE`: the demo's world in the configured database, and what happens in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from rantai.cli.context import current_settings, engine_for_commands

_TICK_S = 0.25
_AWAY_S = 2.0
# As much is told again when the story is started once more.
_TOLD_AGAIN = timedelta(minutes=15)

app = typer.Typer()


@app.command("seed")
def seed(
    manifest: Annotated[Path, typer.Argument(help="Where the simulators' manifest (world.json) is written.")],
) -> None:
    """Make the demo's world: places, fridges, vaccines, people, and their past. A second time changes nothing."""
    from rantai.world.seed import seed_world  # noqa: PLC0415 - only this command needs it

    with engine_for_commands() as engine:
        seed_world(engine, manifest, secret_key=current_settings().secret_key.get_secret_value(), tell=_say)
    print(f"The world is there; its devices and people are in {manifest}.")


@app.command("story")
def story(
    manifest: Annotated[Path, typer.Argument(help="The manifest that `rantai world seed` wrote.", dir_okay=False)],
    gateway: Annotated[str | None, typer.Option(help="Where the page of the simulated SMS gateway is.")] = None,
) -> None:
    """Print the address and the log-ins, then tell what happens, until SIGTERM or Ctrl-C."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - loads the database's libraries

    from rantai.doors import doors  # noqa: PLC0415 - same
    from rantai.interrupts import Interrupts  # noqa: PLC0415 - same
    from rantai.story import Story  # noqa: PLC0415 - same
    from rantai.world.people import shown_log_ins  # noqa: PLC0415 - same

    interrupts = Interrupts()
    log_ins = shown_log_ins(manifest)
    phone = bool(current_settings().mouths.whatsapp_secret.get_secret_value())
    with engine_for_commands() as engine:
        told = Story(engine, _say, since=_since(manifest))
        _say(
            doors(
                current_settings().api.public_url, gateway=gateway, phone=phone, log_ins=log_ins, below="Times are WIB."
            )
        )
        while not interrupts.wait(_TICK_S):
            try:
                told.tell_news()
            except SQLAlchemyError as error:
                _say(f"The database does not answer: {str(error).splitlines()[0]}")
                interrupts.wait(_AWAY_S)


def _since(manifest: Path) -> datetime:
    """When the world was ready, for simulators may be quicker than we are; of a house that runs for long the last bit."""
    ready = datetime.fromtimestamp(manifest.stat().st_mtime, UTC)
    return max(ready, datetime.now(UTC) - _TOLD_AGAIN)


def _say(line: str) -> None:
    print(line, flush=True)
