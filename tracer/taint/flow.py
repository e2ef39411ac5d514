"""The flow: a pure function of a set of transfers, labels, origins and limits.

`feed` only adds to the set; `fold` plays the whole set in order, in five books at once; `Result.wanted` names what
should be read next, in order of worth. Any partition and order of feeding gives the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from graphlib import TopologicalSorter
from itertools import groupby
from typing import TYPE_CHECKING

from tracer.chains import Family, family
from tracer.model import Address, Crossing, Gap, Limits, OriginSpec, Transaction, Transfer
from tracer.taint import utxo
from tracer.taint.books import Book, World
from tracer.taint.crossings import Open, crossed, stopping
from tracer.taint.fold import Fold, Known, Made
from tracer.taint.hubs import Hub, Key
from tracer.taint.origins import Origins, match
from tracer.taint.reach import Reach
from tracer.taint.stops import Labels
from tracer.taint.transaction import plan
from tracer.taint.worth import DEFAULT_RANKING, RANKINGS, Mixes, Seen, Worth

if TYPE_CHECKING:
    from tracer.taint.compiled import Compiled
    from tracer.taint.kernel.history import History

# Transactions: at 20,000 the kernel saves half of 4.5 seconds a fold. It would from some 5,000 on, but its
# first use compiles for most of a minute, which a small case should never meet.
KERNEL_FROM = 20_000


@dataclass(slots=True)
class Flow:
    """What is known so far of a case's money."""

    specs: Sequence[OriginSpec]
    labels: Labels
    limits: Limits = field(default_factory=Limits)
    transactions: Mapping[Key, Transaction] = field(default_factory=dict)
    read: set[Address] = field(default_factory=set)
    _history: History | None = None
    _plans: dict[Key, tuple[object, Made]] = field(default_factory=dict)

    def feed(self, transactions: Iterable[Transaction], read: Collection[Address] = ()) -> None:
        """Add transactions (parts of one may come at several times) and say which addresses are read with them."""
        known = {**self.transactions}
        for transaction in transactions:
            key = (transaction.chain, transaction.tx_hash)
            known[key] = merged(known[key], transaction) if key in known else transaction
        self.transactions, self._history = known, None
        self.read.update(read)

    def hold(self, history: History, read: Collection[Address]) -> None:
        """Know these transactions, instead of what was fed so far, as columns; and say which addresses are read."""
        self.transactions, self._history = history.by_key, history
        self.read.update(read)

    def fold(
        self,
        dropped: Collection[str] = (),
        coinjoins: Collection[Key] = (),
        crossings: Collection[Crossing] = (),
        *,
        book: Callable[[str, World], Book] = Book,
        kernel_from: int | None = KERNEL_FROM,
    ) -> Result:
        """Play everything that was fed. Three things are told: `dropped`, the ids of transfers that move no value
        (detect/poisoning.py), `coinjoins`, which transactions are (detect/coinjoin.py), and `crossings`, by which
        transfers money crossed a bridge (detect/bridges).

        `book` makes each method's book: one that writes down more (taint/ledger.py), else the plain one. From
        `kernel_from` transactions on the compiled kernel plans them and plays plain books, to the same last unit;
        None: never.
        """
        compiling = book is Book and kernel_from is not None and not crossings  # what crosses is planned by hand
        if compiling and (self._history or len(self.transactions) >= (kernel_from or 0)):
            compiled = self._compiled(dropped)
            if compiled is not None:
                return Result.of(self, compiled)
        fold = self.folding(dropped, coinjoins, crossings, book=book)
        fold.run()
        return Result.of(self, fold)

    def _compiled(self, dropped: Collection[str]) -> Compiled | None:
        """What the kernel makes of it; None where it cannot: on bitcoin, and where its arithmetic is too narrow."""
        if self._history is None and any(family(chain) is Family.BITCOIN for chain, _ in self.transactions):
            return None
        from tracer.taint.compiled import Asked, compiled  # noqa: PLC0415 - numba is loaded by those who need it

        asked = Asked(self.specs, self.labels, self.limits, self.read, self.planned)
        return compiled(self._history or [one for _, one in _ordered(self.transactions)], dropped, asked)

    def folding(
        self,
        dropped: Collection[str] = (),
        coinjoins: Collection[Key] = (),
        crossings: Collection[Crossing] = (),
        *,
        book: Callable[[str, World], Book] = Book,
    ) -> Fold:
        """The same, planned and ready to run."""
        counted = {
            key: tuple(t for t in transaction.transfers if t.id not in dropped)
            for key, transaction in self.transactions.items()
        }
        origins = match(self.specs, self.transactions, counted, self.labels)
        order = list(_ordered(self.transactions))
        bridged = crossed(crossings, order, counted, lambda address, one: self.labels.stop(address, one.at))
        plans = [
            made
            for key, transaction in order
            if counted[key]
            for made in (
                *bridged.before.get(key, ()),
                _mixed(self.planned(key, transaction, bridged.counted[key], origins), key in coinjoins),
            )
        ]
        reported = frozenset(spec.address for spec in self.specs)
        known = Known(self.labels, self.limits, self.transactions, counted, self.read, reported, coinjoins, bridged)
        return Fold(known, origins, plans, book)

    def planned(self, key: Key, transaction: Transaction, counted: tuple[Transfer, ...], origins: Origins) -> Made:
        """What a transaction did. It depends on that, its labels and its reported payments only, and is made once."""
        payments = frozenset(t.id for t in counted if t.id in origins.payments)
        basis = (counted, payments, self.labels.version)
        known = self._plans.get(key)
        if known is not None and known[0] == basis:
            return known[1]
        make = utxo.coins if family(transaction.chain) is Family.BITCOIN else plan
        stop_at = stopping(lambda address: self.labels.stop(address, transaction.at))
        made = make(transaction, counted, stop_at, payments)
        self._plans[key] = (basis, made)
        return made


