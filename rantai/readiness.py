"""Asks the API whether the house is ready, as any watcher would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

# Heartbeats of programs that `/readyz` tells the age of.
_PROGRAMS = ("ingest", "evaluation")


def readiness(address: str, *, fresh_s: float) -> str:
    """What is still missing, in words; empty when nothing is.

    `fresh_s`: how long ago the programs were started; an older heartbeat is one of an earlier run.
    """
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=3) as answer:  # noqa: S310 - our own http address
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        return _failed_checks(error.read())
    except (OSError, ValueError):
        return "the API"
    ages = told.get("ages_s", {})
    late = [name for name in _PROGRAMS if ages.get(name) is None or ages[name] > fresh_s]
    return " and ".join(late)


def _failed_checks(body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"]
    except (ValueError, KeyError, TypeError):
        return "the API"
    return " and ".join(name for name, good in checks.items() if not good) or "the API"
