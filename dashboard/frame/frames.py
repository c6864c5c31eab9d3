"""Reading data frames row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows with columns as attributes; their types are what the frame's owner promised, which pandas cannot say."""
    yield from frame.itertuples()
