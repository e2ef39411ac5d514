"""A fold by the compiled kernel: what `fold.Fold` finds, found on columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from tracer.model import Address, Gap, Limits, OriginSpec, Transaction, Transfer
from tracer.taint import kernel
from tracer.taint.crossings import Open
from tracer.taint.fold import Made, unordered
from tracer.taint.hubs import Hub, Key
from tracer.taint.kernel import History, Scene
from tracer.taint.methods import METHODS
from tracer.taint.origins import Origins, match
from tracer.taint.stops import Labels

PlanOf = Callable[[Key, Transaction, tuple[Transfer, ...], Origins], Made]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a flow folds with. `plan_of`: its plan of a transaction, of which these transfers count."""

    specs: Sequence[OriginSpec]
    labels: Labels
    limits: Limits
    read: Set[Address]
    plan_of: PlanOf


def compiled(known: History | Sequence[Transaction], dropped: Collection[str], asked: Asked) -> Compiled | None:
    """Fold a history, or transactions, which are in order; None where the kernel's arithmetic is too narrow."""
    try:
        return Compiled(known if isinstance(known, History) else kernel.given(known), dropped, asked)
    except kernel.TooWide:
        return None


class Compiled:
    """What the kernel found in a history."""

    def __init__(self, history: History, dropped: Collection[str], asked: Asked) -> None:
        self.asked = asked
        self.history = history
        self.counted = history.counted(dropped)
        self.origins = self._match()
        scene = Scene(self.counted, self.origins, asked.labels, asked.read, asked.specs, asked.limits)
        self._played = played = kernel.fill([*METHODS], history, scene)
        self.books = played.books
        self.reach, self.touched, self.gaps = played.reach, played.touched, played.gaps
        self.hops = dict.fromkeys(self.origins.addresses, 0) | played.hops
        self.hubs = {address: Hub(count, self.touched[address]) for address, count in played.judged.items()}
        self.unresolved = [(one.chain, one.tx_hash) for one in played.unresolved]

    def _match(self) -> Origins:
        hashes = {spec.tx_hash for spec in self.asked.specs if spec.tx_hash}
        some = [self.history.made(row) for row in self.history.find(hashes)] if hashes else []
        known = {(one.chain, one.tx_hash): one for one, _ in some}
        counted = {(one.chain, one.tx_hash): self._moved(one, rows) for one, rows in some}
        paid_out = self.history.paid_out({spec.address for spec in self.asked.specs}, self.counted)
        return match(self.asked.specs, known, counted, self.asked.labels, paid_out)

    def _moved(self, transaction: Transaction, rows: Sequence[int]) -> tuple[Transfer, ...]:
        """Those of its transfers that count."""
        return tuple(t for row, t in zip(rows, transaction.transfers, strict=True) if self.counted[row])

    def keeps(self, address: Address) -> bool:
        """True if what lies at an address matters (`Fold.keeps`)."""
        return self._played.keeps(address)

    @property
    def played(self) -> Iterator[tuple[Made, Mapping[Address, bool]]]:
        """The plans that were played, each with who might spend then."""
        for row, spends in self._played.rows():
            transaction, rows = self.history.made(row)
            key = (transaction.chain, transaction.tx_hash)
            yield self.asked.plan_of(key, transaction, self._moved(transaction, rows), self.origins), spends

    passages: frozenset[Address] = frozenset()  # what crosses a bridge is planned by hand, in a Fold

    def unfollowed(self) -> tuple[Open, ...]:
        """None: see `passages`."""
        return ()

    def unordered(self) -> Iterator[Gap]:
        """As `Fold.unordered`, of the blocks that hold several transactions in unknown order."""
        some = [self.history.made(row) for row in self.history.unordered(self.counted)]
        known = {(one.chain, one.tx_hash): one for one, _ in some}
        counted = {(one.chain, one.tx_hash): self._moved(one, rows) for one, rows in some}
        return unordered(known, counted, {one for one in self.touched if self.keeps(one)})
