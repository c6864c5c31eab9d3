"""What programs write about themselves: text for people, or one JSON object a line.

Tracebacks are written without the values of local variables: those may hold a person's data.
"""

from __future__ import annotations

import logging
import sys

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
    # uvicorn's access lines carry paths and addresses; our own metrics count requests by route.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    # A gateway takes its password, a phone number and the text in the address: what calls it must not write it down.
    for client in ("httpx2", "httpcore2", "httpx", "httpcore", "hpack", "urllib3"):
        logging.getLogger(client).setLevel(logging.WARNING)


_dict_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def _final(*, json_lines: bool) -> list[structlog.typing.Processor]:
    if json_lines:
        return [_dict_tracebacks, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
