"""One door for all makes."""

from __future__ import annotations

from ingest.files import fridge_tag, q_tag
from ingest.files.logger_file import LoggerFile, LoggerFileError
from ingest.files.outline import read_outline


def read_logger_file(content: bytes) -> LoggerFile:
    """What the export says; `LoggerFileError` (with the line) for any other or damaged file."""
    root = read_outline(content)
    if not root.children or root.children[0].key != "Device":
        line = root.children[0].line if root.children else 1
        raise LoggerFileError("the file does not begin with “Device:”; it is no Fridge-tag or Q-tag export", line=line)
    model = root.children[0].value
    if model.startswith(fridge_tag.PREFIX):
        return fridge_tag.read_fridge_tag(root, model)
    if model.startswith(q_tag.PREFIX):
        return q_tag.read_q_tag(root, model)
    raise LoggerFileError(f"the device “{model[:60]}” is not known", line=root.children[0].line)
