"""The steps of a filled book as `walk.py` reads them, and its answers as ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from tracer.taint.kernel import state as table
from tracer.taint.kernel.share import Columns, Share
from tracer.taint.kernel.state import Array
from tracer.taint.kernel.walk import STEPS, WAYS, Asked, Desk, Steps, emptied, exact, runs, widest

Question = tuple[Sequence[int], int]  # steps whose ways are wanted, and how many at most
Found = tuple[tuple[int, ...], int]  # the steps of a way, oldest first, and what it carried


class Walker:
    """Answers by which ways the money of some steps came, many questions at once."""

    def __init__(self, share: Share, *, lifo: bool, mixed: bool) -> None:
        self.share = share
        self.lifo = lifo
        self.walk = widest if mixed else exact
        self.rows = share.step_rows
        self.worth = limbs(self.rows, "worth")
        self.first, self.part, self.amount = self._parts()

    def answer(self, questions: Sequence[Question]) -> list[list[Found]]:
        """The ways of each question, the largest first."""
        asked = Asked(
            np.array([number for numbers, _ in questions for number in numbers], np.int64),
            np.cumsum([0, *(len(numbers) for numbers, _ in questions)]),
            np.array([most for _, most in questions], np.int64),
        )
        size, at, known = 1 << 14, 0, self._steps
        desk = _desk(size, len(self.worth))
        while (at := self.walk(known, asked, desk, at)) < len(questions):
            size *= 4
            desk = _larger(desk, size)
        return _told(desk, len(questions))

    def _parts(self) -> tuple[Array, Array, Array]:
        """By step the earlier steps that brought it, one where no parts were written."""
        mine = self.share.of_steps("part", table.PARTS)
        number = self.share.local[mine["number"]]
        counts = np.bincount(number, minlength=len(self.rows))
        alone = np.flatnonzero(counts == 0)
        counts[alone] = 1
        first = np.r_[0, np.cumsum(counts)]
        part, amount = np.empty(first[-1], np.int64), np.empty((first[-1], 2), np.uint64)
        part[first[alone]], amount[first[alone]] = self.share.numbers(self.rows["parent"][alone]), self.worth[alone]
        several = np.ones(len(part), np.bool_)
        several[first[alone]] = False
        part[several], amount[several] = self.share.numbers(mine["step"]), limbs(mine, "worth")
        return first, part, amount

    @cached_property
    def _steps(self) -> Steps:
        every = self.share.rows("loss", table.LOSSES)
        before = np.searchsorted(self.share.steps, every["before"])
        lost = self.share.numbers(every["step"]), before, limbs(every, "worth")
        start, size = np.zeros_like(self.amount), len(self.rows)
        if self.walk is exact:
            taken = np.zeros((size + 1, 2), np.uint64)
            runs(self.worth, self.first, self.part, self.amount, *lost, taken, start, self.lifo)
            none = np.zeros(1, np.int64)
            return Steps(self.worth, self.first, self.part, self.amount, start, *[none] * 9)
        keys = self._keys(self.rows["recipient"], self.rows["asset"], self.rows["origin"])
        pots, into = np.unique(keys, return_inverse=True)
        out, out_first, begins = self._out(pots)
        came = np.argsort(into, kind="stable")
        pot, step = np.zeros((2, len(self.part) + len(every)), np.int64)
        many = emptied(
            self.worth, self.first, self.part, self.amount, *lost, into, np.zeros((len(pots), 2), np.uint64), pot, step
        )
        order = np.argsort(pot[:many], kind="stable")
        return Steps(
            *(self.worth, self.first, self.part, self.amount, start, into, out, out_first, begins, self._same()),
            *(came, _starts(into, len(pots)), step[:many][order], _starts(pot[:many], len(pots))),
        )

    def _keys(self, places: Array, assets: Array, origins: Array) -> Array:
        _, kinds, names = self.share.names
        made: Array = (places.astype(np.int64) * len(kinds) + assets) * len(names) + origins
        return made

    def _same(self) -> Array:
        """The first step of the transaction of each."""
        tx = self.rows["tx"]
        begins = np.flatnonzero(np.r_[True, tx[1:] != tx[:-1]]) if len(tx) else np.zeros(0, np.int64)
        same: Array = np.repeat(begins, np.diff(np.r_[begins, len(tx)]))
        return same

    def _out(self, pots: Array) -> tuple[Array, Array, Array]:
        """The pots that each step was paid from, where any step came in, and whose money started there."""
        paid = self.rows["asset"].copy()
        for number, (asset, _) in self.share.paid.items():
            paid[number] = asset
        first = self._keys(self.rows["sender"], paid, self.rows["origin"])
        more: set[tuple[int, int]] = set()  # of an exchange, or what was handed on: paid in other assets too
        history = self.share.ready.history
        for number in np.flatnonzero(self.rows["by"] != table.PAYMENT).tolist():
            tx, sender, origin = (self.rows[name][number] for name in ("tx", "sender", "origin"))
            some = slice(*history.heads.first[tx : tx + 2].tolist())
            assets = history.moves.asset[some][history.moves.sender[some] == sender]
            others = self._keys(np.full(len(assets), sender), assets, origin).tolist()
            more.update((number, key) for key in others if key != first[number])
        pairs = np.column_stack((np.arange(len(paid)), first))
        if more:
            pairs = np.concatenate((pairs, np.array(sorted(more), np.int64)))
            pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        owner = np.repeat(np.arange(len(paid)), np.diff(self.first))
        names = self.share.names[2]
        fresh = self.part < 0
        own = np.array([not name.startswith("payment:") for name in names], np.bool_)
        begun = owner[fresh & own[self.rows["origin"][owner]]] if len(names) else owner[:0]
        begins = np.zeros(len(paid), np.bool_)
        begins[owner[fresh & self.amount.any(axis=1)]] = True
        begins[pairs[np.isin(pairs[:, 1], first[begun]), 0]] = True
        place = np.searchsorted(pots, pairs[:, 1])
        known = place < len(pots)
        known[known] = pots[place[known]] == pairs[known, 1]
        return place[known], _starts(pairs[known, 0], len(paid)), begins


def limbs(rows: Array | Columns, name: str) -> Array:
    """An amount of records, two limbs a row."""
    return np.column_stack((rows[f"{name}_high"], rows[f"{name}_low"]))


def _starts(numbers: Array, size: int) -> Array:
    made: Array = np.r_[0, np.cumsum(np.bincount(numbers, minlength=size))]
    return made


def _desk(size: int, steps: int) -> Desk:
    return Desk(
        np.zeros(8, np.int64),
        *(np.zeros((size, 4), np.int64), np.zeros((size, 2), np.uint64)),
        *(np.zeros((4 * size, 4), np.uint64), np.zeros((size, 4), np.uint64), np.zeros(size, np.int64)),
        *(np.zeros(size, np.int64), np.zeros(steps, np.int64), np.zeros(steps, np.int64)),
        *(np.zeros((steps, 2), np.uint64), np.full(steps, -1, np.int64)),
        *(np.zeros((size, 2), np.int64), np.zeros((size, 2), np.uint64), np.zeros(4 * size, np.int64)),
    )


def _larger(desk: Desk, size: int) -> Desk:
    made = _desk(size, len(desk.seen))
    for name in Desk._fields:
        old = getattr(desk, name)
        getattr(made, name)[: len(old)] = old
    return made


def _told(desk: Desk, questions: int) -> list[list[Found]]:
    found: list[list[Found]] = [[] for _ in range(questions)]
    ways, steps = int(desk.counts[WAYS]), desk.step[: desk.counts[STEPS]].tolist()
    bounds = [*desk.way[:ways, 1].tolist(), len(steps)]
    carried = zip(*desk.way_carried[:ways].T.tolist(), strict=True) if ways else ()
    for n, (question, (high, low)) in enumerate(zip(desk.way[:ways, 0].tolist(), carried, strict=True)):
        found[question].append((tuple(steps[bounds[n] : bounds[n + 1]]), (high << 64) | low))
    return found
