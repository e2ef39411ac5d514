"""Rankings of the frontier compared: `python -m tests.worlds.rankings [--seeds FIRST COUNT] [CASE_FOLDER …]`.

For each ranking the share of the laundering addresses (beside the reported ones) among the first 1, 2, 3 and 5 times as
many addresses, and the average precision: for every case folder, and the median of the worlds. A folder holds
transfers.csv, labels.csv, truth.csv and case.json, as `python -m tests.worlds` writes them.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.worlds.engine import folded
from tests.worlds.making import make, ranking
from tracer.actions.intake import import_labels, import_transfers
from tracer.chains import parse_address
from tracer.detect.poisoning import dropped
from tracer.model import Address, AssetId, OriginSpec
from tracer.store.store import Store
from tracer.taint import flow
from tracer.taint.entries import PotKey
from tracer.taint.flow import Flow, Result
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels
from tracer.taint.worth import DEFAULT_RANKING, RANKINGS, Mix, Mixes, Seen, Worth, by_method, shares

TIMES = (1, 2, 3, 5)


class Score(NamedTuple):
    """Recall after 1, 2, 3 and 5 times the truth's number of addresses, and average precision."""

    recall: tuple[float, ...]
    precision: float


def score(worth: Mapping[Address, Fraction], candidates: Iterable[Address], truth: frozenset[Address]) -> Score:
    """How well an order finds the truth; equal worths go by address."""
    order = sorted(candidates, key=lambda address: (-worth.get(address, Fraction(0)), address))
    places = [place for place, address in enumerate(order, 1) if address in truth]
    recall = tuple(sum(place <= times * len(truth) for place in places) / len(truth) for times in TIMES)
    return Score(recall, sum(hits / place for hits, place in enumerate(places, 1)) / len(truth))


def candidates(result: Result) -> set[Address]:
    """What could have been read: unlabelled, not reported, and touched by haircut."""
    touched = {address for (address, _, _), (amount, _) in result.books["haircut"].came().items() if amount}
    labels = result.flow.labels
    return {one for one in touched & result.touched.keys() if not labels.of(one)} - reported(result)


def reported(result: Result) -> set[Address]:
    """What need not be found: the addresses that reports name."""
    return {spec.address for spec in result.flow.specs}


# --- what is compared -------------------------------------------------------------------------------------------------


