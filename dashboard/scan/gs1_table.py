"""The server's table of application identifiers as data for the phone's reader: `python -m dashboard.scan.gs1_table`.

The phone reads codes without a network, by the same table. The file is written from the Python table and never by hand; a
test fails when the two differ.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from tracker.catalog.rules.barcodes.dictionary import Component, Identifier, identifiers

FILE = Path(__file__).parent / "static" / "gs1_table.json"


def table() -> list[dict[str, Any]]:
    """Rows of identifiers that are alike: `ai` names them, the rest is what `Identifier` says, empty things left out.

    `parts` are `[kind, least, most, optional, checks]`, lengths in characters.
    """
    alike = groupby(identifiers().values(), key=_said)
    return [{"ai": [each.ai for each in group], **said} for said, group in alike]


def written() -> str:
    """The file: a row a line."""
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in table())
    return f"[\n{rows}\n]\n"


def _said(spec: Identifier) -> dict[str, Any]:
    said: dict[str, Any] = {
        "fixed": spec.predefined_length,
        "query": spec.query_attribute,
        "parts": [_part(component) for component in spec.components],
        "required": [sorted(choice) for choice in spec.required],
        "excluded": sorted(spec.excluded),
        "keys": spec.keys and [list(order) for order in spec.keys],
    }
    return {name: value for name, value in said.items() if value}


def _part(component: Component) -> list[Any]:
    return [component.kind, component.least, component.most, component.optional, list(component.checks)]


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
