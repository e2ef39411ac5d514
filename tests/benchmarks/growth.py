"""Growth: one method on ten million transfers beside a hundred times the same on a hundred thousand.

The history is made as columns, never as values: those would not fit in memory. A ratio of 1 is linear; growth by n^1.5
would be 0.1. `bytes_*`: what a fold of a million holds, tape and world included, beside what it may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np

from tests.benchmarks.cases import Case, Row
from tests.makers import address
from tests.worlds.economy import ASSETS, FIRST, STEP, Economy, economy
from tracer.model import Kind, Limits
from tracer.taint.kernel import CODES, Planned, Scene, folded, planned, scenery
from tracer.taint.kernel.history import KINDS, Heads, History, Made, Moves
from tracer.taint.origins import match
from tracer.taint.stops import Labels

SMALL, MIDDLE, LARGE = 100_000, 1_000_000, 10_000_000
MOST = 300  # bytes a transfer
BASELINE = "a hundred times the same on 1e5"


def cases() -> Iterator[Case | Row]:
    """Memory of the two methods that share money out most unlike; the time of fifo, by which a trace is told."""
    middle = Tape.of(MIDDLE)
    for method in ("fifo", "haircut"):
        _, held = middle.fold(method)
        baseline = f"at most {MOST} bytes"
        yield Row(f"bytes_{method}_1e6", round(held, 1), "bytes/transfer", baseline, MOST, round(MOST / held, 3))
    del middle
    small, large = Tape.of(SMALL), Tape.of(LARGE)
    hundredfold = partial(lambda tape: tape.fold("fifo")[0] * (LARGE // SMALL), small)
    yield Case("fold_fifo_1e7", LARGE, "transfers", BASELINE, lambda: large.fold("fifo")[0], hundredfold, 1)


@dataclass(frozen=True)
class Tape:
    """A planned history."""

    scene: Scene
    tape: Planned

    @classmethod
    def of(cls, transfers: int) -> Tape:
        """So many transfers, everything read, nobody a hub."""
        made = economy(transfers)
        history, labels = columns(made), Labels(made.labels())
        counted = history.counted(())
        told = {spec.address for spec in made.origins()}
        origins = match(made.origins(), {}, {}, labels, history.paid_out(told, counted))
        read = {address(n) for n in range(made.addresses)}
        scene = Scene(counted, origins, labels, read, made.origins(), Limits(hub_counterparties=transfers))
        start = perf_counter()
        tape = planned(history, scene)
        print(f"planned {transfers}: {(perf_counter() - start) / transfers * 1e6:.2f} us a transfer", flush=True)
        return cls(scene, tape)

    def fold(self, method: str) -> tuple[float, float]:
        """One method; the seconds of the fold alone, and the bytes a transfer that it holds."""
        world = scenery(self.tape, self.scene)
        start = perf_counter()
        state = folded(self.tape, world, [CODES[method]])
        took = perf_counter() - start
        held = sum(table.nbytes for tables in (state, self.tape.tape, world) for table in tables)
        return took, held / len(self.tape.history.moves.kind)


def columns(made: Economy) -> History:
    """The history as the kernel reads it; a transaction's value is made for those that ask for one."""
    _, first = np.unique(made.tx, return_index=True)
    firsts = np.r_[first, len(made.tx)].astype(np.int64)
    numbers = made.tx[first]
    order = sorted(ASSETS)
    later = np.ones(len(made.tx), np.bool_)
    later[first] = False
    kind = np.where(made.asset > 0, KINDS.index(Kind.TOKEN), KINDS.index(Kind.NATIVE))
    kind[(made.asset == 0) & later] = KINDS.index(Kind.INTERNAL)
    what = np.array([order.index(one) for one in ASSETS], np.int32)[made.asset]
    nought = np.zeros(len(numbers), np.int64)
    heads = Heads((numbers * STEP + FIRST) * 1_000_000, nought.astype(np.int8), numbers, nought, firsts)
    ends = made.sender.astype(np.int32), made.recipient.astype(np.int32)
    moves = Moves(kind.astype(np.int8), what, *ends, made.high, made.low)

    def make(row: int) -> Made:
        rows = range(firsts[row], firsts[row + 1])
        part = Economy(*(column[rows.start : rows.stop] for column in vars(made).values()))
        [one] = part.transactions()
        left = {number: (int(made.sender[number]), int(made.recipient[number])) for number in rows}
        ends = [tuple(int(end.text, 16) for end in (t.sender, t.recipient) if end) for t in one.transfers]
        return one, [next(number for number in left if left[number] == pair and left.pop(number)) for pair in ends]

    addresses = [address(n) for n in range(made.addresses)]
    return History(addresses, order, heads, moves, make, lambda _: [], np.ones(len(numbers), np.bool_))
