"""Plans written as a tape: every address, asset, origin and pot a number, every amount two limbs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from tracer.model import Address, AssetId, Transfer
from tracer.taint.allocate import Party
from tracer.taint.kernel.history import TooWide
from tracer.taint.kernel.state import (
    ARRIVAL,
    BRIDGE,
    FEE,
    HAND,
    INBOX,
    LEG,
    MIXER,
    NOWHERE,
    POT,
    RECEIPT,
    REDEEMED,
    REPORT,
    REPORTED,
    SPEND,
    STAND,
    SWAP,
    TARGET,
    TX,
    VENUE,
    VIA,
    Array,
    Tape,
    record,
)
from tracer.taint.kernel.wide import LIMIT
from tracer.taint.stops import Stop
from tracer.taint.transaction import Leg, Plan, Spend, Target

MODES: dict[Stop | None, int] = {
    Stop.ARRIVAL: ARRIVAL,
    Stop.MIXER: MIXER,
    Stop.BRIDGE: BRIDGE,
    Stop.VENUE: VENUE,
    None: POT,
}
_LOW = (1 << 64) - 1
_NUMBER = record("number")

T = TypeVar("T", bound=Hashable)
Payment = Callable[[Transfer], tuple[str, int]]


class Names(Generic[T]):
    """Values numbered in the order in which they first come."""

    def __init__(self, known: Iterable[T] = ()) -> None:
        self.all: list[T] = [*known]
        self._numbers: dict[T, int] = {value: number for number, value in enumerate(self.all)}

    def number(self, value: T) -> int:
        """The number of a value."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.all)
            self.all.append(value)
        return number

    def known(self, value: T) -> int | None:
        """The number of a value, if it has one."""
        return self._numbers.get(value)

    def among(self, some: Iterable[T]) -> Array:
        """Which of the values, by number, are among these."""
        made = np.zeros(len(self.all), np.bool_)
        made[[number for number in map(self._numbers.get, some) if number is not None]] = True
        return made


@dataclass(slots=True)
class _Rows:
    """The rows of one table; `amount` is the first field, if it has one."""

    kind: np.dtype[Any]
    rows: list[tuple[int, ...]] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)

    def add(self, *row: int, amount: int | None = None) -> int:
        self.rows.append(row)
        if amount is not None:
            self.amounts.append(amount)
        return len(self.rows) - 1

    def __len__(self) -> int:
        return len(self.rows)

    def table(self) -> Array:
        if any(amount >= LIMIT for amount in self.amounts):
            raise TooWide
        made = np.zeros(len(self.rows), self.kind)
        names = list(self.kind.names or ())
        if self.amounts:
            made[names[0]] = [amount >> 64 for amount in self.amounts]
            made[names[1]] = [amount & _LOW for amount in self.amounts]
            names = names[2:]
        for name, column in zip(names, zip(*self.rows, strict=True), strict=False):
            made[name] = column
        return made


class Numbered:
    """Addresses, assets and origins by number."""

    def __init__(self, addresses: Iterable[Address] = (), assets: Iterable[AssetId] = ()) -> None:
        self.addresses, self.assets, self.origins = Names(addresses), Names(assets), Names[str]()
        self.address, self.asset = self.addresses.number, self.assets.number


