"""A mixer whose owner's secret is known: who put which note in and took which out, and how carelessly. Seeded.

It shares no code with the heuristics. People differ: some take out to where they put in from, some choose a gas price
of their own twice, some take out to a friend, some move the same set of notes in and out, some claim points; many do
nothing wrong. And there is chance: gifts to strangers who are depositors too, friends who are none, equal sets.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.makers import address
from tracer.detect.tornado import POOLS, Deposit, Withdrawal
from tracer.model import Address

FIRST = 9_500_000  # a block before London
START = datetime(2020, 4, 1, tzinfo=UTC)
SLOT = timedelta(seconds=13)
SMALL, MIDDLE, LARGE = (
    one
    for one, pool in POOLS.items()
    if pool.name in {"1 native on ethereum", "10 native on ethereum", "100 native on ethereum"}
)
USUAL = tuple(range(20_000_000_000, 60_000_000_000, 1_000_000_000))
POINTS = {SMALL: 20, MIDDLE: 50, LARGE: 400}
CHANCE = 0.03  # that what looks careless is another's


@dataclass
class Secret:
    """A finished pool. `truth`: nullifier to the deposit's transaction. `met`, `points`: what else is seen."""

    deposits: list[Deposit] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)
    met: dict[frozenset[Address], int] = field(default_factory=dict)
    points: list[tuple[Address, int]] = field(default_factory=list)


class Crowd:
    """Makes the people of one secret."""

    def __init__(self, seed: int, people: int) -> None:
        self.random, self.made, self.last = random.Random(seed), Secret(), 100
        self.people = people
        self.leaf = dict.fromkeys((SMALL, MIDDLE, LARGE), 0)
        self.notes: list[tuple[int, Address, Address, int | None]] = []  # block, pool, depositor, gas price
        self.outs: list[tuple[int, Address, Address, bool, int | None, int]] = []  # block, pool, to, relayed, gas, note

    def run(self) -> Secret:
        """All of them, then the events in the order of the chain."""
        acts = (self.careless, self.own_price, self.friend, self.portfolio, self.miner, self.careful, self.careful)
        for number in range(self.people):
            acts[number % len(acts)]()
        self._strangers()
        self._happen()
        return self.made

    # --- people -------------------------------------------------------------------------------------------------------

    def careless(self) -> None:
        """Takes one to four notes out to where they came from; now and then to somebody else who deposited, too."""
        me = self._new()
        notes = [self._put(me, SMALL) for _ in range(self.random.randint(1, 4))]
        for note in notes:
            if self.random.random() < 0.6:
                gift = self.random.random() < CHANCE and len(self.notes) > 50
                self._take(note, self._somebody() if gift else me)
            else:
                self._take(note, self._new())

    def own_price(self) -> None:
        """Types the same odd gas price twice; the second time at an address of its own that nobody knows."""
        price = 10**9 * self.random.randint(20, 60) + self.random.randint(1, 10**9 - 1)
        note, other = self._put(self._new(), MIDDLE, price), self._new()
        swapped = self.random.random() < CHANCE  # a wallet that proposes prices proposed this one to somebody else
        note = self._put(self._new(), MIDDLE) if swapped else note
        self._take(note, other, relayed=False, price=price)

    def friend(self) -> None:
        """Takes out to an address that it deals with."""
        me, other = self._new(), self._new()
        notes = [self._put(me, SMALL) for _ in range(self.random.randint(1, 3))]
        self.made.met[frozenset((me, other))] = self.random.randint(3, 9)
        for note in notes:
            self._take(note, other if self.random.random() > CHANCE else self._new())

    def portfolio(self) -> None:
        """Puts notes into two or three pools within hours, and takes the same out within hours elsewhere."""
        me, other, start = self._new(), self._new(), self._moment()
        wanted = {
            SMALL: self.random.randint(1, 12),
            MIDDLE: self.random.randint(1, 9),
            LARGE: self.random.randint(0, 4),
        }
        notes = [
            self._put(me, pool, at=start + self.random.randint(0, 3000))
            for pool, many in wanted.items()
            for _ in range(many)
        ]
        if len(notes) < 3:
            return
        out = start + 20_000 + self.random.randint(0, 400_000)
        for note in notes:
            self._take(note, other, at=out + self.random.randint(0, 3000))

    def miner(self) -> None:
        """Claims points for one note."""
        note = self._put(self._new(), LARGE)
        block = self._take(note, self._new())
        self.made.points.append((LARGE, POINTS[LARGE] * (block - self.notes[note][0])))

    def careful(self) -> None:
        """Leaves nothing to be found."""
        for _ in range(self.random.randint(1, 3)):
            self._take(self._put(self._new(), self.random.choice((SMALL, MIDDLE, LARGE))), self._new())

    def _strangers(self) -> None:
        """Depositors who deal with recipients of others' notes: friends, and no more."""
        depositors = sorted({me for _, _, me, _ in self.notes})
        recipients = sorted({to for _, _, to, _, _, _ in self.outs})
        for _ in range(int(self.people * CHANCE / 4)):
            one, two = self.random.choice(depositors), self.random.choice(recipients)
            if one != two:
                self.made.met.setdefault(frozenset((one, two)), 3)

    # --- acts ---------------------------------------------------------------------------------------------------------

    def _new(self) -> Address:
        self.last += 1
        return address(self.last)

    def _somebody(self) -> Address:
        return self.random.choice(sorted({me for _, _, me, _ in self.notes}))

    def _moment(self) -> int:
        return FIRST + self.random.randint(0, 1_500_000)

    def _put(self, me: Address, pool: Address, price: int | None = None, at: int | None = None) -> int:
        usual = self.random.choice(USUAL)
        self.notes.append((self._moment() if at is None else at, pool, me, price or usual))
        return len(self.notes) - 1

    def _take(
        self, note: int, to: Address, *, relayed: bool = True, price: int | None = None, at: int | None = None
    ) -> int:
        block = at if at is not None else self.notes[note][0] + self.random.randint(500, 600_000)
        self.outs.append((block, self.notes[note][1], to, relayed, price, note))
        return block

    def _happen(self) -> None:
        hashes: dict[int, str] = {}
        for number, (block, pool, me, price) in sorted(enumerate(self.notes), key=lambda one: one[1][0]):
            hashes[number] = f"0xd{number:063x}"
            at = START + SLOT * (block - FIRST)
            self.made.deposits.append(Deposit(pool, hashes[number], at, block, self.leaf[pool], me, price))
            self.leaf[pool] += 1
        for number, (block, pool, to, relayed, price, note) in enumerate(sorted(self.outs)):
            nullifier, at = f"0x{number:064x}", START + SLOT * (block - FIRST)
            who = (address(7), address(7)) if relayed else (None, to)
            tx = f"0xe{number:063x}"
            self.made.withdrawals.append(
                Withdrawal(pool, tx, at, block, nullifier, to, 10**16 if relayed else 0, *who, price)
            )
            self.made.truth[nullifier] = hashes[note]


def secret(seed: int, people: int = 700) -> Secret:
    """A mixer of that seed."""
    return Crowd(seed, people).run()
