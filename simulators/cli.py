"""The simulators' command line: which world, which API, which broker, and a clean end."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from simulators.manifest import World, read_world
from simulators.people.crowd import Crowd
from simulators.sensors.flash import Flash
from simulators.sensors.fleet import Fleet
from simulators.sensors.link import BrokerAddress

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def utc_now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def tell(who: str, what: str) -> None:
    """One line of the running story, for a person or for `rantai demo` to read."""
    print(f"{utc_now():%H:%M:%S} {who}: {what}", flush=True)


@app.command()
def simulate(
    *,
    manifest: Annotated[Path, typer.Option(help="The world manifest (world.json).")],
    mqtt_url: Annotated[str, typer.Option(help="Broker address; each device brings its own credentials.")] = "",
    api_url: Annotated[str, typer.Option(help="Address of the API; overrides the manifest's.")] = "",
    state: Annotated[
        Path | None, typer.Option(help="The loggers' flash memory. Default: flash.json beside the manifest.")
    ] = None,
    sensors: Annotated[bool, typer.Option(help="Play fridges, trucks and gateways.")] = True,
    people: Annotated[bool, typer.Option(help="Play staff and citizens.")] = True,
    seed: Annotated[str, typer.Option(help="Another seed gives another world; default: the manifest's.")] = "",
) -> None:
    """Play the devices and people of a manifest over MQTT and HTTP until SIGTERM or Ctrl-C."""
    world = _world(manifest)
    seed = seed or world.seed
    flash = Flash(state or manifest.with_name("flash.json"))
    fleet = _fleet(world, mqtt_url, seed, flash) if sensors and world.devices else None
    address = api_url or world.api_url
    crowd = Crowd(world, address, seed=seed, clock=utc_now, told=tell) if people and address else None
    if fleet is None and crowd is None:
        _fail("nothing to play: the manifest has no devices, and no API address was given for people")
    _run(fleet, crowd)


def _world(manifest: Path) -> World:
    try:
        return read_world(manifest)
    except OSError as error:
        _fail(f"{manifest} cannot be read: {error.strerror}")
    except ValueError as error:
        _fail(f"{manifest} is not a world manifest: {error}")


def _fleet(world: World, mqtt_url: str, seed: str, flash: Flash) -> Fleet:
    try:
        broker = BrokerAddress.parse(mqtt_url)
    except ValueError as error:
        _fail(str(error))
    return Fleet(world.devices, broker, seed=seed, clock=utc_now, flash=flash, told=tell)


def _run(fleet: Fleet | None, crowd: Crowd | None) -> None:
    """Sensors in the main thread, people in one beside it; both end at the first signal."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()
        if fleet:
            fleet.stop()
        if crowd:
            crowd.stop()

    # Set even where SIGINT was ignored at start, as it is in a shell's background job.
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    beside = threading.Thread(target=crowd.run, name="people", daemon=True) if crowd else None
    if beside:
        beside.start()
    if fleet:
        fleet.run()
    else:
        ended.wait()
    if beside:
        beside.join(timeout=3)


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(2)


def main() -> None:
    """Entry of `python -m simulators`."""
    app()
