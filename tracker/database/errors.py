"""What goes wrong with the database as a whole."""

from __future__ import annotations


class MigrationStopped(RuntimeError):
    """A revision failed and was taken back whole; its message says which, why, where the schema stands, what to do."""
