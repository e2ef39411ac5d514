"""Who may have taken out what went into a mixer's pool: candidates with a probability, never a certainty.

Every heuristic is a row of HEURISTICS. It narrows the anonymity set of a withdrawal, which is every deposit that the
pool had before it, to candidates; each is said to be the one with probability 1/|candidates|. Sources: Wu et al.,
Tutela (2022), whose heuristics 1 to 5 these are. No precision is published for them: nobody knows the truth.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, TypeVar

from tracer.detect.tornado import POOLS, Deposit, Withdrawal
from tracer.model import Address

DAY = timedelta(hours=24)
INTERACTIONS = 3  # direct transactions that link two addresses
PORTFOLIO = 3  # notes of a portfolio at least, in more than one pool
LONDON = {"eip155:1": 12_965_000}  # EIP-1559: from this block on wallets no longer choose a gas price of their own

# Anonymity mining: points that a note of the pool earned a block (Tutela; the pools are those of Ethereum).
_POINTS = {
    "native": {"0.1": 4, "1": 20, "10": 50, "100": 400},
    "DAI": {"100": 2, "1000": 10, "10000": 40, "100000": 250},
    "CDAI": {"5000": 2, "50000": 10, "500000": 40, "5000000": 250},
    "WBTC": {"0.1": 15, "1": 120, "10": 1000},
}
POINTS_A_BLOCK: dict[Address, int] = {
    address: _POINTS[symbol][amount]
    for address, pool in POOLS.items()
    for amount, symbol, _, network in [pool.name.split()]
    if network == "ethereum" and amount in _POINTS.get(symbol, {})
}


class Claim(NamedTuple):
    """Anonymity-mining points that somebody claimed for one note of a pool."""

    pool: Address
    points: int


@dataclass(frozen=True)
class Scene:
    """What the heuristics look at. `met`: how often two addresses moved something directly, by both in either order.

    Where initiators or gas prices are not known, what needs them finds nothing.
    """

    deposits: Sequence[Deposit]
    withdrawals: Sequence[Withdrawal]
    met: Mapping[frozenset[Address], int] = field(default_factory=dict)
    claims: Collection[Claim] = ()

    @cached_property
    def pools(self) -> Mapping[Address, list[Deposit]]:
        """Deposits by pool, in order of leaf."""
        found: dict[Address, list[Deposit]] = defaultdict(list)
        for one in sorted(self.deposits, key=lambda one: (one.block, one.leaf)):
            found[one.pool].append(one)
        return found

    @cached_property
    def _blocks(self) -> Mapping[Address, list[int]]:
        return {pool: [one.block for one in deposits] for pool, deposits in self.pools.items()}

    def before(self, one: Withdrawal) -> list[Deposit]:
        """The anonymity set of a withdrawal: the deposits of its pool in earlier blocks. Which of them were taken out
        before is not known.
        """
        return self.pools.get(one.pool, [])[: self.size(one)]

    def size(self, one: Withdrawal) -> int:
        """How many that are."""
        return bisect_left(self._blocks.get(one.pool, []), one.block)


@dataclass(frozen=True, slots=True)
class Link:
    """What a heuristic says of one withdrawal: its note is one of the candidates. `before`: of how many deposits."""

    heuristic: str
    withdrawal: Withdrawal
    candidates: tuple[Deposit, ...]
    before: int
    parameters: Mapping[str, int] = field(default_factory=dict)

    @property
    def probability(self) -> Fraction:
        """Of each candidate."""
        return Fraction(1, len(self.candidates))


Found = Iterator[tuple[Withdrawal, Iterable[Deposit]]]


class Heuristic(NamedTuple):
    """A row of HEURISTICS: what it assumes in a sentence, its parameters, and how candidates are found."""

    says: str
    parameters: Mapping[str, int]
    find: Callable[[Scene], Found]


def address_match(scene: Scene) -> Found:
    """H1: the recipient made deposits of its own in the pool before."""
    for one in scene.withdrawals:
        yield one, (each for each in scene.before(one) if each.depositor == one.recipient)


def unique_gas_price(scene: Scene) -> Found:
    """H2: nobody relayed it, and the one deposit of the pool with a gas price that no other had, had its gas price."""
    for pool, deposits in scene.pools.items():
        until = LONDON.get(pool.chain, 0)
        counts = Counter(one.gas_price for one in deposits)
        unique = {one.gas_price: one for one in deposits if counts[one.gas_price] == 1 and one.block < until}
        for one in scene.withdrawals:
            alone = one.pool == pool and one.relayer is None and one.initiator == one.recipient and one.block < until
            found = unique.get(one.gas_price) if alone and one.gas_price is not None else None
            yield one, [found] if found and found.block < one.block else []


def linked_addresses(scene: Scene) -> Found:
    """H3: the depositor and the recipient dealt with each other directly, outside the mixer."""
    friends: dict[Address, set[Address]] = defaultdict(set)
    for pair, times in scene.met.items():
        if times >= INTERACTIONS and len(pair) == 2:
            first, second = pair
            friends[first].add(second)
            friends[second].add(first)
    for one in scene.withdrawals:
        known = friends.get(one.recipient, set())
        yield one, (each for each in scene.before(one) if each.depositor in known) if known else ()


def same_portfolio(scene: Scene) -> Found:
    """H4: what an address took out of several pools within a day, one depositor had put into them within a day."""
    put = list(_portfolios((one.depositor, one) for one in scene.deposits))
    for _, taken in _portfolios((one.recipient, one) for one in scene.withdrawals):
        shape = Counter(one.pool for one in taken)
        if len(shape) < 2 or len(taken) < PORTFOLIO:
            continue
        start = min(one.block for one in taken)
        matching = [
            notes
            for _, notes in put
            if Counter(one.pool for one in notes) == shape and max(one.block for one in notes) < start
        ]
        for one in taken:
            yield one, [each for notes in matching for each in notes if each.pool == one.pool]


def mined_points(scene: Scene) -> Found:
    """H5: points were claimed for a note that lay for exactly so many blocks, and only one pair lies so far apart."""
    for claim in scene.claims:
        gap, rest = divmod(claim.points, POINTS_A_BLOCK.get(claim.pool, claim.points + 1))
        if rest or not gap:
            continue
        by_block = {one.block: one for one in scene.pools.get(claim.pool, ())}
        mine = (one for one in scene.withdrawals if one.pool == claim.pool)
        pairs = [(one, by_block[one.block - gap]) for one in mine if one.block - gap in by_block]
        if len(pairs) == 1:
            yield pairs[0][0], [pairs[0][1]]


HEURISTICS: dict[str, Heuristic] = {
    "address_match": Heuristic("the recipient takes out notes that it put in itself", {}, address_match),
    "unique_gas_price": Heuristic(
        "who chose a gas price that nobody else chose, chose it again", {"before_block": 12_965_000}, unique_gas_price
    ),
    "linked_addresses": Heuristic(
        "two addresses that deal with each other belong together", {"transactions": INTERACTIONS}, linked_addresses
    ),
    "same_portfolio": Heuristic(
        "who puts notes into several pools takes the same notes out again",
        {"hours": 24, "notes": PORTFOLIO},
        same_portfolio,
    ),
    "mined_points": Heuristic("points claimed tell for how many blocks a note lay", {}, mined_points),
}


def links(scene: Scene) -> list[Link]:
    """What every heuristic says, in the order of the withdrawals; what it has no candidates for, it says nothing of."""
    found = [
        Link(name, one, candidates, scene.size(one), row.parameters)
        for name, row in HEURISTICS.items()
        for one, each in row.find(scene)
        if (candidates := tuple(dict.fromkeys(each)))
    ]
    return sorted(found, key=lambda link: (link.withdrawal.block, link.withdrawal.nullifier, link.heuristic))


@dataclass(frozen=True, slots=True)
class Together:
    """What all heuristics that speak of a withdrawal leave: the candidates that they share, or, where they contradict
    each other (`contradict`), all that any of them names: then at least one of them is wrong and none is preferred.
    """

    withdrawal: Withdrawal
    candidates: tuple[Deposit, ...]
    before: int
    heuristics: tuple[str, ...]
    contradict: bool

    @property
    def probability(self) -> Fraction:
        """Of each candidate."""
        return Fraction(1, len(self.candidates))


def together(found: Iterable[Link]) -> list[Together]:
    """One answer a withdrawal."""
    by_note: dict[tuple[Address, str], list[Link]] = defaultdict(list)
    for link in found:
        by_note[link.withdrawal.pool, link.withdrawal.nullifier].append(link)
    return [_joined(said) for said in by_note.values()]


def _joined(said: Sequence[Link]) -> Together:
    sets = [set(link.candidates) for link in said]
    shared = set.intersection(*sets)
    left = shared or set.union(*sets)
    in_order = tuple(sorted(left, key=lambda one: (one.block, one.leaf)))
    names = tuple(link.heuristic for link in said)
    return Together(said[0].withdrawal, in_order, said[0].before, names, contradict=not shared)


Note = TypeVar("Note", Deposit, Withdrawal)


def _portfolios(notes: Iterable[tuple[Address | None, Note]]) -> Iterator[tuple[Address, list[Note]]]:
    """What each address moved within a day of the first that is not in an earlier portfolio."""
    by_address: dict[Address, list[Note]] = defaultdict(list)
    for who, one in notes:
        if who is not None:
            by_address[who].append(one)
    for who, mine in by_address.items():
        mine.sort(key=lambda one: (one.at, one.block, one.tx_hash))
        group: list[Note] = []
        for one in mine:
            if group and one.at - group[0].at > DAY:
                yield who, group
                group = []
            group.append(one)
        yield who, group
