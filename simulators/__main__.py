"""`python -m simulators`: play the world of a manifest until told to stop."""

from __future__ import annotations

from simulators.cli import main

if __name__ == "__main__":
    main()
