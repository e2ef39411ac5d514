"""Folding: the compiled kernel against the plain definition, one method at a time, on the same ready plans.

The history is `tests.worlds.economy`: about a third of its transfers carry taint under fifo. Both sides start from what
was planned (plans; the same on a tape) and end with every step, end, loss and lot; the kernel's stay in arrays.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from tests.benchmarks.cases import Case
from tests.makers import address
from tests.worlds.economy import economy
from tracer.actions.trace import collector_paused
from tracer.model import Limits
from tracer.taint.books import Book
from tracer.taint.flow import Flow
from tracer.taint.fold import Fold
from tracer.taint.kernel import CODES, Planned, Scene, folded, given, planned, scenery
from tracer.taint.stops import Labels
from tracer.taint.turn import play

BASELINE = "the plain definition, the same plans"
SIZES = (100_000, 1_000_000)


def cases() -> Iterator[Case]:
    """The five methods and everything of a fold at the first size, the two that differ most at the second."""
    for transfers in SIZES:
        made, size = Ready.of(transfers), f"1e{len(str(transfers)) - 1}"
        for method in CODES if transfers == SIZES[0] else ("fifo", "haircut"):
            sides = partial(made.compiled, method), partial(made.plain, method)
            runs = 3 if transfers == SIZES[0] else 1
            yield Case(f"fold_{method}_{size}", transfers, "transfers", BASELINE, *sides, runs)
        if transfers == SIZES[0]:
            whole = partial(made.fold, 0), partial(made.fold, None)
            yield Case(
                "fold_all_1e5", transfers, "transfers", "the same without the kernel, both from objects", *whole, 1
            )


@dataclass(frozen=True)
class Ready:
    """A history that is planned, and the same on a tape."""

    flow: Flow
    folding: Fold
    scene: Scene
    tape: Planned

    @classmethod
    def of(cls, transfers: int) -> Ready:
        """So many transfers, everything read, nobody a hub."""
        made = economy(transfers)
        flow = Flow(made.origins(), Labels(made.labels()), Limits(hub_counterparties=transfers))
        flow.feed(made.transactions(), [address(number) for number in range(made.addresses)])
        gc.collect()
        gc.freeze()  # millions of values that stay: nobody looks through them again
        folding = flow.folding()
        history = given([made.at for made in folding.plans])
        known = history.counted(()), folding.origins, flow.labels, flow.read, flow.specs, flow.limits
        return cls(flow, folding, Scene(*known), planned(history, Scene(*known)))

    def compiled(self, method: str) -> float:
        """One method on the tape; the seconds of the fold alone."""
        world = scenery(self.tape, self.scene)
        start = perf_counter()
        folded(self.tape, world, [CODES[method]])
        return perf_counter() - start

    def plain(self, method: str) -> float:
        """One method in a book, as a trace plays it: without the cycle collector; the seconds of the fold alone."""
        book = Book(method, self.folding)
        spends = [{payer: self.folding.keeps(payer) for payer in made.payers} for made in self.folding.plans]
        gc.freeze()  # these too
        with collector_paused():
            start = perf_counter()
            for made, may in zip(self.folding.plans, spends, strict=True):
                play(book, made, may)
            return perf_counter() - start

    def fold(self, kernel_from: int | None) -> Any:
        """All of it as a trace has it: origins, plans, five methods, the reach, and every result a value."""
        self.flow._plans.clear()
        return self.flow.fold(kernel_from=kernel_from)
