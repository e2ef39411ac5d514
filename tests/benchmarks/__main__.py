"""`make bench`: what the parts do, beside the plainest or the least that does the same, in the same run.

`python -m tests.benchmarks NAME …` runs some of them and leaves the other rows of bench.json as they were. Figures
differ from machine to machine; the ratio is the result: more than 1 is better than the baseline.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.anvil import Missing
from tests.benchmarks import deposits, fold, growth, importing, loading, pulling
from tests.benchmarks.cases import Case, Row, measured

BENCHMARKS: dict[str, Callable[[], Iterator[Case | Row]]] = {
    "deposits": deposits.cases,
    "fold": fold.cases,
    "growth": growth.cases,
    "importing": importing.cases,
    "loading": loading.cases,
    "pulling": pulling.cases,
}
OUT = Path("bench.json")


def machine() -> dict[str, Any]:
    """Where the figures are from."""
    return {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}


def told(row: Row) -> str:
    """One line."""
    digits = 3 if row.value < 1 else 0
    return f"{row.name:24} {row.value:>14,.{digits}f} {row.unit:12} {row.ratio:>8,.2f} x {row.baseline}"


def main() -> None:
    """Run the benchmarks named, or all. One that cannot be run says why."""
    kept = {row["name"]: row for row in json.loads(OUT.read_text())["rows"]} if OUT.exists() else {}
    for name in sys.argv[1:] or BENCHMARKS:
        try:
            for case in BENCHMARKS[name]():
                row = case if isinstance(case, Row) else measured(case)
                kept[row.name] = asdict(row)
                print(told(row), flush=True)
        except Missing as missing:
            print(f"{name} is skipped: {missing}")
    OUT.write_text(json.dumps({"machine": machine(), "rows": list(kept.values())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
