"""The documentation says what the program does: tables, links, commands and names are compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ingest.dialects import DIALECTS
from ingest.dialects.ems_schema import shape_problems
from rantai.local import mosquitto
from tests.support import doc_tables
from tracker.retention import rules_of
from tracker.settings import RetentionSettings

ROOT = doc_tables.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"])


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(doc_tables.TABLES))
def test_rendered_tables_are_what_the_code_says(name: str) -> None:
    file, render = doc_tables.TABLES[name]
    assert doc_tables.written(name) == render(), f"{file} is out of date: python -m tests.support.doc_tables"


def test_every_variable_named_anywhere_in_the_docs_exists() -> None:
    known = set(doc_tables.setting_names()) | {"RANTAI_TEST_SERVICES"}
    for page in PAGES:
        for name in re.findall(r"\bRANTAI_[A-Z0-9_]+\b", page.read_text(encoding="utf-8")):
            assert name.removesuffix("_FILE") in known or name in known, f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_pictures_lead_to_files_of_the_repository(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        assert (page.parent / target.split("#")[0]).exists(), target


# A changelog speaks of what was, a decision record of what was decided then.
OF_TODAY = [page for page in PAGES if page.parent.name != "adr" and page.name != "CHANGELOG.md"]
_TOP = "tracker|ingest|dashboard|simulators|rantai|alembic|benchmarks|tests|docs|deploy"


@pytest.mark.parametrize("page", OF_TODAY, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_and_folder_named_exists(page: Path) -> None:
    for name in re.findall(rf"`((?:{_TOP})/[\w./<>*-]*)`", page.read_text(encoding="utf-8")):
        found = list(ROOT.glob(re.sub(r"<\w+>", "*", name)))
        assert found, f"{page.name}: {name}"


def test_every_make_target_is_explained_and_every_one_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", "".join(page.read_text(encoding="utf-8") for page in PAGES)))
    assert {"demo", "test", "lint", "bench", "help", "clean"} <= targets
    assert named <= targets
    assert {"demo", "test"} <= named


def test_every_rantai_command_named_in_the_docs_exists() -> None:
    import typer

    from rantai.cli.commands import app

    root = typer.main.get_command(app)
    for page in PAGES:
        for line in re.findall(r"`rantai ([a-z][^`]*)`", page.read_text(encoding="utf-8")):
            command = root
            for word in re.findall(r"^[a-z|]+|(?<= )[a-z]+", line)[:2]:
                below = getattr(command, "commands", None)
                if below is None:
                    break
                assert word in below, f"{page.name}: rantai {line}"
                command = below[word]


def test_topics_are_those_the_broker_lets_devices_write() -> None:
    access = mosquitto.access_file(readers=["ingest"], writers={})
    for leaf in ("readings", "status", "ems"):
        assert f"rantai/v1/%u/{leaf}" in access or "rantai/v1/%u/#" in access
    assert set(re.findall(r"^\| `rantai/v1/\{\w+\}/(\w+)`", text("docs/topics.md"), re.MULTILINE)) == {
        "readings",
        "status",
        "ems",
    }


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_each_dialect_has_an_example_that_the_ingester_itself_understands(name: str) -> None:
    (section,) = (part for part in text("docs/topics.md").split("\n## ") if f"he dialect `{name}`" in part)
    example = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert example
    decoded = DIALECTS[name].decode(example[1].encode())
    assert decoded.problems == []
    entries = [entry for group in decoded.groups for entry in group.entries]
    assert ("temperature", 4.2) in {(quantity, value) for _, quantity, _, value in entries}


def test_the_ems_example_would_be_taken_over_http_too() -> None:
    (example,) = re.findall(r"```json\n(\{\n  \"meta\".*?)```", text("docs/topics.md"), re.DOTALL)
    assert shape_problems(json.loads(example)) == []


def test_decision_records_are_numbered_once_and_have_their_parts() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert numbers == sorted(set(numbers))
    assert "0001" in numbers
    for record in records:
        content = record.read_text(encoding="utf-8")
        assert content.startswith(f"# {int(record.name[:4])}. "), record.name
        assert "**Context.**" in content, record.name
        assert "**Decision.**" in content, record.name


def test_code_cites_sections_of_the_domain_that_there_are() -> None:
    sections = set(re.findall(r"^## (\d+)\.", text("docs/domain.md"), re.MULTILINE))
    cited = set()
    for program in ("tracker", "ingest", "dashboard", "rantai", "simulators", "tests"):
        for file in (ROOT / program).rglob("*.py"):
            for places in re.findall(r"domain\.md ((?:§\d+(?:, )?)+)", file.read_text(encoding="utf-8")):
                cited |= set(re.findall(r"\d+", places))
    assert cited
    assert cited <= sections


def test_the_docs_name_no_machine_and_no_registry() -> None:
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for word in ("/home" + "/", "/root" + "/", "/work" + "/", "/tmp" + "/", "pypi" + ".org"):
            assert word not in content, f"{page.name}: {word}"


def test_the_handbook_says_how_long_everything_is_kept_that_goes() -> None:
    rows = {
        line.split("|")[1].strip(): line
        for line in text("docs/production.md").splitlines()
        if line.startswith("| ") and "RANTAI_RETENTION__" in line
    }
    rules = rules_of(RetentionSettings())
    assert set(rows) == {rule.what for rule in rules}
    for rule in rules:
        kept = "stay" if rule.kept is None else f"{rule.kept.days} day"
        assert kept in rows[rule.what]
        assert f"`RANTAI_RETENTION__{rule.setting.upper()}`" in rows[rule.what]
