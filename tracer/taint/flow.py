"""The flow: a pure function of a set of transfers, labels, origins and limits.

`feed` only adds to the set; `fold` plays the whole set in order, in five books at once; `Result.wanted` names what
should be read next, in order of worth. Any partition and order of feeding gives the same result.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from graphlib import TopologicalSorter
from itertools import groupby

from tracer.chains import Family, family
from tracer.model import Address, AssetId, Gap, Limits, OriginSpec, Transaction, Transfer
from tracer.taint import utxo
from tracer.taint.books import Book, EndKind, PotKey, Step, World
from tracer.taint.methods import METHODS
from tracer.taint.origins import Origins, match
from tracer.taint.reach import Reach
from tracer.taint.stops import Labels
from tracer.taint.transaction import Plan, plan
from tracer.taint.turn import play

Key = tuple[str, str]  # chain, tx_hash


@dataclass(slots=True)
class Flow:
    """What is known so far of a case's money."""

    specs: Sequence[OriginSpec]
    labels: Labels
    limits: Limits = field(default_factory=Limits)
    transactions: dict[Key, Transaction] = field(default_factory=dict)
    read: set[Address] = field(default_factory=set)
    _plans: dict[Key, tuple[object, Plan | utxo.Coins]] = field(default_factory=dict)

    def feed(self, transactions: Iterable[Transaction], read: Collection[Address] = ()) -> None:
        """Add transactions (parts of one may come at several times) and say which addresses are read with them."""
        for transaction in transactions:
            key = (transaction.chain, transaction.tx_hash)
            known = self.transactions.get(key)
            self.transactions[key] = transaction if known is None else merged(known, transaction)
        self.read.update(read)

    def fold(self, dropped: Collection[str] = (), book: Callable[[str, World], Book] = Book) -> Result:
        """Play everything that was fed; `dropped` are ids of transfers that move no value (detect/poisoning.py).

        `book` makes each method's book: one that writes down more (taint/ledger.py), else the plain one.
        """
        counted = {
            key: tuple(t for t in transaction.transfers if t.id not in dropped)
            for key, transaction in self.transactions.items()
        }
        origins = match(self.specs, self.transactions, counted, self.labels)
        fold = _Fold(self, origins, counted, book)
        for key, transaction in _ordered(self.transactions):
            if counted[key]:
                fold.play(self._planned(key, transaction, counted[key], origins))
        return fold.result()

    def _planned(
        self, key: Key, transaction: Transaction, counted: tuple[Transfer, ...], origins: Origins
    ) -> Plan | utxo.Coins:
        """A plan depends on the transaction, its labels and its reported payments only, so it is made once."""
        payments = frozenset(t.id for t in counted if t.id in origins.payments)
        basis = (counted, payments, self.labels.version)
        known = self._plans.get(key)
        if known is not None and known[0] == basis:
            return known[1]
        make = utxo.coins if family(transaction.chain) is Family.BITCOIN else plan
        made = make(transaction, counted, lambda address: self.labels.stop(address, transaction.at), payments)
        self._plans[key] = (basis, made)
        return made


def _ordered(transactions: Mapping[Key, Transaction]) -> Iterator[tuple[Key, Transaction]]:
    """All transactions in order; in one bitcoin block of unknown positions, what spends comes after what it spends."""
    ordered = sorted(transactions.items(), key=lambda item: item[1].order)
    for (_, chain, *_), block in groupby(ordered, key=lambda item: item[1].order[:3]):
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


def counterparties(contacts: Sequence[tuple[datetime, Address]], since: datetime, window: timedelta) -> int:
    """How many distinct addresses an address dealt with after `since`, within the window. The hub test is `> limit`.

    `contacts` are sorted by time. Only what comes after taint counts, so the past cannot change.
    """
    start = bisect_right(contacts, since, key=lambda contact: contact[0])
    end = bisect_right(contacts, since + window, key=lambda contact: contact[0])
    return len({other for _, other in contacts[start:end]})


