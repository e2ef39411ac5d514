"""What of the kernel's arrays is one method's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tracer.model import Address, AssetId
from tracer.taint.books import Step
from tracer.taint.kernel import state as table
from tracer.taint.kernel.planner import Planned
from tracer.taint.kernel.state import Array, State
from tracer.taint.methods import NO_STEP

CODES = {"fifo": 0, "lifo": 1, "haircut": 2, "dirty_first": 3, "clean_first": 4}
FEW = 100  # steps asked for at once: to make lists of all of them, once, takes less time in the end
_BY = {table.PAYMENT: "payment", table.EXCHANGE: "exchange", table.INFERRED: "inferred_exchange",
       table.HAND_ON: "hand_on"}  # fmt: skip


def whole(rows: Array, name: str) -> list[int]:
    """An amount of records as Python integers."""
    return joined(rows[f"{name}_high"], rows[f"{name}_low"])


def joined(high: Array, low: Array) -> list[int]:
    """Amounts of two columns as Python integers."""
    if not high.any():
        return low.tolist()  # type: ignore[no-any-return]
    return [(h << 64) | one for h, one in zip(high.tolist(), low.tolist(), strict=True)]


@dataclass(frozen=True)
class Share:
    """What of a state is one method's: its code, its place among those played, and the numbers of its steps."""

    state: State
    ready: Planned
    code: int
    place: int
    steps: Array  # rows, in order
    local: Array  # by row: the number within its method

    @classmethod
    def of(cls, state: State, ready: Planned, codes: Sequence[int]) -> list[Share]:
        """The share of each method, in the order in which they were played."""
        every = used(state, "step", table.STEPS)
        local = np.zeros(len(every), np.int64)
        made = []
        for place, code in enumerate(codes):
            rows = np.flatnonzero(every["method"] == code)
            local[rows] = np.arange(len(rows))
            made.append(cls(state, ready, code, place, rows, local))
        return made

    def used(self, name: str, counter: int) -> Array:
        """The rows of a table that were written, by any method."""
        return used(self.state, name, counter)

    def rows(self, name: str, counter: int) -> Array:
        """This method's rows of a table."""
        every = used(self.state, name, counter)
        mine: Array = every[every["method"] == self.code]
        return mine

    def step(self, numbers: Array) -> list[int]:
        """The number within the method, of the number among all; none stays none."""
        if not len(self.local):
            return numbers.tolist()  # type: ignore[no-any-return]
        return np.where(numbers < 0, NO_STEP, self.local[numbers]).tolist()  # type: ignore[no-any-return]

    def made(self, some: slice | list[int]) -> list[Step]:
        """Some of its steps, or all."""
        if isinstance(some, list) and len(some) < FEW:
            return self._made(some, [[column[n] for n in some] for column in self._columns])
        return self._made(
            range(len(self.steps)) if isinstance(some, slice) else some, self._listed(self.step_rows[some])
        )

    def _made(self, numbers: Sequence[int], columns: Sequence[list[Any]]) -> list[Step]:
        places, assets, origins = self.names
        transaction, paid, made = self.ready.history.transaction, self.paid, []
        for n, (i, by, sender, recipient, asset, origin), got, worth, parent in zip(numbers, *columns, strict=True):
            what, amount = paid.get(n) or (asset, got)
            ends = transaction(i), _BY[by], places[sender], places[recipient]
            made.append(Step(*ends, assets[what], amount, assets[asset], got, origins[origin], worth, parent))
        return made

    def _listed(self, rows: Array) -> tuple[list[Any], ...]:
        heads = rows[["tx", "by", "sender", "recipient", "asset", "origin"]].tolist()
        return heads, whole(rows, "received"), whole(rows, "worth"), self.step(rows["parent"])

    @cached_property
    def _columns(self) -> tuple[list[Any], ...]:
        return self._listed(self.step_rows)

    @cached_property
    def paid(self) -> dict[int, tuple[int, int]]:
        """The asset and amount that were paid for a step, where they are not what was received."""
        rows = used(self.state, "paid", table.PAID_ROWS)
        rows = rows[self.state.step["method"][rows["number"]] == self.code]
        what = zip(rows["asset"].tolist(), whole(rows, "amount"), strict=True)
        return dict(zip(self.step(rows["number"]), what, strict=True))

    @cached_property
    def parents(self) -> list[int]:
        """The parent of each of its steps."""
        return self.step(self.step_rows["parent"])

    @cached_property
    def step_rows(self) -> Array:
        """This method's steps."""
        rows: Array = used(self.state, "step", table.STEPS)[self.steps]
        return rows

    @property
    def names(self) -> tuple[list[Address], list[AssetId], list[str]]:
        """Addresses, assets and origins by number."""
        return self.ready.names.addresses.all, self.ready.names.assets.all, self.ready.names.origins.all


def used(state: State, name: str, counter: int) -> Array:
    """The rows of a table that were written."""
    made: Array = getattr(state, name)[: int(state.counts[counter])]
    return made
