"""A stored case: loading it, and loading, folding and telling it, beside a bare SELECT of the same transfers.

The history is `tests.worlds.economy` in SQLite. `load_*` is `Store.history` of every address, as a trace of a big case
reads it; `load_fold_paths_*` is that, what poison is in it, all five methods, and by which steps the
money of every end came under the headline method, its largest ways with what each carried. `tell_*` makes values of
all that: every landing of every method with its arrivals and paths, transaction by transaction.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.cases import Case
from tests.makers import address
from tests.worlds.economy import Economy, economy
from tracer.actions.trace import Reading, collector_paused
from tracer.model import Address
from tracer.store.store import Store
from tracer.taint.flow import Flow, Result
from tracer.taint.landings import WAYS, landings
from tracer.taint.methods import DEFAULT_METHOD
from tracer.taint.provenance import Provenance
from tracer.taint.stops import Labels

BASELINE = "a bare SELECT through sqlite3"
TRANSFERS = 1_000_000


def cases() -> Iterator[Case]:
    """One store, read by both."""
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as home:
        made = Stored.of(Path(home) / "tracer.db", TRANSFERS)
        size = f"1e{len(str(TRANSFERS)) - 1}"
        for name, ours, runs in (("load", made.load, 3), ("load_fold_paths", made.follow, 3), ("tell", made.tell, 1)):
            sides = partial(paused, ours), partial(paused, made.bare)
            yield Case(f"{name}_{size}", TRANSFERS, "transfers", BASELINE, *sides, runs)


def paused(side: Callable[[], Any]) -> None:
    """As a trace runs it: without the cycle collector."""
    with collector_paused():
        side()


@dataclass(frozen=True)
class Stored:
    """A history in a store of its own."""

    path: Path
    made: Economy
    places: list[Address]

    @classmethod
    def of(cls, path: Path, transfers: int) -> Stored:
        """Written as an import writes it."""
        made = economy(transfers)
        stored = cls(path, made, [address(n) for n in range(made.addresses)])
        with Store.open(f"sqlite:///{path}") as store, store.act("bench", "import", "economy") as work:
            work.add_transactions(stored.made.transactions())
        return stored

    def load(self) -> int:
        """Everything, by address; how many transactions."""
        with Store.open(f"sqlite:///{self.path}") as store:
            history = store.history(self.places, ())
        return len(history or ())

    def follow(self) -> int:
        """How many ways there are by which the money of all ends came."""
        with self._folded() as result:
            book = result.books[DEFAULT_METHOD]
            asked = [((end.step,), WAYS) for end in book.ends]
            return sum(map(len, Provenance(book).many(asked)))

    def tell(self) -> int:
        """How many paths there are."""
        with self._folded() as result:
            return sum(len(landing.paths) for landing in landings(result, DEFAULT_METHOD))

    @contextmanager
    def _folded(self) -> Iterator[Result]:
        flow = Flow(self.made.origins(), Labels(self.made.labels()))
        with Store.open(f"sqlite:///{self.path}") as store:
            reading = Reading(store, flow, frozenset(), 0)
            reading.addresses(self.places)
            yield reading.fold()

    def bare(self) -> int:
        """Every row, as the driver gives it."""
        with closing(sqlite3.connect(self.path)) as db:
            return len(db.execute("SELECT * FROM transfers").fetchall())
