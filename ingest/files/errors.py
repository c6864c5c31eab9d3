"""What an import says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Refused


class BadLoggerFile(Refused):
    """The file is no export this house can read, or says nothing of any time."""

    code = "ingest.logger_file"
