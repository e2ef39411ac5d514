"""One pass over all plans of a flow, in order: the World of its books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from tracer.model import Address, AssetId, Gap, Limits, Transaction, Transfer
from tracer.taint import utxo
from tracer.taint.books import Book, World, unseen
from tracer.taint.crossings import Crossed, Open
from tracer.taint.entries import EndKind, PotKey
from tracer.taint.hubs import Contacts, Hub, Key, contacts, counterparties
from tracer.taint.methods import METHODS
from tracer.taint.origins import Origins
from tracer.taint.reach import Reach
from tracer.taint.stops import Labels
from tracer.taint.transaction import Plan
from tracer.taint.turn import play
from tracer.taint.utxo import Coins

Made = Plan | Coins


@dataclass(frozen=True, slots=True)
class Known:
    """What a fold has to know of its flow. `counted`: the transfers that move value; `reported`: never hubs, as the
    recipients of reported payments are. `crossed`: what bridges make of it; what stands for them counts as read.
    """

    labels: Labels
    limits: Limits
    transactions: Mapping[Key, Transaction]
    counted: Mapping[Key, Sequence[Transfer]]
    read: AbstractSet[Address]
    reported: frozenset[Address]
    coinjoins: Collection[Key]
    crossed: Crossed = field(default_factory=Crossed)


class Fold:
    """One pass over the set; the World of its books."""

    def __init__(
        self, known: Known, origins: Origins, plans: Sequence[Made], book: Callable[[str, World], Book]
    ) -> None:
        self.known = known
        self.origins = origins
        self.origin_of = origins.of
        self.reports = origins.addresses.__contains__
        readable = known.read | origins.addresses | known.crossed.passages
        self.kept = reachable(plans, readable, origins.addresses) & readable
        self.plans = [made for made in plans if self._matters(made)]
        self.books = {method: book(method, self) for method in METHODS}
        self.reach = Reach(origins)
        self.hops: dict[Address, int] = dict.fromkeys(origins.addresses, 0)
        self.touched: dict[Address, datetime] = {}
        self.hubs: dict[Address, Hub] = {}
        self.gaps: dict[tuple[Key, PotKey], Gap] = {}
        self.unresolved: list[Key] = []
        self.played: list[tuple[Made, Mapping[Address, bool]]] = []  # and who might spend
        self._contacts: Contacts | None = None
        self._judged: set[Address] = set()

    def _matters(self, made: Made) -> bool:
        """Can taint come here, or does clean money move that lies beside it later?"""
        return bool(made.reported) or any(end in self.kept for side in sides(made) for end in side)

    def run(self) -> None:
        """Play all plans, and find the hubs among those that never had to spend."""
        for made in self.plans:
            self._play(made)
        for address in sorted(self.touched):
            if self.keeps(address):
                self._is_hub(address)

    def _play(self, made: Made) -> None:
        spends = {address: self._spends(address) for address in sides(made)[0]}
        if not (any(spends.values()) or made.reported or any(map(self.keeps, sides(made)[1]))):
            return
        before = {method: len(book.ends) for method, book in self.books.items()}
        for book in self.books.values():
            if isinstance(made, Coins):
                utxo.play(book, made, spends)
            else:
                play(book, made, spends)
        self.reach.spread(made, spends)
        self.played.append((made, spends))
        new = [end.kind for method, book in self.books.items() for end in book.ends[before[method] :]]
        if EndKind.UNRESOLVED in new:
            self.unresolved.append((made.at.chain, made.at.tx_hash))

    def _spends(self, address: Address) -> bool:
        """A pot spends only at an address that was read (a reported one counts as read) and is no hub."""
        return self.keeps(address) and not self._is_hub(address)

    def keeps(self, address: Address) -> bool:
        """True if what lies at an address matters: it was read or reported, and taint can have come."""
        return address in self.kept

    def _is_hub(self, address: Address) -> bool:
        since = self.touched.get(address)
        if since is None or address in self.known.reported:
            return False
        if address not in self._judged:
            self._judged.add(address)
            limits = self.known.limits
            count = counterparties(self._all_contacts().get(address, ()), since, limits.hub_window)
            if count > limits.hub_counterparties and self.known.labels.at(address, since) is None:
                self.hubs[address] = Hub(count, since)
        return address in self.hubs

    def _all_contacts(self) -> Contacts:
        if self._contacts is None:
            known, limit = self.known, self.known.limits.hub_counterparties
            followed = {key: moved for key, moved in known.counted.items() if key not in known.coinjoins}
            self._contacts = contacts(known.transactions, followed, limit)
        return self._contacts

    @property
    def passages(self) -> frozenset[Address]:
        """What stands for the hands of bridges that were crossed."""
        return self.known.crossed.passages

    def unfollowed(self) -> Iterator[Open]:
        """Payments into a bridge by those that taint came to, or that were reported, which are not followed."""
        tainted = self.touched.keys() | self.origins.addresses
        return (one for one in self.known.crossed.open if one.out.sender in tainted)

    def payment(self, transfer: Transfer) -> tuple[str, int]:
        """The origin of a reported payment and the most it originates."""
        origin, most = self.origins.payments[transfer.id]
        return origin.id, most

    def hop(self, sender: Address, recipient: Address) -> None:
        """Taint took a step from one address to another."""
        if sender != recipient:
            hops, known = self.hops.get(sender, 0) + 1, self.hops.get(recipient)
            if known is None or hops < known:
                self.hops[recipient] = hops

    def enter(self, address: Address, at: datetime) -> None:
        """Taint came into a pot of this address."""
        if address not in self.touched:
            self.touched[address] = at
            self.hops.setdefault(address, 1)  # a reported payment came straight from outside

    def unseen(self, transaction: Transaction, pot: PotKey, amount: int) -> None:
        """A pot paid more than was seen coming in."""
        key = ((transaction.chain, transaction.tx_hash), pot)
        if key not in self.gaps:
            self.gaps[key] = unseen(transaction, pot, amount)

    def unordered(self) -> Iterator[Gap]:
        """Where the order of transactions in one block is not known and money of a tainted pot moved in several."""
        held = self.touched.keys() & self.kept
        return unordered(self.known.transactions, self.known.counted, held)


def unordered(
    transactions: Mapping[Key, Transaction], counted: Mapping[Key, Sequence[Transfer]], held: Container[Address]
) -> Iterator[Gap]:
    """Where the order of transactions in one block is not known and money moved in several that lies at one of `held`:
    where taint came and may have been paid on.
    """
    blocks: dict[tuple[str, datetime, int | None], list[Key]] = defaultdict(list)
    for key, one in transactions.items():
        if one.tx_index is None and counted[key]:
            blocks[(one.chain, one.at, one.block)].append(key)
    for (_, at, block), keys in sorted(blocks.items(), key=lambda item: str(item[0])):
        if len(keys) > 1:
            yield from _mixed_up(at, block, {key: counted[key] for key in keys}, held)


def _mixed_up(
    at: datetime, block: int | None, counted: Mapping[Key, Sequence[Transfer]], held: Container[Address]
) -> Iterator[Gap]:
    moved: dict[tuple[Address, AssetId], set[Key]] = defaultdict(set)
    paid: set[tuple[Address, AssetId]] = set()
    for key, transfers in counted.items():
        for transfer in transfers:
            paid |= {(transfer.sender, transfer.asset)} if transfer.sender else set()
            for end in (transfer.sender, transfer.recipient):
                if end is not None and end in held:
                    moved[(end, transfer.asset)].add(key)
    for (address, asset), where in sorted(moved.items()):
        if len(where) > 1 and (address, asset) in paid:
            text = f"{len(where)} transactions of block {block} in unknown order, taken by their hashes"
            yield Gap("order_unknown", text, address, None, asset, None, at)


def sides(made: Made) -> tuple[Sequence[Address], Sequence[Address]]:
    """Whose pots pay in a transaction, and who receives."""
    if isinstance(made, Coins):
        payers = [paid.sender for paid in made.inputs if paid.sender]
        return payers, [output.recipient for output in made.outputs if output.recipient]
    return made.payers, [party.address for party, _ in made.receipts]


def reachable(plans: Iterable[Made], readable: Collection[Address], start: Collection[Address]) -> set[Address]:
    """Where taint can have come at all: in time order, from who may spend to all that received in the transaction.

    What moves between others changes no tainted amount, whatever the method, and is left out of the books.
    """
    reached = set(start)
    for made in plans:
        payers, receivers = sides(made)
        if made.reported or any(payer in reached and payer in readable for payer in payers):
            reached.update(receivers)
    return reached
