"""`rantai device`: register, move, retire and revoke devices, and correct what they were said to watch."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from rantai.cli.context import unit_of_work
from tracker.kit.clock import utc_now
from tracker.telemetry.rules.words import DeviceKind

app = typer.Typer()


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


Code = Annotated[str, typer.Argument(help="The device's code.")]


@app.command("password")
def password(code: Code) -> None:
    """Give a device a new password and print it once; the old one ends at the broker within seconds."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.devices import renew_password  # noqa: PLC0415 - same

    with unit_of_work() as db:
        told = renew_password(db, SYSTEM, code, now=utc_now()).password
    print(f"password: {told}")


@app.command("revoke")
def revoke(code: Code) -> None:
    """End a device's password: the broker throws it out within seconds."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.devices import revoke_password  # noqa: PLC0415 - same

    with unit_of_work() as db:
        revoke_password(db, SYSTEM, code, now=utc_now())
    print(f"{code} is let in no more.")


@app.command("retire")
def retire(code: Code) -> None:
    """Take a device out of use: its password and its watches end, what it measured stays."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.devices import retire_device  # noqa: PLC0415 - same

    with unit_of_work() as db:
        retire_device(db, SYSTEM, code, now=utc_now())
    print(f"{code} is out of use.")


@app.command("reinstate")
def reinstate(code: Code) -> None:
    """Take a retired device back into use; it needs a password and something to watch."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.devices import reinstate_device  # noqa: PLC0415 - same

    with unit_of_work() as db:
        reinstate_device(db, SYSTEM, code, now=utc_now())
    print(f"{code} is in use again.")


@app.command("move")
def move(code: Code, unit: Annotated[str, typer.Option(help="Code of the unit it belongs to from now on.")]) -> None:
    """Give a device to another unit; what was measured stays with the places it watched."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.devices import move_device  # noqa: PLC0415 - same

    with unit_of_work() as db:
        move_device(db, SYSTEM, code, unit, now=utc_now())
    print(f"{code} belongs to {unit}.")


@app.command("correct")
def correct(
    code: Code,
    channel: Annotated[str, typer.Argument(help="Name of the channel; of an imported logger `t1`.")],
    equipment: Annotated[str, typer.Option(help="Code of the equipment it really watched.")],
    reason: Annotated[str, typer.Option(help="How that is known.")],
    at: Annotated[datetime | None, typer.Option(help="An instant (UTC) of the watch; default: its last.")] = None,
) -> None:
    """Say that a watch was of other equipment: episodes and holds move there."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.telemetry.service.assigning import correct_watch  # noqa: PLC0415 - same
    from tracker.telemetry.service.commands import CorrectWatch  # noqa: PLC0415 - same

    instant = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
    command = CorrectWatch(device=code, name=channel, equipment=equipment, reason=reason, at=instant)
    with unit_of_work() as db:
        correct_watch(db, SYSTEM, command, now=utc_now())
    print(f"{code} {channel}: what it measured counts for {equipment}.")