@dataclass(slots=True)
class Hub:
    """An address too busy to follow: how many it dealt with, since taint came at `since`."""

    counterparties: int
    since: datetime


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
    worth: dict[Address, Fraction]

    def wanted(self) -> list[Address]:
        """What to read next, worthiest first: reported addresses, then tainted pots that the limits let be read."""
        read, limits = self.flow.read, self.flow.limits
        first = sorted(self.origins.addresses - read)
        open_ = [
            (self.worth.get(address, Fraction(0)), address)
            for address in self.touched
            if address not in read and self.hops[address] < limits.hops and self._young(address)
        ]
        ready = [(worth, address) for worth, address in open_ if worth >= limits.worth]
        return first + [address for _, address in sorted(ready, key=lambda pair: (-pair[0], pair[1]))]

    def wanted_transactions(self) -> list[Key]:
        """Transactions to read whole: reported payments not read yet, and those in which money stands unresolved."""
        known = self.flow.transactions
        reported = {(spec.address.chain, spec.tx_hash) for spec in self.flow.specs if spec.tx_hash}
        return sorted(
            {key for key in reported if key not in known} | {k for k in self.unresolved if not known[k].whole}
        )

    def _young(self, address: Address) -> bool:
        age = self.flow.limits.age
        return age is None or not self.touched or self.touched[address] - min(self.touched.values()) <= age


class _Fold:
    """One pass over the set; the World of its books."""

    def __init__(
        self,
        flow: Flow,
        origins: Origins,
        counted: Mapping[Key, Sequence[Transfer]],
        book: Callable[[str, World], Book],
    ) -> None:
        self.flow = flow
        self.origins = origins
        self.counted = counted
        self.books = {method: book(method, self) for method in METHODS}
        self.reach = Reach(origins)
        self.hops: dict[Address, int] = dict.fromkeys(origins.addresses, 0)
        self.touched: dict[Address, datetime] = {}
        self.hubs: dict[Address, Hub] = {}
        self.reported = {spec.address for spec in flow.specs}  # never hubs: a payment's recipient is reported too
        self.gaps: dict[tuple[Key, PotKey], Gap] = {}
        self.unresolved: list[Key] = []
        self._contacts: dict[Address, list[tuple[datetime, Address]]] | None = None
        self._judged: set[Address] = set()

    def play(self, made: Plan | utxo.Coins) -> None:
        if isinstance(made, utxo.Coins):
            spenders = {paid.sender: self._spends(paid.sender) for paid in made.inputs if paid.sender}
            for book in self.books.values():
                utxo.play(book, made, spenders)
            self.reach.coins(made, spenders)
            return
        spends = {address: self._spends(address) for address in made.payers}
        if not (any(spends.values()) or made.reported or any(self.keeps(p.address) for p, _ in made.receipts)):
            return
        before = {method: len(book.ends) for method, book in self.books.items()}
        for book in self.books.values():
            play(book, made, spends)
        self.reach.play(made, spends)
        new = [end.kind for method, book in self.books.items() for end in book.ends[before[method] :]]
        if EndKind.UNRESOLVED in new:
            self.unresolved.append((made.at.chain, made.at.tx_hash))

    def _spends(self, address: Address) -> bool:
        """A pot spends only at an address that was read (a reported one counts as read) and is no hub."""
        return self.keeps(address) and not self._is_hub(address)

    def keeps(self, address: Address) -> bool:
        return address in self.flow.read or address in self.origins.addresses

    def _is_hub(self, address: Address) -> bool:
        since = self.touched.get(address)
        if since is None or address in self.reported:
            return False
        if address not in self._judged:
            self._judged.add(address)
            limits = self.flow.limits
            count = counterparties(self._contacts_of(address), since, limits.hub_window)
            if count > limits.hub_counterparties and self.flow.labels.at(address, since) is None:
                self.hubs[address] = Hub(count, since)
        return address in self.hubs

    def _contacts_of(self, address: Address) -> list[tuple[datetime, Address]]:
        if self._contacts is None:
            self._contacts = _contacts(self.flow.transactions, self.counted)
        return self._contacts.get(address, [])

    def origin_of(self, address: Address, asset: AssetId, at: datetime) -> str | None:
        return self.origins.of(address, asset, at)

    def payment(self, transfer: Transfer) -> tuple[str, int]:
        origin, most = self.origins.payments[transfer.id]
        return origin.id, most

    def step(self, step: Step) -> None:
        if step.recipient != step.sender:
            hops = self.hops.get(step.sender, 0) + 1
            self.hops[step.recipient] = min(hops, self.hops.get(step.recipient, hops))

    def enter(self, address: Address, at: datetime) -> None:
        self.touched.setdefault(address, at)
        self.hops.setdefault(address, 1)  # a reported payment came straight from outside

    def unseen(self, transaction: Transaction, pot: PotKey, amount: int) -> None:
        key = ((transaction.chain, transaction.tx_hash), pot)
        if key not in self.gaps:
            text = "paid more than was seen coming in"
            self.gaps[key] = Gap("unseen", text, pot[0], transaction.tx_hash, pot[1], amount, transaction.at)

    def _unordered(self) -> Iterator[Gap]:
        """Where the order of transactions in one block is not known and money of a tainted pot moved in several."""
        blocks: dict[tuple[str, datetime, int | None], list[Key]] = defaultdict(list)
        for key, one in self.flow.transactions.items():
            if one.tx_index is None and self.counted[key]:
                blocks[(one.chain, one.at, one.block)].append(key)
        for (_, at, block), keys in sorted(blocks.items(), key=lambda item: str(item[0])):
            if len(keys) > 1:
                yield from self._mixed_up(at, block, keys)

    def _mixed_up(self, at: datetime, block: int | None, keys: Sequence[Key]) -> Iterator[Gap]:
        moved: dict[tuple[Address, AssetId], set[Key]] = defaultdict(set)
        paid: set[tuple[Address, AssetId]] = set()
        for key in keys:
            for transfer in self.counted[key]:
                paid |= {(transfer.sender, transfer.asset)} if transfer.sender else set()
                for end in (transfer.sender, transfer.recipient):
                    if end is not None and end in self.touched and self.keeps(end):
                        moved[(end, transfer.asset)].add(key)
        for (address, asset), where in sorted(moved.items()):
            if len(where) > 1 and (address, asset) in paid:
                text = f"{len(where)} transactions of block {block} in unknown order, taken by their hashes"
                yield Gap("order_unknown", text, address, None, asset, None, at)

    def result(self) -> Result:
        for address in sorted(self.touched):
            if self.keeps(address):
                self._is_hub(address)
        return Result(
            *(self.flow, self.origins, self.books, self.reach, self.hops, self.touched, self.hubs),
            gaps=[*self.origins.gaps, *self.gaps.values(), *self._unordered()],
            unresolved=self.unresolved,
            worth=_worth(self.origins, self.books),
        )


