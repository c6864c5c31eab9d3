"""All commands. Each imports what it runs when it runs, so that `--help` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from rantai.cli import (
    accounts,
    areas,
    backups,
    broker,
    catalog,
    check,
    database,
    devices,
    feed,
    logger,
    programs,
    retention,
    scan,
    secrets,
    world,
)

app = typer.Typer(
    name="rantai",
    help="Cold-chain track and trace of a vaccine programme.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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


for _name, _command in programs.COMMANDS.items():
    app.command(_name)(_command)
app.command("check")(check.check)
app.command("restore")(backups.restore)
app.add_typer(database.app, name="db", help="The database's schema.")
app.add_typer(backups.app, name="backup", help="Backups of the database.")
app.add_typer(accounts.units, name="unit", help="Units of the health system.")
app.add_typer(accounts.users, name="user", help="Accounts of people and machines.")
app.add_typer(accounts.keys, name="key", help="API keys of accounts.")
app.add_typer(devices.app, name="device", help="Sensors, loggers and gateways.")
app.add_typer(catalog.app, name="catalog", help="Vaccines, storage classes, products.")
app.add_typer(areas.app, name="areas", help="Polygons of administrative areas.")
app.add_typer(broker.app, name="broker", help="The MQTT broker's users.")
app.add_typer(retention.app, name="retention", help="What goes when its time is over.")
app.add_typer(secrets.app, name="secrets", help="The secret key of the house, and its replacement.")
app.add_typer(world.app, name="world", help="The made-up world of the demo.")
app.add_typer(feed.app, name="feed", help="The feed of what happened.")
app.add_typer(logger.app, name="logger", help="Exports of temperature loggers.")
app.add_typer(scan.app, name="scan", help="Barcodes.")
