"""A big, plain economy for benchmarks: exactly so many transfers, about a third of which carry taint under fifo.

People with heavy-tailed activity withdraw from labelled exchanges, pay each other, exchange at pools (5 % of
transactions, two transfers each), pay through a router together (3 per mille, four transfers), and pay exchanges. Some
pay one of five reported addresses, which pays it all on. Nobody pays what they do not have. It is emitted as columns;
`transactions` makes the model's values of them where those are wanted.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from tests.makers import ETHEREUM, START, USDT, address, label, tx_hash
from tests.worlds.stage import ETH
from tracer.model import Address, AssetId, Category, Kind, Label, OriginSpec, Transaction, Transfer, transfer_id

ASSETS: tuple[AssetId, AssetId] = (ETH, USDT)
STEP = 400  # seconds between two transactions: nobody but the reported meets a hundred others in a week
FIRST = int(START.timestamp())
EXCHANGES, POOLS, ROUTER, REPORTED = range(1, 6), range(6, 10), 10, range(11, 16)  # addresses; pools 6 and 7 are named
PEOPLE = 20  # the first address of a person
CHUNK = 1 << 18
MOST = (10**20, 25 * 10**10)  # the largest payment, in base units: a hundred ETH, 250,000 USDT
SOME = (3 * 10**18, 9 * 10**9)  # what somebody withdraws, about
PRICE = (3_000 * 10**6, 10**18)  # so many base units of USDT for so many wei


@dataclass(frozen=True)
class Economy:
    """Columns of one row a transfer, oldest first. An amount is `high` * 2**64 + `low`; addresses are numbers."""

    sender: NDArray[np.int64]
    recipient: NDArray[np.int64]
    asset: NDArray[np.int8]  # 0 ETH, 1 USDT: its place in ASSETS
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    tx: NDArray[np.int64]  # ordinal of the transaction; transaction n is `tx_hash(n)` of tests.makers
    time: NDArray[np.int64]  # seconds since 1970

    @property
    def addresses(self) -> int:
        """Every address is `address(n)` of tests.makers, n below this."""
        return int(max(self.sender.max(), self.recipient.max())) + 1

    def labels(self) -> list[Label]:
        """Who is known."""
        exchanges = [label(address(n), entity=f"Exchange {n}") for n in EXCHANGES]
        return exchanges + [label(address(n), entity=f"Pool {n}", category=Category.DEX) for n in POOLS[:2]]

    def origins(self) -> list[OriginSpec]:
        """What is reported."""
        return [OriginSpec(address(n)) for n in REPORTED]

    def transactions(self) -> Iterator[Transaction]:
        """The same as the model's values."""
        known: dict[int, Address] = {}
        moves: list[Transfer] = []
        amounts = ((high << 64) | low for high, low in zip(self.high.tolist(), self.low.tolist(), strict=True))
        columns = (self.tx.tolist(), self.sender.tolist(), self.recipient.tolist(), self.asset.tolist())
        last = -1
        for number, sender, recipient, what, amount in zip(*columns, amounts, strict=True):
            if number != last and moves:
                yield _transaction(last, moves)
                moves = []
            last = number
            payer, payee = (known.get(n) or known.setdefault(n, address(n)) for n in (sender, recipient))
            kind = Kind.TOKEN if what else Kind.INTERNAL if moves else Kind.NATIVE
            n = sum((one.sender, one.recipient, one.amount) == (payer, payee, amount) for one in moves)
            key = transfer_id(ETHEREUM, tx_hash(number), kind, ASSETS[what], payer, payee, amount, n)
            moves.append(Transfer(key, kind, ASSETS[what], amount, payer, payee))
        yield _transaction(last, moves)


def _transaction(number: int, moves: list[Transfer]) -> Transaction:
    at = START + timedelta(seconds=number * STEP)
    ordered = tuple(sorted(moves, key=lambda one: one.id))
    return Transaction(
        ETHEREUM, tx_hash(number), at, number, 0, initiator=moves[0].sender, whole=True, transfers=ordered
    )


