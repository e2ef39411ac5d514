"""`make bench`: what the engine and the reader cost, as a multiple of the least that any program would have to do.

Seconds differ from machine to machine and are shown for the eye only; the ratio is the result. Each side is run
several times, in turn, and its fastest run counts.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from tests.benchmarks import fold, importing

RUNS = 3
BENCHMARKS = (fold, importing)


def fastest(*sides: Callable[[], Any]) -> list[float]:
    """The seconds of the fastest of RUNS runs of each side."""
    best = [float("inf")] * len(sides)
    for _ in range(RUNS):
        for number, side in enumerate(sides):
            start = perf_counter()
            side()
            best[number] = min(best[number], perf_counter() - start)
    return best


def main() -> None:
    """Print one line a benchmark."""
    for benchmark in BENCHMARKS:
        for name, baseline, ours, bare in benchmark.cases():
            took, least = fastest(ours, bare)
            print(f"{name}: {took / least:,.1f} x {baseline} ({took * 1000:,.0f} ms against {least * 1000:,.1f} ms)")


if __name__ == "__main__":
    main()
