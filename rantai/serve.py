"""`rantai api`: the core's HTTP application with the pages and the readings' doors on it, served by uvicorn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI

from rantai.house_keys import insist_on_keys
from rantai.logs import configure_logs
from rantai.wiring import more_routers
from tracker.api.app import create_app
from tracker.database.engine import make_engine, open_connections
from tracker.edge.services import Services
from tracker.kit.garbage import keep_what_stands
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import shown_by
from tracker.settings import Settings, settings

# Live pages hold their connection for ever; at the end they get this long to let go.
_GRACE_S = 2


def build_app(current: Settings) -> FastAPI:
    """The whole application of one process."""
    from dashboard.app import mount_pages  # noqa: PLC0415 - plotly is heavy and only the API needs it
    from dashboard.frame.rendering import compile_templates  # noqa: PLC0415 - same
    from ingest.files.importer import import_logger_file  # noqa: PLC0415 - same

    keyring = Keyring.of(current)
    engine = make_engine(
        current.database_url.get_secret_value(), current.database, name=shown_by("rantai-api", keyring)
    )
    insist_on_keys(engine, current)
    services = Services(engine=engine, settings=current)
    # Before the first request is taken, else its sender and many behind wait for seconds.
    warm: list[Callable[[], None]] = [compile_templates, partial(open_connections, engine), keep_what_stands]
    app = create_app(services, more=more_routers(), warm=warm)
    mount_pages(app, services, take_logger_file=import_logger_file)
    return app


def app() -> FastAPI:
    """For `uvicorn --factory rantai.serve:app`: one of several processes."""
    configure_logs(settings().log)
    return build_app(settings())


def run_api(current: Settings, *, processes: int = 1) -> None:
    """Serve until SIGINT or SIGTERM; returns when the last answer is out."""
    configure_logs(current.log)
    host, port = current.api.host, current.api.port
    if processes > 1:
        uvicorn.run(
            "rantai.serve:app",
            factory=True,
            workers=processes,
            host=host,
            port=port,
            **_server_options(current),
        )
        return
    # uvicorn repeats the signal that stopped it to whoever handled it before: here that is nobody.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)
    uvicorn.Server(uvicorn.Config(build_app(current), host=host, port=port, **_server_options(current))).run()


def _server_options(current: Settings) -> dict[str, Any]:
    """Whose word on the caller's address counts, and how much of a head is read before its end."""
    return {
        "log_config": None,
        "timeout_graceful_shutdown": _GRACE_S,
        "forwarded_allow_ips": current.api.trusted_proxies,
        "h11_max_incomplete_event_size": 32_768,
        "server_header": False,
    }
