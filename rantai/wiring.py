"""The one place that knows which use case runs where: loops of the worker, doors of the API, the ingester."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Engine

from rantai.supervisor import Loop
from tracker.feed import bell
from tracker.feed.numbering import number_pending
from tracker.settings import Settings


def more_routers() -> list[APIRouter]:
    """HTTP doors of programs beside the core: readings over HTTP and logger files."""
    found = _optional("ingest.http", "router")
    return [found] if found is not None else []


def worker_loops(engine: Engine, current: Settings) -> list[Loop]:
    """Everything the worker does, each in a thread of its own."""
    del current
    return [
        Loop(name="numbering", step=lambda: number_pending(engine), channels=(bell.PENDING,)),
    ]


def run_ingest(current: Settings) -> None:
    """Take readings from the broker until SIGINT or SIGTERM."""
    run = _optional("ingest.program", "run")
    run(current)


def _optional(module: str, name: str) -> Any:
    try:
        there = find_spec(module) is not None
    except ModuleNotFoundError:
        there = False
    return getattr(import_module(module), name) if there else None
