"""What of the kernel's arrays is one method's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tracer.model import Address, AssetId
from tracer.taint.entries import Step
from tracer.taint.kernel import state as table
from tracer.taint.kernel.planner import Planned
from tracer.taint.kernel.state import Array, State
from tracer.taint.kernel.steps import of_origin
from tracer.taint.methods import NO_STEP

CODES = {"fifo": 0, "lifo": 1, "haircut": 2, "dirty_first": 3, "clean_first": 4}
FEW = 100  # steps asked for at once: to make lists of all of them, once, takes less time in the end
_BY = {table.PAYMENT: "payment", table.EXCHANGE: "exchange", table.INFERRED: "inferred_exchange",
       table.HAND_ON: "hand_on"}  # fmt: skip


def whole(rows: Array | Columns, name: str) -> list[int]:
    """An amount of records as Python integers."""
    return joined(rows[f"{name}_high"], rows[f"{name}_low"])


def joined(high: Array, low: Array) -> list[int]:
    """Amounts of two columns as Python integers."""
    if not high.any():
        return low.tolist()  # type: ignore[no-any-return]
    return [(h << 64) | one for h, one in zip(high.tolist(), low.tolist(), strict=True)]


class Columns:
    """The steps of a method, a column of each of their fields, made when it is first asked for."""

    def __init__(self, share: Share) -> None:
        self._share = share
        heads = used(share.state, "head", table.HEADS)
        mine = heads["method"] == share.code
        self._heads, self._counts = heads[mine], share.counts[mine]
        self._made: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._share.steps)

    def __getitem__(self, name: str) -> Array:
        if name not in self._made:
            self._made[name] = self._column(name)
        return self._made[name]

    def _column(self, name: str) -> Array:
        share, state = self._share, self._share.state
        if name in (table.HEAD.names or ()):
            return np.repeat(self._heads[name], self._counts)
        if name == "origin":
            parents = used(state, "step", table.STEPS)["parent"]
            origins = np.zeros(len(parents), np.int32)
            of_origin(parents, origins)
            return origins[share.steps]
        if name in (table.STEP.names or ()):
            column: Array = state.step[name][share.steps]
            return column
        made, wide = np.zeros(len(self), np.uint64), used(state, "wide", table.WIDES)
        mine = share.by[wide["number"]] == share.code
        made[share.local[wide["number"][mine]]] = wide[name][mine]
        return made


@dataclass(frozen=True)
class Share:
    """What of a state is one method's: its code, and its place among the methods that were played.

    `counts`: how many steps each head has; `by`: the code of the method of each step.
    """

    state: State
    ready: Planned
    code: int
    place: int
    methods: int
    counts: Array
    by: Array

    @classmethod
    def of(cls, state: State, ready: Planned, codes: Sequence[int]) -> list[Share]:
        """The share of each method, in the order in which they were played."""
        heads = used(state, "head", table.HEADS)
        counts = np.diff(heads["first"], append=int(state.counts[table.STEPS]))
        by = np.repeat(heads["method"], counts)
        return [cls(state, ready, code, place, len(codes), counts, by) for place, code in enumerate(codes)]

    @cached_property
    def steps(self) -> Array:
        """The numbers of its steps, in order."""
        made: Array = np.flatnonzero(self.by == self.code)
        return made

    @cached_property
    def local(self) -> Array:
        """By number of a step: its number within the method."""
        made = np.zeros(len(self.by), np.int32)
        made[self.steps] = np.arange(len(self.steps))
        return made

    @cached_property
    def step_rows(self) -> Columns:
        """Its steps."""
        return Columns(self)

    def of_steps(self, name: str, counter: int) -> Array:
        """The rows of a table that are about this method's steps."""
        every = used(self.state, name, counter)
        mine: Array = every[self.by[every["number"]] == self.code]
        return mine

    def rows(self, name: str, counter: int) -> Array:
        """This method's rows of a table."""
        every = used(self.state, name, counter)
        mine: Array = every[every["method"] == self.code]
        return mine

    def numbers(self, among: Array) -> Array:
        """The numbers within the method, of numbers among all; below 0, where a step has none before it, NO_STEP."""
        if not len(self.local):
            return np.full(len(among), NO_STEP)
        made: Array = np.where(among < 0, NO_STEP, self.local[np.maximum(among, 0)])
        return made

    def step(self, among: Array) -> list[int]:
        """The same as a list."""
        return self.numbers(among).tolist()  # type: ignore[no-any-return]

    def made(self, some: slice | list[int]) -> list[Step]:
        """Some of its steps, or all."""
        if isinstance(some, list) and len(some) < FEW:
            return self._made(some, [[column[n] for n in some] for column in self._columns])
        numbers = range(len(self.steps)) if isinstance(some, slice) else some
        return self._made(numbers, self._listed(some))

    def _made(self, numbers: Sequence[int], columns: Sequence[list[Any]]) -> list[Step]:
        places, assets, origins = self.names
        transaction, paid, made = self.ready.history.transaction, self.paid, []
        for n, (i, by, sender, recipient, asset, origin), got, worth, parent in zip(numbers, *columns, strict=True):
            what, amount = paid.get(n) or (asset, got)
            ends = transaction(i), _BY[by], places[sender], places[recipient]
            made.append(Step(*ends, assets[what], amount, assets[asset], got, origins[origin], worth, parent))
        return made

    def _listed(self, some: slice | list[int]) -> tuple[list[Any], ...]:
        rows = self.step_rows
        columns = (rows[name][some].tolist() for name in ("tx", "by", "sender", "recipient", "asset", "origin"))
        amounts = (joined(rows[f"{name}_high"][some], rows[f"{name}_low"][some]) for name in ("received", "worth"))
        return [*zip(*columns, strict=True)], *amounts, self.step(rows["parent"][some])

    @cached_property
    def _columns(self) -> tuple[list[Any], ...]:
        return self._listed(slice(None))

    @cached_property
    def paid(self) -> dict[int, tuple[int, int]]:
        """The asset and amount that were paid for a step, where they are not what was received."""
        rows = self.of_steps("paid", table.PAID_ROWS)
        what = zip(rows["asset"].tolist(), whole(rows, "amount"), strict=True)
        return dict(zip(self.step(rows["number"]), what, strict=True))

    @cached_property
    def parents(self) -> list[int]:
        """The parent of each of its steps."""
        return self.step(self.step_rows["parent"])

    @property
    def names(self) -> tuple[list[Address], list[AssetId], list[str]]:
        """Addresses, assets and origins by number."""
        return self.ready.names.addresses.all, self.ready.names.assets.all, self.ready.names.origins.all


def used(state: State, name: str, counter: int) -> Array:
    """The rows of a table that were written."""
    made: Array = getattr(state, name)[: int(state.counts[counter])]
    return made