class Recorded(Mixes):
    """Mixes that remember what they played, so that variants can play it too."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.played: list[tuple[str, object, object]] = []

    def play(self, plan: object, spends: object) -> None:  # type: ignore[override]
        """Remember a plan and play it."""
        self.played.append(("play", plan, spends))
        super().play(plan, spends)  # type: ignore[arg-type]

    def coins(self, plan: object, spends: object) -> None:  # type: ignore[override]
        """The same for a bitcoin transaction."""
        self.played.append(("coins", plan, spends))
        super().coins(plan, spends)  # type: ignore[arg-type]


class Walk(Mixes):
    """A random walk on mixes: at every address a part of the value stops (TTR's restart)."""

    goes_on = Fraction(85, 100)

    def _put(self, pot: PotKey, amount: int, came: Sequence[Mix], at: datetime) -> None:
        go = self.goes_on
        less = [mix._replace(value={asset: int(mine * go) for asset, mine in mix.value.items()}) for mix in came]
        super()._put(pot, amount, less, at)


class Half(Walk):
    """The same, half of it stopping."""

    goes_on = Fraction(1, 2)


class Reserve(Mixes):
    """MFTracer's bucket: tainted money first, but a tenth of what is there stays at every payment."""

    def _take(self, pot: PotKey, amount: int, at: datetime) -> Mix:
        tainted = sum(mix.amount for mix in self.tainted.get(pot, ()))
        kept = min(tainted, max(tainted // 10, tainted - amount))
        if not tainted or kept == tainted:
            return super()._take(pot, amount, at)
        taken = super()._take(pot, tainted - kept, at)
        rest = amount - taken.amount
        held, self.tainted[pot] = self.tainted[pot], []
        more = super()._take(pot, rest, at) if rest else Mix(0)
        self.tainted[pot] = held
        return Mix(amount, taken.tainted + more.tainted, {**more.value, **taken.value})

    def _put(self, pot: PotKey, amount: int, came: Sequence[Mix], at: datetime) -> None:
        """Two lots of every mix: what is tainted, and the rest."""
        tainted = min(amount, sum(mix.tainted for mix in came) >> 64)
        value: dict[AssetId, int] = defaultdict(int)
        for mix in came:
            for asset, mine in mix.value.items():
                value[asset] += mine
        super()._put(pot, tainted, [Mix(tainted, tainted << 64, value)], at)
        super()._put(pot, amount - tainted, [], at)


def replayed(seen: Seen, kind: type[Mixes]) -> Worth:
    """The worth by a variant of mixes that plays what was recorded."""
    recorded = seen.mixes
    assert isinstance(recorded, Recorded)
    mixes = kind(recorded.origins, recorded.keeps)
    for name, plan, spends in recorded.played:
        getattr(mixes, name)(plan, spends)
    return shares(mixes.reached, mixes.originated, seen.origins)


def product(*worths: Worth) -> Worth:
    """In the order of the geometric mean."""
    first, *others = worths
    made = dict(first)
    for other in others:
        made = {address: share * other.get(address, Fraction(0)) for address, share in made.items()}
    return made


def most(*worths: Worth) -> Worth:
    """The largest of several."""
    return {address: max(one.get(address, Fraction(0)) for one in worths) for one in worths for address in one}


def least(one: Worth, other: Worth) -> Worth:
    """The smaller of two."""
    return {address: min(share, other.get(address, Fraction(0))) for address, share in one.items()}


def then(first: Worth, second: Worth) -> Worth:
    """The second at a thousandth."""
    both = first.keys() | second.keys()
    return {one: first.get(one, Fraction(0)) + second.get(one, Fraction(0)) / 1000 for one in both}


def compared(result: Result) -> Iterator[tuple[str, Worth]]:
    """Every ranking by its name."""
    seen = Seen(result.origins, result.books, result.mixes)
    own = {method: by_method(seen, method) for method in METHODS}
    dense = RANKINGS["densest"](seen)
    yield "the largest of the five", most(*own.values())
    yield "haircut x dirty_first", product(own["haircut"], own["dirty_first"])
    yield "dirty_first, then haircut", then(own["dirty_first"], own["haircut"])
    yield "dirty_first, a tenth kept", replayed(seen, Reserve)
    yield from ((name, rank(seen)) for name, rank in RANKINGS.items())
    yield "the lesser of densest and haircut", least(dense, own["haircut"])
    yield "densest x haircut", product(dense, own["haircut"])
    yield "densest, walk of 0.85", replayed(seen, Walk)
    yield "densest, walk of 0.5", replayed(seen, Half)
    yield "densest, by age", aged(result, dense)
    yield "densest, by fan-out", fanned(result, dense)


def aged(result: Result, worth: Worth) -> Worth:
    """Halved for every thirty days between the first taint and when it came here."""
    start = min(result.touched.values())
    return {
        one: share / 2 ** ((result.touched[one] - start) // timedelta(days=30)) if one in result.touched else share
        for one, share in worth.items()
    }


def fanned(result: Result, worth: Worth) -> Worth:
    """Divided by how many the busiest of those who paid taint here paid taint to."""
    to: dict[Address, set[Address]] = defaultdict(set)
    by: dict[Address, set[Address]] = defaultdict(set)
    for step in result.books["haircut"].steps:
        to[step.sender].add(step.recipient)
        by[step.recipient].add(step.sender)
    return {one: share / max((len(to[payer]) for payer in by[one]), default=1) for one, share in worth.items()}


# --- cases ------------------------------------------------------------------------------------------------------------


def world(seed: int) -> tuple[Result, frozenset[Address]]:
    """A world read to the end, and its truth."""
    made = make(seed, ranking(seed))
    return folded(made), made.truth.laundering


def case(folder: Path) -> tuple[Result, frozenset[Address]]:
    """A case folder read to the end, and its truth."""
    told = json.loads((folder / "case.json").read_text())
    with (folder / "truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["role"] in ("source", "transit")]
    truth = frozenset(parse_address(row["chain"], row["address"]) for row in rows)
    origins = [parse_address(one["chain"], one["address"]) for one in told["origins"]]
    with tempfile.TemporaryDirectory() as home, Store.open(f"sqlite:///{home}/case.db") as store:
        import_transfers(store, folder / "transfers.csv", "rankings")
        import_labels(store, folder / "labels.csv", "rankings")
        with (folder / "transfers.csv").open(newline="") as file:
            ends = {(row["chain"], row[end]) for row in csv.DictReader(file) for end in ("sender", "recipient")}
        everybody = {parse_address(chain, end) for chain, end in ends if end}
        history = store.transactions_of(sorted(everybody))
        made = Flow([OriginSpec(address) for address in origins], Labels(store.labels()))
        symbols = {asset.id: asset.symbol for asset in store.assets()}
    made.feed(history, everybody)
    return made.fold(dropped(history, symbols, everybody)), truth


def scores(result: Result, truth: frozenset[Address]) -> dict[str, Score]:
    """Every ranking's score."""
    found, unknown = candidates(result), truth - reported(result)
    return {name: score(worth, found, unknown) for name, worth in compared(result)}


def middle(many: Sequence[Score]) -> Score:
    """The median of each figure."""
    recall = tuple(median(one.recall[k] for one in many) for k in range(len(TIMES)))
    return Score(recall, median(one.precision for one in many))


def main(words: Sequence[str]) -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.rankings")
    parser.add_argument("--seeds", nargs=2, type=int, default=(1000, 20), metavar=("FIRST", "COUNT"))
    parser.add_argument("folders", nargs="*", type=Path)
    asked = parser.parse_args(words)
    flow.Mixes = Recorded  # type: ignore[misc]
    columns = {folder.name: scores(*case(folder)) for folder in asked.folders}
    first, count = asked.seeds
    each: dict[str, list[Score]] = defaultdict(list)
    for seed in range(first, first + count):
        found = scores(*world(seed))
        print(f"world {seed}: {found[DEFAULT_RANKING]}", file=sys.stderr, flush=True)
        for name, one in found.items():
            each[name].append(one)
    if each:
        columns[f"median of {count} worlds"] = {name: middle(many) for name, many in each.items()}
    print("| ranking |", " | ".join(f"{name}: 1x, 2x, 3x, 5x; AP" for name in columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    for name in next(iter(columns.values())):
        cells = [shown(column[name]) for column in columns.values()]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def shown(one: Score) -> str:
    """A score in one cell."""
    return " ".join(f"{recall:.3f}" for recall in one.recall) + f"; {one.precision:.3f}"


if __name__ == "__main__":
    main(sys.argv[1:])
