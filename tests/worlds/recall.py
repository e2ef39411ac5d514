"""How well the product chooses what to read: recall of a world's laundering addresses, through its own commands.

`python -m tests.worlds.recall SEED …` prints a line a world, the behaviours that lost addresses, and the median.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from tests.worlds.folder import write
from tests.worlds.making import make, ranking
from tests.worlds.world import World
from tracer.actions.case import open_case
from tracer.actions.intake import import_labels, import_transfers
from tracer.actions.trace import trace
from tracer.model import Limits
from tracer.store.store import Store

TIMES = (1, 2, 3, 5)


@dataclass(frozen=True)
class Recall:
    """`at`: times the truth's number of addresses -> share found among so many; `lost`: those not found at 2, by why.

    `unreached`: how many of the lost no trace came to at all; `sought`: how many there were to find.
    """

    at: Mapping[int, float]
    lost: Mapping[str, int]
    unreached: int
    sought: int


def recall(world: World, *, times: int | None = None) -> Recall:
    """Trace a world at the product's defaults and look for its laundering addresses among the worthiest.

    times   read at most so many times the truth's number of addresses; then the order is that of reading
    """
    origins = {spec.address.text for spec in world.origins}
    sought = {one.text for one in world.truth.laundering} - origins
    labelled = {one.address.text for one in world.labels}
    limits = Limits(addresses=times * len(sought)) if times else None
    found = [text for text in _ranked(world, limits) if text not in origins | labelled]
    at = {k: len(sought & {*found[: k * len(sought)]}) / max(1, len(sought)) for k in TIMES}
    lost = sought - {*found[: 2 * len(sought)]}
    why = Counter(world.truth.behaviour[one] for one in world.truth.laundering if one.text in lost)
    return Recall(at, dict(why), len(lost - {*found}), len(sought))


def _ranked(world: World, limits: Limits | None) -> list[str]:
    """Addresses as the product has them: without limits by worth, else as they were read."""
    with tempfile.TemporaryDirectory() as home, Store.open(f"sqlite:///{home}/world.db") as store:
        write(world, Path(home))
        import_labels(store, f"{home}/labels.csv", "world")
        import_transfers(store, f"{home}/transfers.csv", "world")
        open_case(store, "world", "world", report_file=Path(home, "reports.csv"))
        told = trace(store, "world", "world", limits=limits).document["addresses"]
    if limits:
        return [row["address"] for row in sorted(told, key=_read) if row["read_order"] is not None]
    return [
        row["address"] for row in sorted(told, key=_worth) if row["role"] in ("origin", "transit", "frontier", "hub")
    ]


def _read(row: Mapping[str, Any]) -> int:
    return row["read_order"] if row["read_order"] is not None else sys.maxsize


def _worth(row: Mapping[str, Any]) -> tuple[Decimal, str]:
    return (-Decimal(row["worth"] or 0), row["address"])


def main() -> None:
    """Measure the worlds of the seeds named."""
    twice, lost = [], Counter[str]()
    for seed in map(int, sys.argv[1:]):
        world = make(seed, ranking(seed))
        one = recall(world)
        twice.append(one.at[2])
        lost.update(one.lost)
        told = " ".join(f"{k}x {share:.3f}" for k, share in one.at.items())
        print(f"seed {seed}: {told} of {one.sought}, lost {one.lost}, {one.unreached} unreached", flush=True)
    print(f"median at 2x {median(twice):.4f}, least {min(twice):.4f}, most {max(twice):.4f}; lost {dict(lost)}")


if __name__ == "__main__":
    main()
