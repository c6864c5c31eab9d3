"""Codes printed on vials, boxes and pallets: text in, meaning out. Pure."""

from __future__ import annotations

from tracker.catalog.rules.barcodes.errors import ScanError
from tracker.catalog.rules.barcodes.scan import Profile, Scan, parse_scan

__all__ = ["Profile", "Scan", "ScanError", "parse_scan"]
