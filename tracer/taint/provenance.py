"""Provenance: by which earlier steps exactly this money came, back to its origin, in the origin's own asset.

Under fifo, lifo, dirty_first and clean_first it is exact. What a step brought stands in its recipient's pot as one run,
in order of the step's parts. What takes of it later, step by step and loss by loss in order of writing, takes from the
head of the run (lifo: from its tail), and what is taken keeps its order. So every part of a step is a stretch of an
earlier step's run, and a stretch is followed back through that step's own parts. Where a transaction shares lots pro
rata between several receivers, the stretches follow in the order in which their steps were written: a convention.

Under haircut every unit is a mixture and money has no such way: there the widest paths stand for it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import accumulate, count, islice
from typing import NamedTuple

from tracer.chains import Family, family
from tracer.model import Address, AssetId
from tracer.taint.books import Book
from tracer.taint.entries import Part, Step
from tracer.taint.methods import NO_STEP
from tracer.taint.passage import is_passage

Stretch = tuple[int, int]  # of what a step brought, in the origin's own asset: from, to


class Way(NamedTuple):
    """Steps from an origin to an arrival, oldest first, and what of the arrival's money went by exactly these."""

    steps: tuple[int, ...]
    carried: int


class Provenance:
    """One book's answer to "by which transactions did this come?" Everything is worked out on first use."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._exact: _Runs | None = None
        self._wide: _Widest | None = None

    @cached_property
    def hops(self) -> Sequence[int]:
        """How many hops each step is from its origin."""
        return self.book.hops()

    def many(self, questions: Sequence[tuple[Sequence[int], int]]) -> list[list[Way]]:
        """For each of these steps and a number, so many of their ways at most."""
        told = self.book.answer(questions)
        if told is not None:
            return [[Way(*found) for found in ways] for ways in told]
        return [list(islice(self.ways(numbers), most)) for numbers, most in questions]

    def ways(self, numbers: Collection[int]) -> Iterator[Way]:
        """All ways by which the money of these steps came, the largest first; none is the same as another.

        Exact: together they carried what the steps carried, to the unit. Under haircut: paths in order of time, each
        with the most that it can have carried beside those before it; what they leave went by none of them alone.
        """
        if self.book.method == "haircut":
            self._wide = self._wide or _Widest(self.book)
            return self._wide.ways(numbers)
        self._exact = self._exact or _Runs(self.book)
        return self._exact.ways(numbers)


# --- exact ------------------------------------------------------------------------------------------------------------


class _Runs:
    """Where in its parent's run each part of a step lies."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.worths = book.worths()
        self.starts: list[tuple[int, ...]] = []
        taken: dict[int, int] = defaultdict(int)
        losses = iter(book.losses)
        loss = next(losses, None)
        for number in range(len(self.worths)):
            while loss is not None and loss.before <= number:
                taken[loss.step] += loss.origin_amount
                loss = next(losses, None)
            self.starts.append(tuple(self._start(part, taken) for part in book.parts_of(number)))

    def _start(self, part: Part, taken: dict[int, int]) -> int:
        before = taken[part.step]
        taken[part.step] += part.origin_amount
        if self.book.method != "lifo" or part.step == NO_STEP:
            return before
        return self.worths[part.step] - before - part.origin_amount

    def ways(self, numbers: Collection[int]) -> Iterator[Way]:
        """Best first: following back only ever divides, so the largest that has come to its origin is the largest."""
        order = count()  # among equal ones, in order of finding
        heap: list[tuple[int, int, int, tuple[int, ...], list[Stretch]]] = []
        for number in numbers:
            amount = self.worths[number]
            if amount:
                heappush(heap, (-amount, next(order), number, (), [(0, amount)]))
        while heap:
            amount, _, number, after, stretches = heappop(heap)
            if number == NO_STEP:
                yield Way(after, -amount)
                continue
            for parent, found in self._back(number, stretches).items():
                carried = sum(end - start for start, end in found)
                heappush(heap, (-carried, next(order), parent, (number, *after), found))

    def _back(self, number: int, stretches: Sequence[Stretch]) -> dict[int, list[Stretch]]:
        """Stretches of what a step brought, as stretches of what its parents had brought."""
        parts = self.book.parts_of(number)
        ends = list(accumulate(part.origin_amount for part in parts))
        found: dict[int, list[Stretch]] = {}
        for start, end in stretches:
            for place in range(bisect_right(ends, start), len(parts)):
                first = ends[place] - parts[place].origin_amount
                if first >= end:
                    break
                shift = self.starts[number][place] - first
                stretch = (max(start, first) + shift, min(end, ends[place]) + shift)
                if stretch[1] > stretch[0]:
                    _add(found.setdefault(parts[place].step, []), stretch)
        return found


def _add(stretches: list[Stretch], new: Stretch) -> None:
    if stretches and stretches[-1][1] == new[0]:
        stretches[-1] = (stretches[-1][0], new[1])
    else:
        stretches.append(new)


