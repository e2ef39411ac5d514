"""A stored case: loading it, and loading, folding and telling it, beside a bare SELECT of the same transfers.

The history is `tests.worlds.economy` in SQLite. `load_*` is `Store.history` of every address, as a trace of a big case
reads it; `load_fold_paths_*` is that, what poison is in it, all five methods with the reach, and every landing with its
arrivals and paths as values.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
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
from tracer.taint.flow import Flow
from tracer.taint.landings import landings
from tracer.taint.stops import Labels

BASELINE = "a bare SELECT through sqlite3"
TRANSFERS = 1_000_000


def cases() -> Iterator[Case]:
    """One store, read by both."""
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as home:
        made = Stored.of(Path(home) / "tracer.db", TRANSFERS)
        size = f"1e{len(str(TRANSFERS)) - 1}"
        for name, ours in ((f"load_{size}", made.load), (f"load_fold_paths_{size}", made.tell)):
            yield Case(name, TRANSFERS, "transfers", BASELINE, partial(paused, ours), partial(paused, made.bare), 2)


def paused(side: Callable[[], Any]) -> None:
    """As a trace runs it: without the cycle collector."""
    with collector_paused():
        side()


@dataclass(frozen=True)
class Stored:
    """A history in a store of its own."""

    path: Path
    made: Economy

    @classmethod
    def of(cls, path: Path, transfers: int) -> Stored:
        """Written as an import writes it."""
        stored = cls(path, economy(transfers))
        with Store.open(f"sqlite:///{path}") as store, store.act("bench", "import", "economy") as work:
            work.add_transactions(stored.made.transactions())
        return stored

    def load(self) -> int:
        """Everything, by address; how many transactions."""
        with Store.open(f"sqlite:///{self.path}") as store:
            history = store.history(self._places, ())
        return len(history or ())

    def tell(self) -> int:
        """How many paths there are."""
        flow = Flow(self.made.origins(), Labels(self.made.labels()))
        with Store.open(f"sqlite:///{self.path}") as store:
            reading = Reading(store, flow, frozenset(), 0)
            reading.addresses(self._places)
            result = reading.fold()
        return sum(len(landing.paths) for landing in landings(result, "fifo"))

    @property
    def _places(self) -> list[Address]:
        return [address(n) for n in range(self.made.addresses)]

    def bare(self) -> int:
        """Every row, as the driver gives it."""
        with closing(sqlite3.connect(self.path)) as db:
            return len(db.execute("SELECT * FROM transfers").fetchall())
