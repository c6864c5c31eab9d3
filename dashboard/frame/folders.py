"""Where templates and static files lie: in the frame and in each job's folder."""

from __future__ import annotations

from pathlib import Path

_DASHBOARD = Path(__file__).parents[1]

FOLDERS = tuple(sorted(path.parent for path in _DASHBOARD.glob("*/__init__.py")))
"""The frame's folder and those of the jobs. Files of two folders never share a name under /static."""
