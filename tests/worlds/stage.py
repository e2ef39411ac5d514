"""The stage: a clock, everybody's balances, and what happens, transaction after transaction.

Nobody pays what they do not have: all money comes from the zero address, to exchanges and pools, in the first block.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count

from tests.makers import ETHEREUM, START, USDT
from tracer.chains import parse_address, zero_address
from tracer.model import NATIVE, Address, AssetId, Kind, Transaction, Transfer, transfer_id

ETH = AssetId(ETHEREUM, NATIVE)
USDC = AssetId(ETHEREUM, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
ASSETS = {USDT: ("USDT", 6), USDC: ("USDC", 6), ETH: ("ETH", 18)}
DOLLAR = {USDT: 10**6, USDC: 10**6, ETH: 10**18 // 3000}  # base units
FIRST_BLOCK, BLOCK_SECONDS = 18_900_000, 12
GAS_KEPT, GAS_LOW = 5 * 10**16, 6 * 10**15  # wei an address keeps back, and below which it is topped up

Move = tuple[Address, Address, AssetId, int]
Place = tuple[Address, AssetId]


def parse(text: str) -> Address:
    """An address in the one form it has."""
    return parse_address(ETHEREUM, text)


def zero() -> Address:
    """Where money comes from."""
    found = zero_address(ETHEREUM)
    assert found
    return found


@dataclass
class Stage:
    """What was played so far. `known_order`: transactions know their place in their block; `fees`: initiators pay."""

    chance: random.Random
    known_order: bool = True
    fees: bool = True
    now: int = 0  # seconds since START
    balances: Counter[Place] = field(default_factory=Counter)
    kept: Counter[Place] = field(default_factory=Counter)  # set aside: its owner's other doings leave it alone
    transactions: list[Transaction] = field(default_factory=list)
    dust: set[str] = field(default_factory=set)
    fuel: dict[Address, Address] = field(default_factory=dict)  # who tops up whose gas
    labelled: set[Address] = field(default_factory=set)
    _due: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _number: count[int] = field(default_factory=count)
    _in_block: Counter[int] = field(default_factory=Counter)

    def address(self) -> Address:
        """A new address."""
        return parse(f"0x{self.chance.getrandbits(160):040x}")

    def like(self, model: Address) -> Address:
        """A new address that the eye takes for another."""
        return parse(f"{model.text[:6]}{self.chance.getrandbits(112):028x}{model.text[-8:]}".lower())

    def hours(self, low: float, high: float) -> float:
        """A wait, short ones likelier."""
        return low * math.exp(math.log(high / low) * self.chance.random())

    def later(self, hours: float, act: Callable[[], None]) -> None:
        """Do something after so many hours."""
        heappush(self._due, (self.now + max(1, int(hours * 3600)), next(self._number), act))

    def run(self) -> None:
        """Let everything happen in its time."""
        while self._due:
            self.now, _, act = heappop(self._due)
            act()

    def free(self, address: Address, asset: AssetId) -> int:
        """What an address can pay of an asset, beside what is set aside and its gas."""
        gas = GAS_KEPT if asset == ETH and self.fees else 0
        return max(0, self.balances[(address, asset)] - self.kept[(address, asset)] - gas)

    def do(self, initiator: Address, *moves: Move, dust: bool = False, free: bool = False) -> str:
        """One transaction, now. -> its hash. `free`: nobody pays a fee; `dust`: it moves nothing that counts."""
        pays = self.fees and not free and initiator.text != zero().text
        if pays:
            self._fill_up(initiator)
        tx_hash = f"0x{self.chance.getrandbits(256):064x}"
        made = [self._fee(tx_hash, initiator)] if pays else []
        made += self._moved(tx_hash, initiator, moves)
        if dust:
            self.dust |= {one.id for one in made if one.kind is not Kind.FEE}
        self._settle(made)
        block = self.now // BLOCK_SECONDS
        self.transactions.append(
            Transaction(
                *(ETHEREUM, tx_hash, START + timedelta(seconds=block * BLOCK_SECONDS), FIRST_BLOCK + block),
                tx_index=self._in_block[block] if self.known_order else None,
                initiator=initiator,
                whole=True,
                transfers=tuple(sorted(made, key=lambda one: one.id)),
            )
        )
        self._in_block[block] += 1
        return tx_hash

    def _fill_up(self, initiator: Address) -> None:
        if initiator not in self.labelled and self.balances[(initiator, ETH)] - self.kept[(initiator, ETH)] < GAS_LOW:
            payer = self.fuel[initiator]
            if payer not in self.labelled and self.balances[(payer, ETH)] < 10**17:  # somebody's purse for gas
                self.do(self.fuel[payer], (self.fuel[payer], payer, ETH, self.chance.randrange(10**18, 4 * 10**18)))
            self.do(payer, (payer, initiator, ETH, self.chance.randrange(10**16, 3 * 10**16)))

    def _fee(self, tx_hash: str, initiator: Address) -> Transfer:
        amount = self.chance.randrange(5 * 10**14, 4 * 10**15)
        key = transfer_id(ETHEREUM, tx_hash, Kind.FEE, ETH, initiator, None, amount, 0)
        return Transfer(key, Kind.FEE, ETH, amount, initiator, None)

    def _moved(self, tx_hash: str, initiator: Address, moves: Iterable[Move]) -> list[Transfer]:
        made: list[Transfer] = []
        seen: Counter[Move] = Counter()
        for move in moves:
            sender, recipient, asset, amount = move
            kind = Kind.TOKEN if asset != ETH else Kind.NATIVE if sender == initiator else Kind.INTERNAL
            key = transfer_id(ETHEREUM, tx_hash, kind, asset, sender, recipient, amount, seen[move])
            made.append(Transfer(key, kind, asset, amount, sender, recipient, index=len(made)))
            seen[move] += 1
        return made

    def _settle(self, made: Iterable[Transfer]) -> None:
        touched = set()
        for one in made:
            if one.id in self.dust or one.sender is None:
                continue
            self.balances[(one.sender, one.asset)] -= one.amount
            touched.add((one.sender, one.asset))
            if one.recipient is not None:
                self.balances[(one.recipient, one.asset)] += one.amount
        for place in touched:
            assert self.balances[place] >= 0 or place[0].text == zero().text, f"{place} pays what it does not have"
