"""`python -m rantai.local.forget FOLDER`: remove a private instance, unless it runs. Standard library only."""

from __future__ import annotations

import sys
from pathlib import Path

from rantai.errors import ServiceMissing
from rantai.local.folders import remove_folders
from rantai.local.state import InstanceLock


def forget(root: Path) -> None:
    """Remove the instance in `root` with its data outside; `ServiceMissing` while somebody uses it."""
    if not root.is_dir():
        return
    lock = InstanceLock(root)
    lock.take()
    try:
        remove_folders(root)
    finally:
        lock.release()


def main() -> int:
    """Exit code 0 when it is gone, 3 while it runs."""
    try:
        forget(Path(sys.argv[1]).absolute())
    except ServiceMissing as problem:
        print(f"rantai: {problem}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
