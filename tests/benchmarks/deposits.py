"""Deposit rules in 20 invented worlds: precision and recall beside the published rule alone. Shares, no speed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.cases import Row
from tests.worlds.judged import BOTH, PUBLISHED, REPORTED, judged


def cases() -> Iterator[Row]:
    """Of the seeds that the README reports."""
    scores = judged(REPORTED)
    ours, plain = scores[BOTH], scores[PUBLISHED]
    for name, value, bare in (
        ("precision", ours.precision, plain.precision),
        ("recall", ours.recall, plain.recall),
    ):
        yield Row(f"deposits_{name}", round(value, 3), "share", PUBLISHED, round(bare, 3), round(value / bare, 3))
