"""What went wrong, as one sentence and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import typer

from rantai.errors import AnswerIsNo, ServiceMissing, WrongUse
from tracker.database.errors import MigrationStopped
from tracker.kit.errors import DomainError

NO = 1
WRONG_USE = 2
SERVICE_MISSING = 3
INTERRUPTED = 130


def report(error: BaseException) -> int:
    """Say it on stderr and give the exit code. SystemExit of a program below keeps its code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else (NO if error.code else 0)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # The reader of our output (head, less) has gone; that is no fault of ours.
        return 0
    for kind, code, sentence in _table():
        if isinstance(error, kind):
            print(f"rantai: {sentence(error)}", file=sys.stderr)
            return code
    if os.environ.get("RANTAI_LOG__LEVEL") == "DEBUG":
        traceback.print_exception(error)
    print(
        f"rantai: something unforeseen happened: {type(error).__name__}: {_one_line(str(error))} "
        "RANTAI_LOG__LEVEL=DEBUG shows where.",
        file=sys.stderr,
    )
    return NO


def _plain(error: BaseException) -> str:
    return _one_line(str(error))


def _usage(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "rantai"
    message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
    return f"{_one_line(message)} See `{where} --help`."


def _domain(error: BaseException) -> str:
    """The English sentence of a domain error, as the API gives it."""
    from tracker.api.problems import PROBLEMS  # noqa: PLC0415 - reads every room's table; only wanted on errors
    from tracker.api.problems.saying import say  # noqa: PLC0415

    if not isinstance(error, DomainError) or error.code not in PROBLEMS:
        return _plain(error)
    return f"{say(PROBLEMS[error.code], error.params, 'en')} ({error.code})"


def _database_away(error: BaseException) -> str:
    return f"the database does not answer: {_one_line(_first_line(getattr(error, 'orig', error)))}"


def _database_refuses(error: BaseException) -> str:
    words = _one_line(_first_line(getattr(error, "orig", error)))
    return f"the database refuses: {words} Is it migrated (`rantai db upgrade`)?"


def _file(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return _plain(error)


def _table() -> tuple[tuple[type[BaseException], int, Callable[[BaseException], str]], ...]:
    """The first line that fits counts: narrower kinds stand above wider ones."""
    from sqlalchemy.exc import DBAPIError, OperationalError  # noqa: PLC0415 - only wanted on errors

    from tracker.settings import SettingsError  # noqa: PLC0415 - same

    return (
        (typer.TyperException, WRONG_USE, _usage),
        (WrongUse, WRONG_USE, _plain),
        (SettingsError, WRONG_USE, _plain),
        (AnswerIsNo, NO, _plain),
        (MigrationStopped, NO, _plain),
        (ServiceMissing, SERVICE_MISSING, _plain),
        (DomainError, NO, _domain),
        (OperationalError, SERVICE_MISSING, _database_away),
        (DBAPIError, NO, _database_refuses),
        (OSError, WRONG_USE, _file),
    )


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if not line or line.endswith((".", "!", "?", ")")) else f"{line}."
