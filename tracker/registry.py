"""All rooms by name, from the lowest floor up: for migrations, the API and tests of the house."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

ROOMS = (
    "feed",
    "access",
    "edge",
    "delivery",
    "network",
    "catalog",
    "stock",
    "shipments",
    "telemetry",
    "coldchain",
    "passport",
    "people",
    "quota",
    "registration",
    "trace",
)


def _has(module: str) -> bool:
    return find_spec(module) is not None


def load_models() -> None:
    """Import every room's tables, so that `Base.metadata` knows them."""
    import_module("tracker.database.heartbeat")
    for room in ROOMS:
        if _has(f"tracker.{room}.models"):
            import_module(f"tracker.{room}.models")
