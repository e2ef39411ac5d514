"""The books of one method: pots and their lots, what came to an end where, and the steps that carried it.

A book plays plans in order. Whatever it does, for every origin, in the origin's own asset and to the unit:
originated = held + fees + arrivals + mixers + bridges + redeemed + unresolved + rounding.
And for every pot, in its own asset: what came by origin + clean + unseen = held + out + fees + what ended there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Protocol

from tracer.model import Address, AssetId, Gap, Transaction, Transfer
from tracer.taint.entries import ACCOUNT_OF, ACCOUNTS, LEAVES, End, EndKind, Loss, Part, PotKey, Step
from tracer.taint.methods import CLEAN, METHODS, NO_STEP, Lot, Method, total, worth


@dataclass(slots=True)
class Pot:
    """The lots of a pot, what they add up to, and what went through: what came in clean or unseen, what was paid out.

    An address that was not read only holds: what comes in clean there is not kept.
    """

    lots: list[Lot] = field(default_factory=list)
    held: int = 0
    clean: int = 0
    unseen: int = 0
    out: int = 0
    fees: int = 0
    only_holds: bool = field(default=False, compare=False)
    reported: bool = field(default=False, compare=False)  # its address is: what has no history there is dirty


class World(Protocol):
    """What a book asks of the flow it belongs to."""

    def origin_of(self, address: Address, asset: AssetId, at: datetime) -> str | None:
        """The origin that clean money entering this pot takes, if it is a reported one."""

    def payment(self, transfer: Transfer) -> tuple[str, int]:
        """The origin of a reported payment and the most it originates."""

    def hop(self, sender: Address, recipient: Address) -> None:
        """Taint took a step from one address to another."""

    def enter(self, address: Address, at: datetime) -> None:
        """Taint came into a pot of this address."""

    def unseen(self, transaction: Transaction, pot: PotKey, amount: int) -> None:
        """A pot paid more than was seen coming in."""

    def keeps(self, address: Address) -> bool:
        """True if the clean money of this address matters: it was read or reported."""

    def reports(self, address: Address) -> bool:
        """True if this address itself was reported."""


@dataclass(slots=True)
class Book:
    """One method's pots, ends and steps."""

    method: str
    world: World
    pots: dict[PotKey, Pot] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    parts: dict[int, tuple[Part, ...]] = field(default_factory=dict)  # a lot each, in order, where there are several
    ends: list[End] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    originated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    own: dict[tuple[Address, AssetId, str], int] = field(
        default_factory=lambda: defaultdict(int)
    )  # where it originated
    _row: Method = field(init=False, repr=False)  # of METHODS

    def __post_init__(self) -> None:
        self._row = METHODS[self.method]

    # pots

    def _opened(self, key: PotKey) -> Pot:
        """A new pot."""
        pot = self.pots[key] = Pot(only_holds=not self.world.keeps(key[0]), reported=self.world.reports(key[0]))
        return pot

    def take(self, transaction: Transaction, key: PotKey, amount: int, fee: bool = False) -> list[Lot]:
        """Spend from a pot by the method; what was never seen coming in is made now."""
        pot = self.pots.get(key) or self._opened(key)
        missing = amount - pot.held
        if missing > 0:
            self.world.unseen(transaction, key, missing)
            made = self._originated(transaction, key, missing) if pot.reported else Lot(missing)
            if made.origin is CLEAN:
                pot.unseen += missing
            taken, pot.lots, pot.held = [*pot.lots, made], [], 0
        else:
            taken, _ = self._row.spend(pot.lots, amount)  # the pot's own list is what is kept
            pot.held -= amount
        if fee:
            pot.fees += amount
        else:
            pot.out += amount
        return taken

    def receive(self, transaction: Transaction, key: PotKey, amount: int, lots: Sequence[Lot]) -> None:
        """Let an amount into a pot: `lots`, the tainted part of it, then the rest, which has no history."""
        if lots:
            amount -= total(lots)
            self.put(key, lots, transaction.at)
        if amount > 0:
            self.put_clean(transaction, key, amount)

    def put(self, key: PotKey, lots: Sequence[Lot], at: datetime) -> None:
        """Let tainted lots into a pot, in order."""
        pot = self.pots.get(key) or self._opened(key)
        pot.held += total(lots)
        self._row.enter(pot.lots, lots)
        self.world.enter(key[0], at)

    def put_clean(self, transaction: Transaction, key: PotKey, amount: int) -> Lot | None:
        """Let money without history into a pot: at a reported address it is the origin's, else clean; -> the lot.

        An address that was not read only holds what is tainted, so clean money need not be kept there: no lot.
        """
        if amount <= 0:
            return None
        pot = self.pots.get(key)
        if pot is None:
            if not self.world.keeps(key[0]):
                return None
            pot = self._opened(key)
        elif pot.only_holds:
            return None
        lot = self._originated(transaction, key, amount) if pot.reported else Lot(amount)
        self._row.enter(pot.lots, (lot,))
        pot.held += amount
        if lot.origin is CLEAN:
            pot.clean += amount
        else:
            self.world.enter(key[0], transaction.at)
        return lot

    def _originated(self, transaction: Transaction, key: PotKey, amount: int) -> Lot:
        """A lot without history at a reported address: its origin's, if the report means it, else clean."""
        address, asset, _ = key
        origin = self.world.origin_of(address, asset, transaction.at)
        if origin is None:
            return Lot(amount)
        self.originated[origin] += amount
        self.own[(address, asset, origin)] += amount
        return Lot(amount, origin, amount)

    def report(self, transfer: Transfer, lots: Sequence[Lot]) -> list[Lot]:
        """Make a reported payment's clean lots its origin's, up to what was reported; others keep theirs."""
        origin, most = self.world.payment(transfer)
        made: list[Lot] = []
        for lot in lots:
            if lot.origin is not CLEAN or most == 0:
                made.append(lot)
                continue
            part = min(lot.amount, most)
            most -= part
            self.originated[origin] += part
            made.append(Lot(part, origin, part))
            if lot.amount > part:
                made.append(Lot(lot.amount - part))
        return made

    # sums

    @property
    def fees(self) -> dict[str, int]:
        """What of each origin was paid as fees, in its own asset."""
        return self._lost("fees")

    @property
    def rounding(self) -> dict[str, int]:
        """What of each origin exchanges rounded away, in its own asset."""
        return self._lost("rounding")

    def _lost(self, kind: str) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for loss in self.losses:
            if loss.kind == kind:
                sums[loss.origin] += loss.origin_amount
        return sums

    def balances(self) -> dict[str, dict[str, int]]:
        """The books of every origin, in its own asset: `originated` and everything it must add up to."""
        sums: dict[str, dict[str, int]] = {origin: dict.fromkeys(ACCOUNTS, 0) for origin in self.originated}
        for origin, amount in self.originated.items():
            sums[origin]["originated"] += amount
        for loss in self.losses:
            sums[loss.origin][loss.kind] += loss.origin_amount
        for lot in (lot for pot in self.pots.values() for lot in pot.lots):
            if lot.origin is not CLEAN:
                sums[lot.origin]["held"] += lot.origin_amount
        for end in self.ends:
            sums[end.origin][ACCOUNT_OF[end.kind]] += end.origin_amount
        return sums

    def came(self) -> dict[tuple[Address, AssetId, str], list[int]]:
        """What of each origin came into each address: what steps brought, and what originated there. In base units of
        the asset in which it came, and in the origin's own.
        """
        sums: dict[tuple[Address, AssetId, str], list[int]] = defaultdict(lambda: [0, 0])
        sums.update((place, [amount, amount]) for place, amount in self.own.items())
        for step in self.steps:
            if step.by not in LEAVES:
                both = sums[(step.recipient, step.received_asset, step.origin)]
                both[0] += step.received
                both[1] += step.origin_amount
        return sums

    def reached(self) -> dict[tuple[Address, str], int]:
        """What of each origin came to each address from elsewhere or originated there, in the origin's own asset."""
        sums: dict[tuple[Address, str], int] = defaultdict(int)
        for (address, _, origin), amount in self.own.items():
            sums[(address, origin)] += amount
        for step in self.steps:
            if step.sender != step.recipient:
                sums[(step.recipient, step.origin)] += step.origin_amount
        return sums

    # steps

    def carry(  # noqa: PLR0917 - the head of a step
        self,
        transaction: Transaction,
        by: str,
        sender: Address,
        recipient: Address,
        asset: AssetId,
        lots: Sequence[Lot],
        paid: Mapping[str, tuple[AssetId, int]] | None = None,
    ) -> list[Lot]:
        """Write down the steps of lots that go from one address to another, one an origin; -> the tainted lots, which
        name their step now. `paid`: what of each origin was paid for them, where that is another asset.
        """
        groups = by_origin(lots)
        for origin, mine in groups.items():
            one = mine[0] if len(mine) == 1 else _together(mine)
            amount, came, parent = one.amount, one.origin_amount, one.step
            gave, price = paid[origin] if paid else (asset, amount)
            step = Step(transaction, by, sender, recipient, gave, price, asset, amount, origin, came, parent)
            number = self.write(step, mine)
            for lot in mine:
                lot.step = number
        if groups:
            self.world.hop(sender, recipient)
        return [lot for lot in lots if lot.origin is not CLEAN]

    def write(self, step: Step, lots: Sequence[Lot] = ()) -> int:
        """Keep a step, and what it is made of if that is several lots; -> its number."""
        number = len(self.steps)
        self.steps.append(step)
        if len(lots) > 1:
            self.parts[number] = tuple([Part(lot.step, lot.origin_amount) for lot in lots])
        return number

    def into(self, places: Container[Address]) -> Sequence[int]:
        """The numbers of the steps that left an address for one of these."""
        return [n for n, step in enumerate(self.steps) if step.recipient in places and step.sender != step.recipient]

    def chosen(self, numbers: Iterable[int]) -> list[Step]:
        """The steps of these numbers."""
        return [self.steps[number] for number in numbers]

    def worths(self) -> Sequence[int]:
        """What each step carried, in its origin's own asset."""
        return [step.origin_amount for step in self.steps]

    def parts_of(self, number: int) -> Sequence[Part]:
        """What of a step's money each earlier step had brought, in order; NO_STEP: it started here."""
        step = self.steps[number]
        return self.parts.get(number) or (Part(step.parent, step.origin_amount),)

    def parent_of(self, number: int) -> int:
        """The step that had brought the larger part of a step's money; NO_STEP: it starts there."""
        return self.steps[number].parent

    def answer(self, questions: Sequence[tuple[Sequence[int], int]]) -> list[list[tuple[tuple[int, ...], int]]] | None:
        """By which ways the money of some steps came, where a book can tell that by itself (taint/kernel)."""

    def hops(self) -> Sequence[int]:
        """How many hops each step is from its origin; changing the asset at an address is none."""
        hops: list[int] = []
        for step in self.steps:
            hops.append(step.is_hop + (hops[step.parent] if step.parent != NO_STEP else 0))
        return hops

    def end(self, kind: EndKind, address: Address, asset: AssetId, lots: Iterable[Lot]) -> None:
        """Money that goes no further, one end a step."""
        sums: dict[tuple[str, int], list[int]] = {}
        for lot in lots:
            if lot.origin is not CLEAN:
                both = sums.setdefault((lot.origin, lot.step), [0, 0])
                both[0] += lot.amount
                both[1] += lot.origin_amount
        for (origin, step), (amount, origin_amount) in sums.items():
            self.ends.append(End(kind, address, asset, origin, amount, origin_amount, step))

    def lose(self, kind: str, transaction: Transaction, address: Address, asset: AssetId, lots: Iterable[Lot]) -> None:
        """Tainted lots leave without a step."""
        for lot in lots:
            if lot.origin is not CLEAN:
                amounts = (lot.amount, lot.origin_amount, lot.step, len(self.steps))
                self.losses.append(Loss(kind, transaction, address, asset, lot.origin, *amounts))


def by_origin(lots: Iterable[Lot]) -> dict[str, list[Lot]]:
    """The tainted lots of each origin, in the order in which origins first come."""
    groups: dict[str, list[Lot]] = {}
    for lot in lots:
        if lot.origin is not CLEAN:
            groups.setdefault(lot.origin, []).append(lot)
    return groups


def _together(lots: Sequence[Lot]) -> Lot:
    """Lots of one origin as one; its step had brought the largest of them, the first of the largest."""
    largest = max(lots, key=attrgetter("origin_amount"))
    return Lot(total(lots), largest.origin, worth(lots), largest.step)


def unseen(transaction: Transaction, pot: PotKey, amount: int) -> Gap:
    """The gap that a pot leaves which pays more than was seen coming in."""
    text = "paid more than was seen coming in"
    return Gap("unseen", text, pot[0], transaction.tx_hash, pot[1], amount, transaction.at)
