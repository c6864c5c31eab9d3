"""HTTP of this room."""

from __future__ import annotations

from tracker.stock.routes import counting, ledger
from tracker.stock.routes.router import router

__all__ = ["counting", "ledger", "router"]
