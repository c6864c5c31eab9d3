"""`rantai device add`: register a device and print its broker credentials once."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from rantai.cli.context import unit_of_work
from tracker.kit.clock import utc_now
from tracker.telemetry.rules.words import DeviceKind

app = typer.Typer()


@app.callback()
def _devices() -> None:
    """Keep `add` a command of its own."""


@app.command("add")
def add(
    code: Annotated[str, typer.Argument(help="Its code: MQTT user name and level of its topics.")],
    unit: Annotated[str, typer.Option(help="Code of the unit (facility) it belongs to.")],
    kind: Annotated[DeviceKind, typer.Option(help="How it is connected.")] = DeviceKind.NATIVE,
    serial: Annotated[str | None, typer.Option(help="Serial number; needed behind a gateway.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Code of the gateway it stands behind.")] = None,
    make: Annotated[str | None, typer.Option(help="Manufacturer.")] = None,
    model: Annotated[str | None, typer.Option(help="Model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Register a device; its password for the broker is printed now and never again."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.commands import NewDevice  # noqa: PLC0415 - same
    from tracker.telemetry.service.devices import add_device  # noqa: PLC0415 - same

    command = NewDevice(code=code, unit=unit, kind=kind, make=make, model=model, serial=serial, gateway=gateway)
    with unit_of_work() as db:
        added = add_device(db, SYSTEM, command, now=utc_now())
        known = {"id": str(added.device.id), "code": added.device.code, "password": added.password}
    if as_json:
        print(json.dumps(known))
        return
    print(f"{known['code']} {known['id']}")
    if known["password"] is not None:
        print(f"password: {known['password']}")
