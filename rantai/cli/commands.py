"""All commands. A group is imported when it is asked for, and a command imports what it runs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from rantai.cli import backups, check, programs
from rantai.cli.later import HOUSE, add_later

app = typer.Typer(
    name="rantai",
    help="Cold-chain track and trace of a vaccine programme.",
    context_settings={"help_option_names": ["-h", "--help"]},
    **HOUSE,
)


def _tell_version(*, wanted: bool) -> None:
    if wanted:
        print("rantai 0.1.0")
        raise typer.Exit


@app.callback()
def _rantai(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    del version


def _db() -> typer.Typer:
    from rantai.cli.database import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _backup() -> typer.Typer:
    from rantai.cli.backups import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _unit() -> typer.Typer:
    from rantai.cli.accounts import units  # noqa: PLC0415 - when one of its commands is asked for

    return units


def _user() -> typer.Typer:
    from rantai.cli.accounts import users  # noqa: PLC0415 - when one of its commands is asked for

    return users


def _key() -> typer.Typer:
    from rantai.cli.accounts import keys  # noqa: PLC0415 - when one of its commands is asked for

    return keys


def _webhook() -> typer.Typer:
    from rantai.cli.webhooks import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _device() -> typer.Typer:
    from rantai.cli.devices import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _catalog() -> typer.Typer:
    from rantai.cli.catalog import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _areas() -> typer.Typer:
    from rantai.cli.areas import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _broker() -> typer.Typer:
    from rantai.cli.broker import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _retention() -> typer.Typer:
    from rantai.cli.retention import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _secrets() -> typer.Typer:
    from rantai.cli.secrets import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _world() -> typer.Typer:
    from rantai.cli.world import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _pcare() -> typer.Typer:
    from rantai.cli.pcare import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _phases() -> typer.Typer:
    from rantai.cli.phases import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _feed() -> typer.Typer:
    from rantai.cli.feed import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _logger() -> typer.Typer:
    from rantai.cli.logger import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


def _scan() -> typer.Typer:
    from rantai.cli.scan import app  # noqa: PLC0415 - when one of its commands is asked for

    return app


for _name, _command in programs.COMMANDS.items():
    app.command(_name)(_command)
app.command("check")(check.check)
app.command("restore")(backups.restore)
add_later(app, "db", _db, "The database's schema.")
add_later(app, "backup", _backup, "Backups of the database.")
add_later(app, "unit", _unit, "Units of the health system.")
add_later(app, "user", _user, "Accounts of people and machines.")
add_later(app, "key", _key, "API keys of accounts.")
add_later(app, "webhook", _webhook, "Webhooks of other systems.")
add_later(app, "device", _device, "Sensors, loggers and gateways.")
add_later(app, "catalog", _catalog, "Vaccines, storage classes, products.")
add_later(app, "areas", _areas, "Polygons of administrative areas.")
add_later(app, "broker", _broker, "The MQTT broker's users.")
add_later(app, "retention", _retention, "What goes when its time is over.")
add_later(app, "secrets", _secrets, "The secret key of the house, and its replacement.")
add_later(app, "world", _world, "The made-up world of the demo.")
add_later(app, "feed", _feed, "The feed of what happened.")
add_later(app, "pcare", _pcare, "What P-Care was told.")
add_later(app, "phases", _phases, "Whose turn it is to register.")
add_later(app, "logger", _logger, "Exports of temperature loggers.")
add_later(app, "scan", _scan, "Barcodes.")
