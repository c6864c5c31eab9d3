"""What the benchmarks share: a private pair of servers, a clock, percentiles, one table."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Engine

from rantai.local.services import LocalServices
from tracker.database import migrations
from tracker.database.engine import make_engine
from tracker.settings import DatabaseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: what was measured, the bare limit beside it, and the bound asked for."""

    name: str
    ours: str
    bare: str
    figure: float
    bound: float
    unit: str
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound."""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


def print_table(rows: Sequence[Row]) -> None:
    """A Markdown table, ready for the README."""
    print("| measured | ours | bare limit | figure | bound | holds |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        sign = "≥" if row.at_least else "≤"
        print(
            f"| {row.name} | {row.ours} | {row.bare} | {row.figure:.3g} {row.unit} "
            f"| {sign} {row.bound:g} | {'yes' if row.holds else 'NO'} |"
        )


@contextmanager
def private_services() -> Iterator[LocalServices]:
    """PostgreSQL (durable, as in production) and Mosquitto of this run only."""
    with tempfile.TemporaryDirectory(prefix="rantai-bench-") as folder:
        services = LocalServices(Path(folder) / "services", durable=True)
        services.start()
        try:
            yield services
        finally:
            services.forget()


@contextmanager
def migrated_engine(services: LocalServices, *, pool_size: int = 10) -> Iterator[Engine]:
    """The schema on the private database; statements may take as long as they need."""
    guards = DatabaseSettings(pool_size=pool_size, statement_timeout_ms=0, lock_timeout_ms=0)
    engine = make_engine(services.database_url, guards, name="rantai-bench")
    try:
        migrations.upgrade(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """`with stopwatch() as spent:` leaves the seconds in `spent[0]`."""
    spent = [0.0]
    began = time.perf_counter()
    try:
        yield spent
    finally:
        spent[0] = time.perf_counter() - began


def pgbench(
    url: str, *scripts: str, clients: int, seconds: int, variables: Mapping[str, int] = MappingProxyType({})
) -> float:
    """Transactions per second of the scripts by chance, each statement sent as text (`-M simple`); `variables` they start with."""
    found = shutil.which("pgbench") or "/usr/lib/postgresql/15/bin/pgbench"
    given = [f"-D{name}={value}" for name, value in variables.items()]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.sql" for number in range(len(scripts))]
        for file, script in zip(files, scripts, strict=True):
            file.write_text(script)
        size = ["-c", str(clients), "-j", "2", "-T", str(seconds)]
        done = subprocess.run(
            [found, "-n", "-M", "simple", *size, *given, *(f"-f{file}" for file in files), url],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"pgbench failed: {done.stderr}")
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
