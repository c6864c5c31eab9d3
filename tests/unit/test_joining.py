"""The phone's modules as one script in its page: whole, in order, and let through by its hash alone."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboard.frame.joining import Inline, _needed, inline_script, inline_style, joined
from dashboard.frame.security import policy_of
from dashboard.frame.statics import sources

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.name for path in ROOT.glob("dashboard/scan/static/*.js") if path.name != "scan_worker.js")


WHOLE = joined("scan.js") + joined("scan_later.js", behind="scan.js")


def test_every_module_of_the_phone_is_in_it_once_before_those_that_need_it() -> None:
    text = WHOLE
    rooms = re.findall(r"^const \$(\w+) = \(\(\) => \{$", text, re.MULTILINE)
    assert sorted(f"{room}.js" for room in rooms) == MODULES
    for place, room in enumerate(rooms):
        needed = re.findall(r'from "\./(\w+)\.js";$', sources()[f"{room}.js"].decode(), re.MULTILINE)
        assert set(needed) <= set(rooms[:place]), room


def test_nothing_is_taken_in_or_given_out_any_more_and_no_word_to_the_reader_is_sent() -> None:
    text = WHOLE
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)
    assert not re.search(r"^\s*//", text, re.MULTILINE)
    assert "/*" not in text


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_written_so_that_it_can_be_joined(name: str) -> None:
    text = sources()[name].decode()
    for line in re.findall(r"^import .*$", text, re.MULTILINE):
        assert re.fullmatch(r'import \{[\w, ]+\} from "\./[\w.]+\.js";', line), line
    # What is given out by `let` would be given once and never again.
    for line in re.findall(r"^export .*$", text, re.MULTILINE):
        assert re.match(r"export (async )?(function|class|const) \w+", line), line
    assert not re.search(r"^await ", text, re.MULTILINE)
    # What looks like a comment within a text would be cut out of it.
    assert not re.search(r"[\"'`][^\"'`\n]*/\*[^\"'`\n]*[\"'`]", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def test_the_whole_is_a_program(tmp_path: Path) -> None:
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    if not Path(node).exists():
        pytest.skip("no Node on this machine; make lint brings one")
    whole = tmp_path / "scan.cjs"
    whole.write_text(f'"use strict";\n{WHOLE}', encoding="utf-8")
    told = subprocess.run([node, "--check", str(whole)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    "made",
    [inline_script("scan.js"), inline_script("scan_later.js", behind="scan.js"), inline_style("app.css", "job")],
    ids=["first", "later", "style"],
)
def test_the_policy_lets_this_very_text_pass(made: Inline) -> None:
    source = made.source
    body = re.sub(r"^<[^>]*>|</\w+>$", "", str(made.markup))
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    assert source == f"'sha256-{digest}'"
    assert source in policy_of(source, source)
    assert "unsafe" not in policy_of(source, source)


def test_a_page_brings_the_rules_that_may_meet_something_in_it_and_no_other() -> None:
    css = """
    :root { --ink: #000; }
    .job, .nobody:hover { color: red; }
    .nobody .job { color: blue; }
    #nowhere { color: blue; }
    :is(.nobody, .job) { color: green; }
    @media (width > 60em) {
      .job > .big { color: red; }
      .nobody { color: blue; }
    }
    @media print {
      .nobody { color: blue; }
    }
    @keyframes turn { to { rotate: 1turn; } }
    """
    left = re.sub(r"\s+", " ", _needed(css, frozenset({"job", "big"}))).strip()
    assert left == (
        ":root { --ink: #000; } .job { color: red; } :is(.nobody, .job) { color: green; } "
        "@media (width > 60em) {.job > .big { color: red; } } @keyframes turn { to { rotate: 1turn; } }"
    )