# --- haircut ----------------------------------------------------------------------------------------------------------

Pot = tuple[Address, AssetId, str, str]  # address, asset, origin; on bitcoin the transaction that made the outpoint


@dataclass(slots=True)
class _Inflow:
    """The steps that brought an origin's money into a pot, and before which steps it was empty of it."""

    steps: list[int]
    empty: list[int]
    balance: int = 0


class _Widest:
    """Paths in order of time over the steps: each follows money that was still there when its pot paid."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.inflows: dict[Pot, _Inflow] = defaultdict(lambda: _Inflow([], []))
        self.origins: set[tuple[Address, AssetId, str]] = set()  # pots of reported addresses
        self._of: list[_Inflow] = []  # by step: its pot's
        losses = iter(book.losses)
        loss = next(losses, None)
        for number, step in enumerate(book.steps):
            while loss is not None and loss.before <= number:
                self._out(Part(loss.step, loss.origin_amount), number)
                loss = next(losses, None)
            for part in book.parts_of(number):
                self._out(part, number)
                if part.step == NO_STEP and not step.origin.startswith("payment:"):
                    self.origins.add((step.sender, step.asset, step.origin))
            inflow = self.inflows[_into(step)]
            self._of.append(inflow)
            inflow.steps.append(number)
            inflow.balance += step.origin_amount

    def _out(self, part: Part, number: int) -> None:
        """Haircut's lots name one step each of those their pot holds: which pot it is, is all that is asked of it."""
        if part.step != NO_STEP:
            inflow = self._of[part.step]
            inflow.balance -= part.origin_amount
            if inflow.balance == 0:
                inflow.empty.append(number)

    def ways(self, numbers: Collection[int]) -> Iterator[Way]:
        """The widest path, then the widest of what it leaves, until all is told for or no path is left."""
        left: dict[int, int] = {}
        while (way := self._widest(numbers, left)) is not None:
            for number in way.steps:
                left[number] = left.get(number, self.book.steps[number].origin_amount) - way.carried
            yield way

    def _widest(self, numbers: Collection[int], left: dict[int, int]) -> Way | None:
        """From the arrival back, always along what can carry most, then the fewest steps, then the oldest."""
        heap: list[tuple[int, int, int]] = []
        after: dict[int, int] = {}

        def reach(number: int, then: int, width: int, length: int) -> None:
            width = min(width, left.get(number, self.book.steps[number].origin_amount))
            if width and number not in after:
                after[number] = then
                heappush(heap, (-width, length, number))

        for number in sorted(numbers):
            reach(number, NO_STEP, self.book.steps[number].origin_amount, 1)
        while heap:
            width, length, number = heappop(heap)
            if self._is_start(number):
                return Way(tuple(_chain(after, number)), -width)
            for before in self._brought(number):
                reach(before, number, -width, length + 1)
        return None

    def _is_start(self, number: int) -> bool:
        step = self.book.steps[number]
        starts = any(part.step == NO_STEP and part.origin_amount for part in self.book.parts_of(number))
        return starts or any(pot[:3] in self.origins for pot in _out_of(step))

    def _brought(self, number: int) -> Iterator[int]:
        """The steps whose money was in the pots a step was paid from: since they were last empty, till before it."""
        steps = self.book.steps
        first = number
        while first and steps[first - 1].transaction is steps[number].transaction:
            first -= 1
        for pot in _out_of(steps[number]):
            inflow = self.inflows.get(pot)
            if inflow is not None:
                emptied = bisect_left(inflow.empty, first)
                since = inflow.empty[emptied - 1] if emptied else 0
                yield from inflow.steps[bisect_left(inflow.steps, since) : bisect_left(inflow.steps, first)]


def _chain(after: dict[int, int], number: int) -> Iterator[int]:
    while number != NO_STEP:
        yield number
        number = after[number]


def _into(step: Step) -> Pot:
    """The pot that a step's money came into."""
    coin = family(step.transaction.chain) is Family.BITCOIN and not is_passage(step.recipient)
    made_by = step.transaction.tx_hash if coin else ""
    return (step.recipient, step.received_asset, step.origin, made_by)


def _out_of(step: Step) -> list[Pot]:
    """The pots a step was paid from: an exchange may have been paid in several assets, on bitcoin by several inputs."""
    moved = step.transaction.transfers
    if is_passage(step.sender):
        return [(step.sender, step.asset, step.origin, "")]
    if family(step.transaction.chain) is Family.BITCOIN:
        spent = [(t.sender, t.asset, t.outpoint.partition(":")[0]) for t in moved if t.sender and t.outpoint]
        return [(sender, asset, step.origin, made_by) for sender, asset, made_by in dict.fromkeys(spent)]
    assets = [step.asset]
    if step.by != "payment":
        assets += [transfer.asset for transfer in moved if transfer.sender == step.sender]
    return [(step.sender, asset, step.origin, "") for asset in dict.fromkeys(assets)]
