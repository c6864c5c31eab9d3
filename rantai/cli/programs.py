"""`rantai demo|up|api|ingest|worker`: the programs that run until they are stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from rantai.cli.context import current_settings

Minutes = Annotated[float | None, typer.Option(help="Stop by itself after so many minutes.", min=0.0)]
Port = Annotated[
    int | None,
    typer.Option(help="Port of the pages and the API; default 8000, or the next free one.", min=1, max=65535),
]
Folder = Annotated[
    Path | None,
    typer.Option(help="Where data, logs and passwords lie; default `.rantai` in the checkout.", file_okay=False),
]


def demo(port: Port = None, minutes: Minutes = None, folder: Folder = None) -> None:
    """Everything on this machine: private servers, a world with real places, sensors, people, pages, a story."""
    from rantai.demo import run_demo  # noqa: PLC0415 - each program loads only what it needs

    run_demo(port=port, minutes=minutes, simulate=True, root=folder)


def up(port: Port = None, minutes: Minutes = None, folder: Folder = None) -> None:
    """Private servers, API, pages, ingester and worker on this machine, without world and simulators."""
    from rantai.demo import run_demo  # noqa: PLC0415 - same

    run_demo(port=port, minutes=minutes, simulate=False, root=folder)


def api(
    processes: Annotated[int, typer.Option(help="Server processes.", min=1, max=64)] = 1,
) -> None:
    """HTTP API and pages (RANTAI_API__HOST, RANTAI_API__PORT)."""
    from rantai.serve import run_api  # noqa: PLC0415 - same

    run_api(current_settings(), processes=processes)


def ingest() -> None:
    """Take readings from the broker into the database."""
    from rantai.wiring import run_ingest  # noqa: PLC0415 - same

    run_ingest(current_settings())


def worker() -> None:
    """Number the feed, evaluate temperatures, react, deliver, keep time."""
    from rantai.worker import run_worker  # noqa: PLC0415 - same

    run_worker(current_settings())


COMMANDS: dict[str, Callable[..., None]] = {"demo": demo, "up": up, "api": api, "ingest": ingest, "worker": worker}
