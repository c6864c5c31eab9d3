"""`rantai scan`: what a printed code says. Needs no server and no database."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tracker.catalog.rules.barcodes import Scan, ScanError, parse_scan
from tracker.kit.clock import utc_now
from tracker.kit.days import WESTERN, local_day

app = typer.Typer(help="Read the codes printed on vials, boxes and pallets.", no_args_is_help=True)


@app.callback()
def scan() -> None:
    """Read the codes printed on vials, boxes and pallets."""


@app.command("parse")
def parse(
    text: Annotated[
        str,
        typer.Argument(
            help="What the scanner sent: GS as the control character or `^`, with or without an AIM prefix; "
            "text with brackets; or a web address."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a code means; exit 1 when it means nothing."""
    try:
        found = parse_scan(text, local_day(utc_now(), WESTERN))
    except ScanError as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "error": error_json(error)}, ensure_ascii=False))
        else:
            typer.echo(f"Position {error.position}: {error.message}", err=True)
        raise typer.Exit(1) from None
    answer = scan_json(found)
    if as_json:
        typer.echo(json.dumps({"ok": True, **answer}, ensure_ascii=False))
        return
    for name, value in answer.items():
        if value not in (None, {}):
            typer.echo(f"{name:10} {value}")


def scan_json(found: Scan) -> dict[str, Any]:
    """A scan as JSON values; the names are promised to the outside."""
    return {
        "profile": found.profile.value,
        "elements": found.elements,
        "gtin": found.gtin,
        "content_gtin": found.content_gtin,
        "nie": found.nie,
        "lot": found.lot,
        "expiry": found.expiry.isoformat() if found.expiry else None,
        "serial": found.serial,
        "sscc": found.sscc,
        "count": found.count,
    }


def error_json(error: ScanError) -> dict[str, Any]:
    """What is wrong as JSON values, the sentence in both languages."""
    return {
        "code": error.code,
        "position": error.position,
        "message": error.message,
        "message_id": error.message_id,
    }
