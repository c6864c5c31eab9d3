"""What programs write about themselves: text for people, or one JSON object a line.

Of an error its kind and where it came from are written, never its message or the values of variables: those may hold
a person's data, as the database's DETAIL does.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import structlog

from tracker.settings import LogSettings


def configure_logs(log: LogSettings) -> None:
    """Set up structlog and the standard library's logging alike; everything goes to stderr."""
    level = logging.getLevelNamesMapping()[log.level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_final(json_lines=log.json_lines)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # uvicorn's access lines carry paths and addresses; the proxy's log is told which of them to leave out.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    # A gateway takes its password, a phone number and the text in the address: what calls it must not write it down.
    for client in ("httpx2", "httpcore2", "httpx", "httpcore", "hpack", "urllib3"):
        logging.getLogger(client).setLevel(logging.WARNING)


def _where(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Puts the kinds and places of an error and its causes where the renderers would print a traceback."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_told(error))
    return event


def _told(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        for frame in traceback.extract_tb(following.__traceback__):
            yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        # What a database calls its own rule says which without saying of whom.
        named = getattr(getattr(following, "diag", None), "constraint_name", None)
        state = getattr(following, "sqlstate", None)
        more = ", ".join(str(each) for each in (state, named) if each)
        yield type(following).__qualname__ + (f" ({more})" if more else "")
        if isinstance(following, BaseExceptionGroup):
            for each in following.exceptions:
                yield from _told(each)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
        if following is not None:
            yield "after"


def _final(*, json_lines: bool) -> list[structlog.typing.Processor]:
    if json_lines:
        return [_where, structlog.processors.JSONRenderer()]
    return [_where, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
