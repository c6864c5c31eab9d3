"""`python -m rantai` is the command `rantai`."""

from __future__ import annotations

import sys

from rantai.cli import main

sys.exit(main())
