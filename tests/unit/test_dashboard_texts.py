"""Words, numbers and times in both languages, and catalogues that know every text."""

from __future__ import annotations

import ast
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError

from dashboard.frame import labels
from dashboard.frame.locale_tools import ROOT, existing, extracted, path_of, updated, written
from dashboard.frame.texts import LANGUAGES, texts_of, zone_label
from tracker.retention import rules_of
from tracker.settings import RetentionSettings

NOW = datetime(2026, 11, 23, 3, 32, tzinfo=UTC)


def test_every_text_of_the_pages_has_its_english() -> None:
    missing = [
        message.id
        for message in updated("en")
        if message.id and (not message.string or (isinstance(message.string, tuple) and not all(message.string)))
    ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_files_are_what_the_tool_would_write(language: str) -> None:
    assert path_of(language).read_bytes() == written(updated(language)), "run python -m dashboard.frame.locale_tools"


def test_a_translation_uses_the_same_placeholders_as_its_text() -> None:
    def placeholders(text: str) -> set[str]:
        return {part.split(")")[0] for part in text.split("%(")[1:]}

    for message in existing("en"):
        if isinstance(message.id, str) and message.id:
            assert placeholders(message.id) == placeholders(str(message.string)), message.id
        elif message.id:
            assert message.string, message.id
            assert all(placeholders(form) == placeholders(message.id[1]) for form in message.string), message.id


def test_texts_are_found_in_python_and_in_templates() -> None:
    found = {message.id for message in extracted()}
    assert "Kosong" in found  # labels.py
    assert "Ringkasan" in found  # templates


def test_every_label_is_marked_for_translation() -> None:
    known = {message.id for message in existing("en")}
    groups = [value for name, value in vars(labels).items() if name.isupper()]
    assert groups
    assert {text for group in groups for text in group.values()} <= known


def test_every_group_of_labels_is_shown_somewhere() -> None:
    files = [path for end in ("html", "py") for path in ROOT.rglob(f"*.{end}") if path.name != "labels.py"]
    shown = "".join(path.read_text(encoding="utf-8") for path in files)
    assert [name for name in vars(labels) if name.isupper() and not re.search(rf"\b{name}\b", shown)] == []


def test_times_carry_the_zone_of_the_place() -> None:
    texts = texts_of("id")
    assert texts.clock(NOW, "Asia/Jakarta") == "10.32 WIB"
    assert texts.clock(NOW, "Asia/Makassar") == "11.32 WITA"
    assert texts.clock(NOW, "Asia/Jayapura") == "12.32 WIT"
    assert texts_of("en").moment(NOW, "Asia/Jayapura") == "23 Nov 2026 12:32 WIT"
    assert zone_label("Asia/Pontianak") == "WIB"


def test_numbers_follow_the_language() -> None:
    assert texts_of("id").number(12345.6, 1) == "12.345,6"
    assert texts_of("en").number(12345.6, 1) == "12,345.6"
    assert texts_of("id").celsius(-19.96) == "−20,0 °C"
    assert texts_of("id").date(date(2026, 8, 31)) == "31 Agu 2026"


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    texts = texts_of("id")
    assert {texts.number(None), texts.celsius(None), texts.date(None), texts.percent(None), texts.minutes(None)} == {
        "–"
    }
    assert texts.ago(None, NOW) == "belum pernah"


@pytest.mark.parametrize(
    ("passed", "id_text", "en_text"),
    [
        (timedelta(seconds=20), "baru saja", "just now"),
        (timedelta(minutes=1), "1 menit lalu", "1 minute ago"),
        (timedelta(hours=5), "5 jam lalu", "5 hours ago"),
        (timedelta(days=3), "3 hari lalu", "3 days ago"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(passed: timedelta, id_text: str, en_text: str) -> None:
    assert texts_of("id").ago(NOW - passed, NOW) == id_text
    assert texts_of("en").ago(NOW - passed, NOW) == en_text


def test_minutes_become_hours_and_minutes() -> None:
    assert texts_of("id").minutes(725) == "12 j 05 mnt"
    assert texts_of("en").minutes(59.4) == "59 min"


def test_an_unknown_language_is_indonesian() -> None:
    assert texts_of("fr").language == "id"


def test_templates_hold_no_inline_script_and_no_inline_style() -> None:
    templates = Path(labels.__file__).parents[1]
    for path in templates.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert "<style" not in text, path
        # What a page brings as data is run by nobody.
        scripts = [tag.split(">")[0] for tag in text.split("<script")[1:]]
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts), path


def test_a_template_that_cannot_be_read_is_said_instead_of_losing_its_texts(tmp_path: Path) -> None:
    folder = tmp_path / "room" / "templates"
    folder.mkdir(parents=True)
    (folder / "broken.html").write_text('{{ _("Keluar") }}{% if %}')
    with pytest.raises(TemplateSyntaxError):
        extracted(tmp_path)


def test_no_text_hides_in_a_formatted_string_where_nothing_finds_it() -> None:
    hidden = [
        f"{path.name}:{call.lineno}"
        for path in ROOT.rglob("*.py")
        for string in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in {"_", "gettext", "ngettext", "mark"}
        and isinstance(call.args[0], ast.Constant)
    ]
    assert hidden == []


def test_every_rule_of_what_is_kept_has_a_word() -> None:
    assert set(labels.KEPT) == {rule.what for rule in rules_of(RetentionSettings())}
