"""The command `rantai`: one program with everything below it.

Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a service is missing. Errors are one sentence on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rantai.cli.faults import report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (default: this process's) and give the exit code."""
    # Typer would draw boxes round help and errors; plain text is what scripts and screen readers take.
    os.environ.setdefault("TYPER_USE_RICH", "0")
    from rantai.cli.commands import app  # noqa: PLC0415 - after the switch above

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=given or ["--help"], prog_name="rantai", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - the edge of the program: whatever comes becomes a sentence and a code
        return report(error)
    return code if isinstance(code, int) else 0
