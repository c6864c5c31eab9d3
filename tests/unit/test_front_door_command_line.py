"""The command line: help everywhere, one sentence for an error, exit codes that mean something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from sqlalchemy.exc import OperationalError

from rantai.cli import main
from rantai.cli.commands import app
from rantai.cli.faults import report
from rantai.errors import AnswerIsNo, ServiceMissing, WrongUse
from tracker.access.errors import WeakPassword
from tracker.settings import SettingsError

ROOT = Path(__file__).parents[2]


def all_commands() -> list[tuple[str, ...]]:
    """Every command with its groups, as words."""

    def walk(command: object, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        below = getattr(command, "commands", {})
        return [words, *(found for name, one in below.items() for found in walk(one, (*words, name)))]

    return walk(typer.main.get_command(app), ())


def test_the_commands_that_others_rely_on_are_there() -> None:
    promised = {
        ("demo",), ("up",), ("api",), ("ingest",), ("worker",), ("db", "upgrade"), ("db", "check"), ("user", "add"),
        ("device", "add"), ("areas", "import"), ("logger", "import"), ("logger", "read"), ("scan", "parse"),
    }  # fmt: skip
    assert promised <= set(all_commands())


@pytest.mark.parametrize("words", ["catalog import", "areas import"])
def test_a_file_that_names_something_twice_is_refused(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "twice.json"
    file.write_text('{"type": "FeatureCollection", "features": [], "products": [{"code": "a", "code": "b"}]}')
    assert main([*words.split(), str(file)]) == 2
    assert "more than once in one object: code" in capsys.readouterr().err


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    told = capsys.readouterr()
    assert "Usage: rantai" in told.out
    assert told.err == ""


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "rantai 0.1.0\n"


def test_help_and_small_commands_load_neither_the_database_s_libraries_nor_other_groups() -> None:
    started = (
        "import sys; from rantai.cli import main; main(['--version']); main(['--help']); main(['key', '--help']);"
        "print(sorted(name for name in sys.modules if name in ('sqlalchemy', 'tracker.settings', 'tracker.reactions')"
        " or name.startswith('rantai.cli.')))"
    )
    told = subprocess.run([sys.executable, "-c", started], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {"accounts", "backups", "check", "commands", "context", "faults", "later", "programs"}
    assert told.stdout.splitlines()[-1] == str(sorted(f"rantai.cli.{name}" for name in loaded))


def test_without_words_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["db"], ["db", "nonsense"], ["api", "--processes", "x"], ["demo", "--port", "0"], ["user", "add"]],
)
def test_wrong_use_is_code_2_and_one_sentence_that_names_the_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("rantai: ")
    assert told.err.count("\n") == 1
    assert "--help`" in told.err


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RANTAI_")}
    told = run("db", "upgrade", environment=bare)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "rantai: RANTAI_DATABASE_URL is not set.\n"


def test_a_database_that_does_not_answer_is_code_3() -> None:
    settings = {
        **os.environ,
        "RANTAI_DATABASE_URL": "postgresql://rantai:x@127.0.0.1:1/rantai",
        "RANTAI_SECRET_KEY": "x" * 32,
    }
    told = run("db", "check", environment=settings)
    assert (told.returncode, told.stdout) == (3, "")
    assert told.stderr.startswith("rantai: the database does not answer")
    assert told.stderr.count("\n") == 1


def run(*words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rantai", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (AnswerIsNo("it is not"), 1, "it is not."),
        (WrongUse("use it right"), 2, "use it right."),
        (SettingsError("RANTAI_X is not set."), 2, "RANTAI_X is not set."),
        (ServiceMissing("no broker"), 3, "no broker."),
        (OperationalError("SELECT 1", {}, Exception("refused\nmore")), 3, "refused."),
        (WeakPassword(field="password", least=10), 1, "(access.weak_password)"),
        (FileNotFoundError(2, "No such file or directory", "x.json"), 2, "x.json: No such file or directory."),
        (RuntimeError("some\nbug"), 1, "RuntimeError: some bug."),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(3), 3, ""),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_each_error_has_its_code_and_stays_one_line_without_a_traceback(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANTAI_LOG__LEVEL", raising=False)
    assert report(error) == code
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == (1 if words else 0)
    assert "Traceback" not in told
