"""How often what is said with probability p is so: over mixers whose secret is known.

python -m tests.worlds.calibration [SEED...]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from tests.worlds.pools import secret
from tracer.detect.demixing import Claim, Scene, links, together

SEEDS = range(8001, 8021)
BINS = (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 10), Fraction(0))  # said: at least this


class Row(NamedTuple):
    """Of what a heuristic said with a probability in a bin: how many links, what was said on average, what was so."""

    heuristic: str
    at_least: Fraction
    links: int
    said: float
    true: float


def measured(seeds: Iterable[int]) -> list[Row]:
    """By heuristic and bin; `together` is what all of them leave."""
    sums: dict[tuple[str, Fraction], list[float]] = defaultdict(lambda: [0, 0.0, 0])
    for seed in seeds:
        made = secret(seed)
        found = links(Scene(made.deposits, made.withdrawals, made.met, [Claim(*one) for one in made.points]))
        answers = [(one.heuristic, one) for one in found] + [("together", one) for one in together(found)]
        for name, one in answers:
            row = sums[name, next(bound for bound in BINS if one.probability >= bound)]
            truth = made.truth[one.withdrawal.nullifier]
            row[0] += len(one.candidates)
            row[1] += float(one.probability) * len(one.candidates)
            row[2] += sum(each.tx_hash == truth for each in one.candidates)
    return [
        Row(name, bound, int(count), said / count, true / count)
        for (name, bound), (count, said, true) in sorted(sums.items(), key=lambda one: (one[0][0], -one[0][1]))
    ]


if __name__ == "__main__":
    for row in measured([int(word) for word in sys.argv[1:]] or SEEDS):
        print(f"| {row.heuristic} | {row.at_least} | {row.links:,} | {row.said:.3f} | {row.true:.3f} |")
