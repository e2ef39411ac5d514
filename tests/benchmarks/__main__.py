"""`make bench`: what the parts cost, as a multiple of the least that any program would have to do.

`python -m tests.benchmarks NAME …` runs some of them: fold, importing, pulling. Seconds differ from machine to machine
and are shown for the eye only; the ratio is the result. Each side is run several times, in turn, and its fastest run
counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from types import ModuleType
from typing import Any

from tests.anvil import Missing
from tests.benchmarks import fold, importing, pulling

BENCHMARKS = {"fold": (fold, 3), "importing": (importing, 3), "pulling": (pulling, 2)}  # and how often each side runs


def fastest(runs: int, *sides: Callable[[], Any]) -> list[float]:
    """The seconds of the fastest of so many runs of each side."""
    best = [float("inf")] * len(sides)
    for _ in range(runs):
        for number, side in enumerate(sides):
            start = perf_counter()
            side()
            best[number] = min(best[number], perf_counter() - start)
    return best


def show(benchmark: ModuleType, runs: int) -> None:
    """Print one line a case."""
    for name, baseline, ours, bare in benchmark.cases():
        took, least = fastest(runs, ours, bare)
        print(f"{name}: {took / least:,.2f} x {baseline} ({took * 1000:,.0f} ms against {least * 1000:,.1f} ms)")


def main() -> None:
    """Run the benchmarks named, or all. One that cannot be run says why."""
    for name in sys.argv[1:] or BENCHMARKS:
        try:
            show(*BENCHMARKS[name])
        except Missing as missing:
            print(f"{name} is skipped: {missing}")


if __name__ == "__main__":
    main()
