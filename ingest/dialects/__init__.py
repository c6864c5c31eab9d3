"""Payload dialects, one file each, and how they are called in settings."""

from __future__ import annotations

from ingest.dialects.ems import EMS
from ingest.dialects.native import NATIVE
from ingest.dialects.shapes import Dialect

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (NATIVE, EMS)}

__all__ = ["DIALECTS", "Dialect"]
