"""axe-core, which looks for what keeps people out of a page; `make setup-tests` brings it from npm."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FILE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@cache
def axe_script() -> str:
    """The script's text for `page.evaluate` (which a page's content policy does not stop); then `axe.run()` is there."""
    if not FILE.is_file():
        raise FileNotFoundError(f"{FILE} is missing: run `make setup-tests`")
    return FILE.read_text(encoding="utf-8")
