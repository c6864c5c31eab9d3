"""Keeps the catalogues in step with the code: `python -m dashboard.frame.locale_tools` rewrites both .po files.

New texts get an empty translation, which a test refuses; texts no longer used are dropped.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from dashboard.frame.texts import LANGUAGES, LOCALE_DIR

ROOT = Path(__file__).parents[1]
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
# A template that cannot be read is an error: skipped in silence, all its texts would be dropped.
_OPTIONS = {"**/templates/**.html": {"silent": "false"}}
_KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}


def extracted(root: Path = ROOT) -> Catalog:
    """All texts of code and templates, without places: those change with every edit and tell little.

    Raises TemplateSyntaxError for a template that cannot be read.
    """
    catalog = Catalog(charset="utf-8", project="Rantai")
    found = extract_from_dir(
        root, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS, strip_comment_tags=True
    )
    for _, _, message, _, _ in found:
        catalog.add(message)
    return catalog


def path_of(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return LOCALE_DIR / language / "LC_MESSAGES" / "messages.po"


def existing(language: str) -> Catalog:
    """The catalogue as it stands; an empty one where there is none."""
    path = path_of(language)
    if not path.exists() or not path.stat().st_size:
        return Catalog(locale=language, charset="utf-8", project="Rantai")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """The catalogue with every text of today and none of yesterday; given translations are kept."""
    old = existing(language)
    fresh = Catalog(locale=language, charset="utf-8", project="Rantai", fuzzy=False)
    for message in extracted():
        if not message.id:
            continue
        before = old.get(message.id if isinstance(message.id, str) else message.id[0])
        kept = None
        if before is not None and isinstance(message.id, tuple) == isinstance(before.id, tuple):
            kept = before.string
        fresh.add(message.id, string=kept)
    return fresh


def written(catalog: Catalog) -> bytes:
    """The .po file, sorted, so that two people's changes meet rarely."""
    out = io.BytesIO()
    write_po(out, catalog, width=110, sort_output=True, omit_header=False, ignore_obsolete=True)
    lines = out.getvalue().decode().splitlines(keepends=True)
    # Dates and tool versions in the header would change the file without changing a text.
    return "".join(
        line
        for line in lines
        if not line.startswith(('"POT-Creation', '"PO-Revision', '"Generated-By', '"Last-Translator', '"Report-'))
    ).encode()


def main() -> None:
    """Rewrite all catalogues."""
    for language in LANGUAGES:
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(updated(language)))


if __name__ == "__main__":
    main()
