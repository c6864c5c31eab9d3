"""`python -m benchmarks [--quick] [NAME …]`: run the benchmarks one after another and print one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import (
    bench_booking,
    bench_evaluation,
    bench_hands,
    bench_heart,
    bench_ingest,
    bench_ledger,
    bench_load,
    bench_nation,
    bench_pages,
    bench_pcare,
    bench_phone,
    bench_rounds,
    bench_rush,
    bench_stopping,
    bench_talk,
)
from benchmarks.common import Row, print_table

BENCHMARKS: dict[str, Callable[..., list[Row]]] = {
    "ingest": bench_ingest.measure,
    "evaluation": bench_evaluation.measure,
    "ledger": bench_ledger.measure,
    "booking": bench_booking.measure,
    "hands": bench_hands.measure,
    "heart": bench_heart.measure,
    "load": bench_load.measure,
    "pages": bench_pages.measure,
    "pcare": bench_pcare.measure,
    "phone": bench_phone.measure,
    "nation": bench_nation.measure,
    "rounds": bench_rounds.measure,
    "rush": bench_rush.measure,
    "stopping": bench_stopping.measure,
    "talk": bench_talk.measure,
}


def main() -> int:
    """Run what was asked for; 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all when none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: for a look, not for the record")
    asked = parser.parse_args()
    rows: list[Row] = []
    for name in asked.names or BENCHMARKS:
        print(f"… {name}", file=sys.stderr, flush=True)
        rows += BENCHMARKS[name](quick=asked.quick)
    print_table(rows)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
