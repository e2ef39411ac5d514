"""What a benchmark says: something done so many times, beside the least or the plainest that does the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """`ours` and `bare` do `count` of `unit` each; whichever is run `runs` times, the fastest counts.

    Either may return the seconds that count, where it has to prepare itself first.
    """

    name: str
    count: int
    unit: str
    baseline: str
    ours: Callable[[], Any]
    bare: Callable[[], Any]
    runs: int = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A line of bench.json: how many a second, the baseline's, and how many times that it is: above 1 is better."""

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float
    ratio: float


def measured(case: Case) -> Row:
    """Both sides, in turn."""
    best = [float("inf"), float("inf")]
    for _ in range(case.runs):
        for number, side in enumerate((case.ours, case.bare)):
            start = perf_counter()
            said = side()
            took = said if isinstance(said, float) else perf_counter() - start
            best[number] = min(best[number], took)
    value, baseline = (case.count / seconds for seconds in best)
    return Row(
        case.name, round(value, 1), f"{case.unit}/s", case.baseline, round(baseline, 1), round(value / baseline, 3)
    )