def _mixed(made: Made, is_mix: bool) -> Made:
    return replace(made, mixed=True) if is_mix and isinstance(made, utxo.Coins) else made


def _ordered(transactions: Mapping[Key, Transaction]) -> Iterator[tuple[Key, Transaction]]:
    """All transactions in order. A bitcoin block may bear an earlier time than the one below it: it counts as no
    earlier. In one bitcoin block of unknown positions, what spends comes after what it spends.
    """
    times = _times(transactions.values())

    def order(item: tuple[Key, Transaction]) -> tuple[datetime, str, int, int, str]:
        one = item[1]
        return (times.get((one.chain, one.block), one.at), *one.order[1:])

    ordered = sorted(transactions.items(), key=order)
    for (_, chain, *_), block in groupby(ordered, key=lambda item: order(item)[:3]):
        same = list(block)
        if len(same) == 1 or family(chain) is not Family.BITCOIN or all(one.tx_index is not None for _, one in same):
            yield from same
            continue
        here = {one.tx_hash: key for key, one in same}
        spends = {
            one.tx_hash: {t.outpoint.partition(":")[0] for t in one.transfers if t.outpoint} & here.keys()
            for _, one in same
        }
        for tx_hash in TopologicalSorter(spends).static_order():
            yield here[tx_hash], transactions[here[tx_hash]]


def _times(transactions: Iterable[Transaction]) -> dict[tuple[str, int | None], datetime]:
    """Of bitcoin's blocks, by chain and height: the latest time up to there. Miners' clocks differ, heights do not."""
    found = {
        (one.chain, one.block): one.at
        for one in transactions
        if one.block is not None and family(one.chain) is Family.BITCOIN
    }
    times: dict[tuple[str, int | None], datetime] = {}
    latest: dict[str, datetime] = {}
    for (chain, block), at in sorted(found.items()):
        latest[chain] = max(at, latest.get(chain, at))
        times[chain, block] = latest[chain]
    return times