class Writer:
    """Writes plans on a tape. What depends on more than a plan, pots and whose clean money is, planner.py fills in."""

    def __init__(self, payment: Payment, names: Numbered | None = None) -> None:
        self.payment_of = payment
        self.names = names or Numbered()
        self.vias: list[tuple[int, int]] = []  # by plan: its first exchange, its first that hands on
        self.tx, self.payer, self.fee = _Rows(TX), _Rows(_NUMBER), _Rows(FEE)
        self.spend, self.leg, self.payment, self.receipt = _Rows(SPEND), _Rows(LEG), _Rows(REPORTED), _Rows(RECEIPT)
        self.exchange, self.exchange_target = _Rows(VIA), _Rows(TARGET)
        self.hand, self.hand_target = _Rows(VIA), _Rows(TARGET)

    def write(self, plans: Iterable[Plan]) -> Tape:
        """All plans, in order. Raises TooWide for an amount beyond the kernel's arithmetic."""
        for made in plans:
            self._plan(made)
        self.vias.append((len(self.exchange), len(self.hand)))
        self.tx.add(0, 0, 0, 0, 0, *self._firsts())
        self.spend.add(0, 0, 0, 0, 0, 0, len(self.leg), amount=0)
        self.exchange.add(0, len(self.exchange_target))
        self.hand.add(0, len(self.hand_target))
        return Tape(
            *(self.tx.table(), self.payer.table()["number"].copy(), self.fee.table(), self.spend.table()),
            *(self.leg.table(), self.payment.table(), self.exchange.table(), self.exchange_target.table()),
            *(self.hand.table(), self.hand_target.table(), self.receipt.table()),
        )

    def _firsts(self) -> tuple[int, ...]:
        return tuple(map(len, (self.payer, self.fee, self.spend, self.payment, self.receipt)))

    def _plan(self, made: Plan) -> None:
        self.vias.append((len(self.exchange), len(self.hand)))
        firsts = self._firsts()
        receipts = {key: self._receipt(made, *key, amount) for key, amount in made.receipts.items()}
        reported = {party: self._reported(transfer) for party, transfer in made.reported.items()}
        for address in made.payers:
            self.payer.add(self.names.address(address))
        for address, asset, amount in made.fees:
            self.fee.add(-1, self.names.address(address), -1, self.names.asset(asset), amount=amount)
        swaps = self._via(made.exchanges, self.exchange, self.exchange_target, receipts)
        hands = self._via(made.hands, self.hand, self.hand_target, receipts)
        for spend in made.spends:
            self._spend(made, spend, reported)
            for leg in spend.legs if made.straight is None else ():
                self._leg(spend, leg, _Slots(receipts, reported, swaps, hands))
        self.tx.add(0, bool(made.reported), made.straight is not None, made.inferred, _lines(made), *firsts)

    def _receipt(self, made: Plan, party: Party, asset: AssetId, amount: int) -> int:
        mode = REDEEMED if party.tag.startswith("zero:") else MODES[made.stops.get(party)]
        about = self.names.address(party.address), self.names.asset(asset)
        return self.receipt.add(-1, *about, mode, -1, amount=amount)

    def _reported(self, transfer: Transfer) -> int:
        origin, most = self.payment_of(transfer)
        sender = -1 if transfer.sender is None else self.names.address(transfer.sender)
        about = self.names.origins.number(origin), -1, sender, -1, self.names.asset(transfer.asset)
        return self.payment.add(*about, amount=most)

    def _spend(self, made: Plan, spend: Spend, reported: dict[Party, int]) -> None:
        payer = spend.payer
        transfer = made.reported.get(payer)
        sender = transfer.sender if transfer and transfer.sender else payer.address
        address = -1 if payer.tag else self.names.address(payer.address)
        ends = self.names.address(sender), self.names.asset(spend.asset)
        amount = sum(leg.amount for leg in spend.legs)
        self.spend.add(-1, address, -1, reported.get(payer, -1), *ends, len(self.leg), amount=amount)

    def _via(
        self, groups: Mapping[Party, Sequence[Target]], heads: _Rows, rows: _Rows, receipts: dict[Any, int]
    ) -> dict[Party, int]:
        """Exchanges, or those who hand on, with what their lots become."""
        slots = {}
        for party, targets in groups.items():
            slots[party] = heads.add(self.names.address(party.address), len(rows))
            for target in targets:
                rows.add(receipts[(target.party, target.asset)], amount=target.amount)
        return slots

    def _leg(self, spend: Spend, leg: Leg, slots: _Slots) -> None:
        to, hand = leg.to, -1
        receipt = slots.receipts.get((to, spend.asset), -1) if to else -1
        address = self.names.address(to.address) if to else -1
        if to is None:
            kind, where = SWAP, slots.swaps[spend.payer]
        elif to in slots.reported:
            kind, where = REPORT, slots.reported[to]
        else:
            hand = slots.hands.get(to, -1)
            if leg.unresolved:
                kind, where = STAND, -1
            elif hand >= 0:
                kind, where = HAND, hand
            else:
                kind, where = (INBOX, receipt) if receipt >= 0 else (NOWHERE, -1)
        self.leg.add(kind, where, hand, address, receipt, amount=leg.amount)


def _lines(made: Plan) -> int:
    """The most parcels, legs or payments that a transaction makes."""
    legs = sum(len(spend.legs) for spend in made.spends)
    return (
        1
        + legs
        + len(made.reported)
        + sum(map(len, made.exchanges.values()))
        + legs * sum(map(len, made.hands.values()))
    )


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where the parties of a transaction have their rows."""

    receipts: dict[Any, int]
    reported: dict[Party, int]
    swaps: dict[Party, int]
    hands: dict[Party, int]
