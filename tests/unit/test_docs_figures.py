"""docs/kpis.md says of every figure on a page what it is, and says it of no other."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from babel.messages.pofile import read_po

from tests.unit.test_docs_names import in_ticks, is_served, is_there
from tests.unit.test_docs_truth import ROOT
from tracker.registry import METADATA

PAGE = ROOT / "docs/kpis.md"
# The kit's page of examples shows figures that are not anybody's.
TEMPLATES = [path for path in sorted(ROOT.glob("dashboard/*/templates/*.html")) if path.name != "examples.html"]

# How the templates write a tile, a chart and a column of numbers; what is caught is the Indonesian name.
_TILES = (
    r'\bkey\(\s*"[^"]*",\s*_\("([^"]+)"\)',
    r'"name":\s*_\("([^"]+)"\)',
    r'class="name">\{\{\s*_\("([^"]+)"\)',
)
_CHARTS = (
    r'call chart\(\s*"\w+",.*?_\("([^"]+)"\)',
    # A picture that needs no plot stands in a section with the name that stays and a heading.
    r'<section[^>]*data-kpi="[^"]*"[^>]*>.*?<h2[^>]*>\{\{\s*_\("([^"]+)"\)',
)
_COLUMNS = (
    r'<th[^>]*class="[^"]*\bnum\b[^"]*"[^>]*>\s*\{\{\s*_\("([^"]+)"',
    r'\("\w+",\s*_\("([^"]+)"\),\s*"[^"]*\bnum\b',
)
# And the names that stay: of tiles, and of charts with their caption.
_IDS = (r'"kpi":\s*"(\w+)"', r'data-kpi="(\w+)"', r'call chart\(\s*"(\w+)"')


class Figure(NamedTuple):
    """A line of docs/kpis.md."""

    id: str
    name: str
    english: str
    meaning: str
    unit: str
    source: str
    tables: str
    page: str


def figures() -> list[Figure]:
    """Every line of its tables."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [Figure(*row) for row in cells if row[0] not in ("Id", "---")]


def found(patterns: tuple[str, ...], text: str) -> set[str]:
    """What the patterns catch."""
    return {name for pattern in patterns for name in re.findall(pattern, text, re.DOTALL)}


FIGURES = figures()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "dashboard").as_posix())
def test_every_figure_of_a_page_is_explained(template: object) -> None:
    text = (ROOT / str(template)).read_text(encoding="utf-8")
    assert found((*_TILES, *_CHARTS, *_COLUMNS), text) <= {one.name for one in FIGURES}
    assert found(_IDS, text) <= {one.id.strip("`") for one in FIGURES}


def test_every_figure_explained_is_on_a_page() -> None:
    pages = "".join(template.read_text(encoding="utf-8") for template in TEMPLATES)
    assert {one.name for one in FIGURES} == found((*_TILES, *_CHARTS, *_COLUMNS), pages)


def test_names_and_ids_are_given_once() -> None:
    ids = [one.id for one in FIGURES if one.id != "–"]
    names = [one.name for one in FIGURES]
    assert sorted(set(ids)) == sorted(ids)
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_comes_from_where_it_is_said_to_come_from(figure: Figure) -> None:
    with (ROOT / "dashboard/frame/locale/en/LC_MESSAGES/messages.po").open("rb") as file:
        message = read_po(file).get(figure.name)
    assert message is not None
    assert figure.english == (message.string or figure.name)
    assert figure.meaning
    assert figure.unit
    assert in_ticks(figure.source)
    assert all(is_there(name, ROOT) for name in in_ticks(figure.source)), figure.source
    assert in_ticks(figure.tables)
    assert set(in_ticks(figure.tables)) <= set(METADATA.tables)
    assert in_ticks(figure.page)
    assert all(is_served(path) for path in in_ticks(figure.page)), figure.page


def test_a_tile_a_chart_and_a_column_would_be_found_however_they_are_written() -> None:
    planted = """
        {{ key("/x", _("Satu"), 1) }} {"kpi": "two", "href": "#", "name": _("Dua")}
        <span class="name">{{ _("Tiga") }}</span>
        {% call chart(
          "empat", "/x.json?" ~ y, _("Empat"), sentence) %}
        <th scope="col" class="num">{{ _("Lima") }}</th> ("six", _("Enam"), "num wide")
    """
    assert found((*_TILES, *_CHARTS, *_COLUMNS), planted) == {"Satu", "Dua", "Tiga", "Empat", "Lima", "Enam"}
    assert found(_IDS, planted) == {"two", "empat"}