def economy(transfers: int, seed: int = 1) -> Economy:
    """Exactly so many transfers, the same for a seed every time; a million take a few seconds."""
    made = _Making(transfers, seed)
    while made.left:
        made.some()
    ints = [np.frombuffer(column, dtype=np.int64) for column in (made.sender, made.recipient, made.tx)]
    high, low = (np.frombuffer(column, dtype=np.uint64) for column in (made.high, made.low))
    time = ints[2] * STEP + FIRST
    return Economy(ints[0], ints[1], np.frombuffer(made.asset, dtype=np.int8), high, low, ints[2], time)


class _Making:
    def __init__(self, transfers: int, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.left = transfers
        self.people = max(200, transfers // 25)
        self.held = ([0] * (self.people + PEOPLE), [0] * (self.people + PEOPLE))
        self.sender, self.recipient, self.tx = array("q"), array("q"), array("q")
        self.asset, self.high, self.low = array("b"), array("Q"), array("Q")
        self.number = 0

    def some(self) -> None:
        """Draw the chances of many transactions at once, and let them happen."""
        n = min(CHUNK, self.left)
        people = [(PEOPLE + self.people * self.chance.random(n) ** 2).astype(np.int64).tolist() for _ in range(4)]
        assets, shares = (self.chance.random(n) < 0.6).tolist(), self.chance.beta(1.5, 2.5, n).tolist()
        doing, fifth = self.chance.random(n).tolist(), self.chance.integers(0, 5, n).tolist()
        sizes = self.chance.lognormal(0, 1, n).tolist()
        for draw in zip(*people, map(int, assets), shares, doing, fifth, sizes, strict=True):
            if not self.left:
                return
            self._happen(*draw)
            self.number += 1

    def _happen(  # noqa: PLR0917 - one draw of everything
        self, who: int, to: int, third: int, fourth: int, what: int, share: float, doing: float, fifth: int, size: float
    ) -> None:
        scam = REPORTED[fifth]
        have = self.held[what][who]
        amount = min(have * int(share * 1024) >> 10, MOST[what])
        if doing < SCAMMED and self.held[what][scam]:
            self._move(scam, to, what, min(self.held[what][scam], MOST[what]))
        elif amount * 50 < SOME[what]:
            self._move(EXCHANGES[fifth], who, what, min(int(SOME[what] * size) + 1, MOST[what]))
        elif doing < 2 * SCAMMED:
            self._move(who, scam, what, amount)
        elif doing < 2 * SCAMMED + 0.07 and self.left > 1:
            self._swap(who, POOLS[fifth % 4], what, amount)
        elif doing < 2 * SCAMMED + 0.075 and self.left > 3:
            self._bundle((who, to), (third, fourth), what, amount)
        else:
            self._move(who, EXCHANGES[fifth] if doing > PAID or to == who else to, what, amount)

    def _swap(self, who: int, pool: int, what: int, amount: int) -> None:
        got = amount * PRICE[1 - what] // PRICE[what] if what else amount * PRICE[0] // PRICE[1]
        if not got or (pool not in POOLS[:2] and self.held[1 - what][pool] < got):
            pool = POOLS[0]
        self._move(who, pool, what, amount)
        self._move(pool, who, 1 - what, max(1, got))

    def _bundle(self, payers: tuple[int, int], payees: tuple[int, int], what: int, amount: int) -> None:
        other = self.held[what][payers[1]] >> 2
        if not other or len({*payers, *payees}) < 4:
            self._move(payers[0], EXCHANGES[0], what, amount)
            return
        for who, part in zip(payers, (amount, other), strict=True):
            self._move(who, ROUTER, what, part)
        for who, part in zip(payees, (amount, other), strict=True):
            self._move(ROUTER, who, what, part)

    def _move(self, sender: int, recipient: int, what: int, amount: int) -> None:
        held = self.held[what]
        held[sender] -= amount
        held[recipient] += amount
        self.sender.append(sender)
        self.recipient.append(recipient)
        self.asset.append(what)
        self.high.append(amount >> 64)
        self.low.append(amount & (2**64 - 1))
        self.tx.append(self.number)
        self.left -= 1


SCAMMED = 0.1  # of what happens: somebody pays a reported address, and one pays on; measured to taint a third
PAID = 0.9  # what is drawn above goes to an exchange