def merged(one: Transaction, other: Transaction) -> Transaction:
    """The same transaction as two pages know it: all transfers of both, and what either knows of its place."""
    transfers: dict[str, Transfer] = {}
    for transfer in (*one.transfers, *other.transfers):
        known = transfers.setdefault(transfer.id, transfer)
        if transfer.index is not None and (known.index is None or transfer.index < known.index):
            transfers[transfer.id] = transfer
    return replace(
        one,
        block=one.block if one.block is not None else other.block,
        tx_index=one.tx_index if one.tx_index is not None else other.tx_index,
        initiator=one.initiator or other.initiator,
        to=one.to or other.to,
        ok=one.ok and other.ok,
        whole=one.whole or other.whole,
        transfers=tuple(transfers[id_] for id_ in sorted(transfers)),
    )


@dataclass(slots=True)
class Result:
    """What a fold found. Amounts are base units; see books.Book for the sums of one method."""

    flow: Flow
    origins: Origins
    books: dict[str, Book]
    reach: Reach
    hops: dict[Address, int]
    touched: dict[Address, datetime]
    hubs: dict[Address, Hub]
    gaps: list[Gap]
    unresolved: list[Key]
    _fold: Fold | Compiled
    _mixes: Mixes | None = None
    _worth: Worth | None = None

    @classmethod
    def of(cls, flow: Flow, fold: Fold | Compiled) -> Result:
        """What a fold of a flow found."""
        gaps = [*fold.origins.gaps, *fold.gaps.values(), *fold.unordered(), *(one.gap() for one in fold.unfollowed())]
        found = (fold.origins, fold.books, fold.reach, fold.hops, fold.touched, fold.hubs, gaps, fold.unresolved)
        return cls(flow, *found, fold)

    @property
    def mixes(self) -> Mixes:
        """The pots as the ranking sees them; played when they are first asked for."""
        if self._mixes is None:
            self._mixes = Mixes.of(self.origins, self._fold.keeps, self._fold.played)
        return self._mixes

    @property
    def worth(self) -> Worth:
        """What each address is worth reading (see worth.py)."""
        if self._worth is None:
            self._worth = RANKINGS[DEFAULT_RANKING](Seen(self.origins, self.books, self.mixes))
        return self._worth

    @property
    def passages(self) -> frozenset[Address]:
        """What stands for the hands of bridges that were crossed: never read."""
        return self._fold.passages

    def wanted(self, *, ranked: bool = True) -> list[Address]:
        """What to read next, worthiest first: reported addresses, then tainted pots that the limits let be read, and
        whom a bridge names that tainted money went into, as worthy as who paid it in. Where all of it will be read,
        it need not be `ranked`: to learn what each is worth may take longer than the fold.
        """
        read, limits = self.flow.read, self.flow.limits
        worth = self.worth if ranked or limits.worth else {}
        first = sorted(self.origins.addresses - read)
        named = {named: payer for one in self._fold.unfollowed() for named, payer in _ends(one)}
        open_ = {address: address for address in self.touched.keys() - self.passages} | named
        ready = [
            (worth.get(like, Fraction(0)), address)
            for address, like in open_.items()
            if address not in read and self.hops.get(like, 0) < limits.hops and self._young(like)
        ]
        found = [(most, address) for most, address in ready if most >= limits.worth and address not in first]
        return first + [address for _, address in sorted(found, key=lambda pair: (-pair[0], pair[1]))]

    def wanted_transactions(self) -> list[Key]:
        """Transactions to read whole: reported payments not read yet, and those in which money stands unresolved."""
        known = self.flow.transactions
        reported = {(spec.address.chain, spec.tx_hash) for spec in self.flow.specs if spec.tx_hash}
        return sorted(
            {key for key in reported if key not in known} | {k for k in self.unresolved if not known[k].whole}
        )

    def _young(self, address: Address) -> bool:
        age = self.flow.limits.age
        at = self.touched.get(address)
        return age is None or at is None or at - min(self.touched.values()) <= age


def _ends(one: Open) -> Iterator[tuple[Address, Address]]:
    """Whom an open crossing names, and who paid it in."""
    if one.crossing.recipient is not None and one.out.sender is not None:
        yield one.crossing.recipient, one.out.sender
