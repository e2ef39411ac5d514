"""Plans written as a tape: every address, asset, origin and pot a number, every amount two limbs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import numpy as np

from tracer.model import Address, AssetId, Transfer
from tracer.taint.allocate import Party
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
from tracer.taint.origins import Origins
from tracer.taint.stops import Stop
from tracer.taint.transaction import Leg, Plan, Spend, Target

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MODES: dict[Stop | None, int] = {
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


def microseconds(at: datetime) -> int:
    """Since 1970, exactly."""
    return (at - EPOCH) // _MICROSECOND


class TooWide(Exception):  # noqa: N818 - no failure: the plain definition takes over
    """Amounts of an asset add up to 2**127 or more."""


class Names(Generic[T]):
    """Values numbered in the order in which they first come."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The number of a value."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.all)
            self.all.append(value)
        return number


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
        made = np.zeros(len(self.rows), self.kind)
        names = list(self.kind.names or ())
        if self.amounts:
            made[names[0]] = [amount >> 64 for amount in self.amounts]
            made[names[1]] = [amount & _LOW for amount in self.amounts]
            names = names[2:]
        for name, column in zip(names, zip(*self.rows, strict=True), strict=False):
            made[name] = column
        return made


class Writer:
    """Writes plans on a tape. Raises TooWide where the kernel's arithmetic would not do."""

    def __init__(self, keeps: Callable[[Address], bool], origins: Origins, payment: Payment) -> None:
        self.keeps = keeps
        self.known = origins
        self.payment_of = payment
        self.own: dict[str, tuple[Address, AssetId]] = {}  # origins of reported addresses: where they are
        self.addresses: Names[Address] = Names()
        self.assets: Names[AssetId] = Names()
        self.origins: Names[str] = Names()
        self.pots: Names[tuple[int, int]] = Names()
        self.plans: list[Plan] = []
        self.tx, self.payer, self.fee = _Rows(TX), _Rows(_NUMBER), _Rows(FEE)
        self.spend, self.leg, self.payment, self.receipt = _Rows(SPEND), _Rows(LEG), _Rows(REPORTED), _Rows(RECEIPT)
        self.exchange, self.exchange_target = _Rows(VIA), _Rows(TARGET)
        self.hand, self.hand_target = _Rows(VIA), _Rows(TARGET)
        self._fees: dict[str, datetime] = {}
        self._moved: dict[AssetId, int] = {}

    def write(self, plans: Iterable[Plan]) -> Tape:
        """All plans, in order."""
        for made in plans:
            self._plan(made)
        if any(amount >= LIMIT for amount in self._moved.values()):
            raise TooWide
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
        at, firsts = made.at.at, self._firsts()
        receipts = {key: self._receipt(made, *key, amount) for key, amount in made.receipts.items()}
        reported = {party: self._reported(transfer, at) for party, transfer in made.reported.items()}
        for address in made.payers:
            self.payer.add(self.addresses.number(address))
        for address, asset, amount in made.fees:
            about = self.pot(address, asset), self.addresses.number(address), self._fee_own(address, asset, at)
            self.fee.add(*about, self.assets.number(asset), amount=self._counted(asset, amount))
        swaps = self._via(made.exchanges, self.exchange, self.exchange_target, receipts)
        hands = self._via(made.hands, self.hand, self.hand_target, receipts)
        for spend in made.spends:
            self._spend(made, spend, reported)
            for leg in spend.legs if made.straight is None else ():
                self._leg(spend, leg, _Slots(receipts, reported, swaps, hands))
        always = bool(made.reported) or any(self.keeps(party.address) for party, _ in made.receipts)
        straight = made.straight is not None
        self.tx.add(microseconds(at), always, straight, made.inferred, _lines(made), *firsts)
        self.plans.append(made)

    def pot(self, address: Address, asset: AssetId) -> int:
        """The number of a pot."""
        return self.pots.number((self.addresses.number(address), self.assets.number(asset)))

    def _own(self, address: Address, asset: AssetId, at: datetime) -> int:
        origin = self.known.of(address, asset, at)
        if origin is None:
            return -1
        self.own[origin] = (address, asset)
        return self.origins.number(origin)

    def _fee_own(self, address: Address, asset: AssetId, at: datetime) -> int:
        """A fee finds an origin only where it was not covered: `settle` tells, after all is played."""
        origin = self.known.would_be(address, asset, at)
        if origin is None:
            return -1
        self.own[origin] = (address, asset)
        self._fees.setdefault(origin, at)
        return self.origins.number(origin)

    def settle(self, originated: Iterable[str]) -> None:
        """Find the origins that nothing but an uncovered fee came from."""
        for origin in originated:
            if origin in self._fees:
                self.known.of(*self.own[origin], self._fees[origin])

    def _counted(self, asset: AssetId, amount: int) -> int:
        self._moved[asset] = self._moved.get(asset, 0) + amount
        return amount if amount < LIMIT else 0  # it will not be played

    def _receipt(self, made: Plan, party: Party, asset: AssetId, amount: int) -> int:
        address = party.address
        mode = REDEEMED if party.tag.startswith("zero:") else _MODES[made.stops.get(party)]
        own = self._own(address, asset, made.at.at)
        about = self.pot(address, asset), self.addresses.number(address), self.assets.number(asset)
        return self.receipt.add(*about, mode, own, amount=self._counted(asset, amount))

    def _reported(self, transfer: Transfer, at: datetime) -> int:
        origin, most = self.payment_of(transfer)
        sender, asset = transfer.sender, transfer.asset
        if sender is None:
            return self.payment.add(self.origins.number(origin), -1, -1, -1, amount=most)
        about = self.pot(sender, asset), self.addresses.number(sender), self._own(sender, asset, at)
        return self.payment.add(self.origins.number(origin), *about, amount=most)

    def _spend(self, made: Plan, spend: Spend, reported: dict[Party, int]) -> None:
        payer, asset, at = spend.payer, spend.asset, made.at.at
        transfer = made.reported.get(payer)
        sender = transfer.sender if transfer and transfer.sender else payer.address
        amount = self._counted(asset, sum(leg.amount for leg in spend.legs))
        pot, address, own = -1, -1, -1
        if not payer.tag:
            pot, address = self.pot(payer.address, asset), self.addresses.number(payer.address)
            own = self._own(payer.address, asset, at) if payer.address in made.payers else -1
        ends = self.addresses.number(sender), self.assets.number(asset)
        self.spend.add(pot, address, own, reported.get(payer, -1), *ends, len(self.leg), amount=amount)

    def _via(
        self, groups: Mapping[Party, Sequence[Target]], heads: _Rows, rows: _Rows, receipts: dict[Any, int]
    ) -> dict[Party, int]:
        """Exchanges, or those who hand on, with what their lots become."""
        slots = {}
        for party, targets in groups.items():
            slots[party] = heads.add(self.addresses.number(party.address), len(rows))
            for target in targets:
                rows.add(receipts[(target.party, target.asset)], amount=target.amount)
        return slots

    def _leg(self, spend: Spend, leg: Leg, slots: _Slots) -> None:
        to, hand = leg.to, -1
        receipt = slots.receipts.get((to, spend.asset), -1) if to else -1
        address = self.addresses.number(to.address) if to else -1
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
        self.leg.add(kind, where, hand, address, receipt, amount=leg.amount if leg.amount < LIMIT else 0)


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