WORTH = {"dirty_first": 1000, "haircut": 1}  # measured: the README's figures compare it with other rankings


def _worth(origins: Origins, books: Mapping[str, Book]) -> dict[Address, Fraction]:
    """What an address is worth reading: the share, of all that the case originated in one asset, that reached it.

    The share is dirty_first's, the most that can have come; haircut, at a thousandth, orders those that share leaves
    equal or out. Of several assets the best counts, so that no price is needed. At most 1.
    """
    shares: dict[Address, dict[AssetId, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for method, weight in WORTH.items():
        whole: dict[AssetId, int] = defaultdict(int)
        for origin, amount in books[method].originated.items():
            whole[origins.found[origin].asset] += amount
        came: dict[tuple[Address, AssetId], int] = defaultdict(int)
        for (address, origin), amount in books[method].reached.items():
            came[(address, origins.found[origin].asset)] += amount
        for (address, asset), amount in came.items():
            if whole[asset]:
                share = min(Fraction(amount, whole[asset]), Fraction(1))
                shares[address][asset] += share * Fraction(weight, sum(WORTH.values()))
    return {address: max(by_asset.values()) for address, by_asset in shares.items()}


def _contacts(
    transactions: Mapping[Key, Transaction], counted: Mapping[Key, Sequence[Transfer]]
) -> dict[Address, list[tuple[datetime, Address]]]:
    """Who dealt with whom and when, sorted by time; on bitcoin everybody in a transaction deals with everybody."""
    contacts: dict[Address, set[tuple[datetime, Address]]] = defaultdict(set)
    for key, transfers in counted.items():
        at = transactions[key].at
        if family(key[0]) is Family.BITCOIN:
            ends = {end for t in transfers for end in (t.sender, t.recipient) if end}
            for end in ends:
                contacts[end].update((at, other) for other in ends - {end})
            continue
        for transfer in transfers:
            if transfer.sender and transfer.recipient and transfer.sender != transfer.recipient:
                contacts[transfer.sender].add((at, transfer.recipient))
                contacts[transfer.recipient].add((at, transfer.sender))
    return {address: sorted(seen) for address, seen in contacts.items()}
