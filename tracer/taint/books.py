"""The books of one method: pots and their lots, what came to an end where, and the steps that carried it.

A book plays plans in order. Whatever it does, for every origin, in the origin's own asset and to the unit:
originated = held + fees + arrivals + mixers + bridges + redeemed + unresolved + rounding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from tracer.model import Address, AssetId, Transaction, Transfer
from tracer.taint.allocate import Party
from tracer.taint.methods import CLEAN, METHODS, Lot, convert, deal, total
from tracer.taint.stops import Stop
from tracer.taint.transaction import Plan, Spend, Target

PotKey = tuple[Address, AssetId, str]  # the third is an outpoint on bitcoin, else empty


COINJOIN, UNADDRESSED = "coinjoin", "unaddressed"
LEAVES = frozenset({COINJOIN, UNADDRESSED})  # by these a step leaves its address for no other: it is both its ends


class EndKind(StrEnum):
    """Where tainted money can come to an end."""

    ARRIVAL = "arrival"
    MIXER = "mixer"
    BRIDGE = "bridge"
    REDEEMED = "redeemed"
    UNRESOLVED = "unresolved"


ENDS = {Stop.ARRIVAL: EndKind.ARRIVAL, Stop.MIXER: EndKind.MIXER, Stop.BRIDGE: EndKind.BRIDGE}

ACCOUNT_OF = {
    EndKind.ARRIVAL: "arrivals",
    EndKind.MIXER: "mixers",
    EndKind.BRIDGE: "bridges",
    EndKind.REDEEMED: "redeemed",
    EndKind.UNRESOLVED: "unresolved",
}
ACCOUNTS = ("originated", "held", "fees", *ACCOUNT_OF.values(), "rounding")  # the first is the sum of the others


class Step(NamedTuple):
    """Tainted money of one origin going from one address to another (or changing its asset at one) in a transaction.

    `parent` is the step that had brought the larger part of it to the sender; NO_STEP: it starts here.
    """

    transaction: Transaction
    by: str
    sender: Address
    recipient: Address
    asset: AssetId
    amount: int
    received_asset: AssetId
    received: int
    origin: str
    origin_amount: int
    parent: int

    @property
    def is_hop(self) -> bool:
        """True if the money left its address; changing the asset at one is no hop."""
        return self.sender != self.recipient or self.by in LEAVES


class End(NamedTuple):
    """Tainted money that came to an end; `step` is the number of the step that brought it."""

    kind: EndKind
    address: Address
    asset: AssetId
    origin: str
    amount: int
    origin_amount: int
    step: int


class World(Protocol):
    """What a book asks of the flow it belongs to."""

    def origin_of(self, address: Address, asset: AssetId, at: datetime) -> str | None:
        """The origin that clean money entering this pot takes, if it is a reported one."""

    def payment(self, transfer: Transfer) -> tuple[str, int]:
        """The origin of a reported payment and the most it originates."""

    def step(self, step: Step) -> None:
        """Taint took a step."""

    def enter(self, address: Address, at: datetime) -> None:
        """Taint came into a pot of this address."""

    def unseen(self, transaction: Transaction, pot: PotKey, amount: int) -> None:
        """A pot paid more than was seen coming in."""

    def keeps(self, address: Address) -> bool:
        """True if the clean money of this address matters: it was read or reported."""


class Parcel(NamedTuple):
    """Lots on their way from a payer to a receiver, and what of each origin was paid for them."""

    payer: Party
    by: str
    lots: list[Lot]
    paid: dict[str, tuple[AssetId, int]]


@dataclass(slots=True)
class Book:
    """One method's pots, ends and steps."""

    method: str
    world: World
    pots: dict[PotKey, list[Lot]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    originated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rounding: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    came: dict[tuple[Address, AssetId, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    reached: dict[tuple[Address, str], int] = field(default_factory=lambda: defaultdict(int))

    def play(self, plan: Plan, spends: Mapping[Party, bool]) -> None:
        """Move what a transaction moved. `spends`: which payers may spend (read, and no hub)."""
        turn = _Turn(self, plan, spends)
        turn.fees()
        turn.pay()
        turn.exchange()
        turn.hand_on()
        turn.receive()

    # pots

    def take(self, transaction: Transaction, pot: PotKey, amount: int) -> list[Lot]:
        """Spend from a pot by the method; what was never seen coming in is made now."""
        lots = self.pots.get(pot, [])
        missing = amount - total(lots)
        if missing > 0:
            self.world.unseen(transaction, pot, missing)
            self.pots[pot] = []
            return [*lots, self.fresh(transaction, pot, missing)]
        taken, self.pots[pot] = METHODS[self.method].spend(lots, amount)
        return taken

    def fresh(self, transaction: Transaction, pot: PotKey, amount: int) -> Lot:
        """A lot without history: the origin's at a reported address, else clean."""
        origin = self.world.origin_of(pot[0], pot[1], transaction.at)
        if origin is None:
            return Lot(amount)
        self.originated[origin] += amount
        self._came(pot[0], pot[1], Lot(amount, origin, amount))
        self.reached[(pot[0], origin)] += amount
        return Lot(amount, origin, amount)

    def put(self, pot: PotKey, lots: Sequence[Lot], at: datetime) -> None:
        """Let lots into a pot, in order."""
        METHODS[self.method].enter(self.pots.setdefault(pot, []), lots)
        if any(lot.origin is not CLEAN for lot in lots):
            self.world.enter(pot[0], at)

    def _came(self, address: Address, asset: AssetId, lot: Lot) -> None:
        if lot.origin is not CLEAN:
            sums = self.came[(address, asset, lot.origin)]
            sums[0] += lot.amount
            sums[1] += lot.origin_amount

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

    def balances(self) -> dict[str, dict[str, int]]:
        """The books of every origin, in its own asset: `originated` and everything it must add up to."""
        sums: dict[str, dict[str, int]] = {origin: dict.fromkeys(ACCOUNTS, 0) for origin in self.originated}
        for name in ("originated", "fees", "rounding"):
            for origin, amount in getattr(self, name).items():
                sums[origin][name] += amount
        for lot in (lot for lots in self.pots.values() for lot in lots):
            if lot.origin is not CLEAN:
                sums[lot.origin]["held"] += lot.origin_amount
        for end in self.ends:
            sums[end.origin][ACCOUNT_OF[end.kind]] += end.origin_amount
        return sums

    # steps

    def carry(self, plan: Plan, parcel: Parcel, recipient: Address, asset: AssetId) -> list[Lot]:
        """Write down the steps of a parcel, one an origin; -> its tainted lots, each naming its step."""
        payer = plan.reported.get(parcel.payer)
        sender = payer.sender if payer and payer.sender else parcel.payer.address
        numbers: dict[str, int] = {}
        for origin, mine in _by_origin(parcel.lots).items():
            paid_asset, amount = parcel.paid[origin]
            parent = max(mine, key=lambda lot: lot.origin_amount).step
            numbers[origin] = self.write(
                Step(
                    *(plan.at, parcel.by, sender, recipient, paid_asset, amount),
                    *(asset, total(mine), origin, sum(lot.origin_amount for lot in mine), parent),
                )
            )
        return [lot._replace(step=numbers[lot.origin]) for lot in parcel.lots if lot.origin is not CLEAN]

    def write(self, step: Step) -> int:
        """Keep a step; -> its number."""
        self.steps.append(step)
        if step.by not in LEAVES:
            self._came(step.recipient, step.received_asset, Lot(step.received, step.origin, step.origin_amount))
        if step.sender != step.recipient:
            self.reached[(step.recipient, step.origin)] += step.origin_amount
        self.world.step(step)
        return len(self.steps) - 1

    def end(self, kind: EndKind, address: Address, asset: AssetId, lots: Iterable[Lot]) -> None:
        """Money that goes no further, one end a step."""
        sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        for lot in lots:
            if lot.origin is not CLEAN:
                sums[(lot.origin, lot.step)][0] += lot.amount
                sums[(lot.origin, lot.step)][1] += lot.origin_amount
        for (origin, step), (amount, origin_amount) in sums.items():
            self.ends.append(End(kind, address, asset, origin, amount, origin_amount, step))


class _Turn:
    """One plan being played in one book."""

    def __init__(self, book: Book, plan: Plan, spends: Mapping[Party, bool]) -> None:
        self.book = book
        self.plan = plan
        self.spends = spends
        self.inbox: dict[tuple[Party, AssetId], list[Parcel]] = defaultdict(list)
        self.swapped: dict[Party, dict[AssetId, list[Lot]]] = defaultdict(dict)
        self.handed: dict[Party, list[tuple[Party, AssetId, list[Lot]]]] = defaultdict(list)
        self.reported: dict[Party, list[Lot]] = {}

    def fees(self) -> None:
        for address, asset, amount in self.plan.fees:
            if self.spends.get(Party(*address, "")):
                for lot in self.book.take(self.plan.at, (address, asset, ""), amount):
                    if lot.origin is not CLEAN:
                        self.book.fees[lot.origin] += lot.origin_amount

    def pay(self) -> None:
        for spend in self.plan.spends:
            lots = self._taken(spend)
            for leg, share in zip(spend.legs, deal(lots, [leg.amount for leg in spend.legs]), strict=True):
                if leg.to is not None and leg.to in self.plan.reported:
                    self.reported[leg.to] = self.book.report(self.plan.reported[leg.to], share)
                elif all(lot.origin is CLEAN for lot in share):
                    self._clean(spend, leg.to, share)
                elif leg.to is None:
                    self.swapped[spend.payer][spend.asset] = share
                elif leg.unresolved:
                    self._stand(leg.to, _parcel(spend.payer, spend.asset, share), spend.asset)
                elif leg.to in self.plan.hands:
                    self.handed[leg.to].append((spend.payer, spend.asset, share))
                else:
                    self.inbox[(leg.to, spend.asset)].append(_parcel(spend.payer, spend.asset, share))

    def _clean(self, spend: Spend, to: Party | None, share: list[Lot]) -> None:
        """Clean money moves in silence, but where it is converted or handed on it has its weight."""
        if to is None:
            self.swapped[spend.payer][spend.asset] = share
        elif to in self.plan.hands:
            self.handed[to].append((spend.payer, spend.asset, share))

    def _taken(self, spend: Spend) -> list[Lot]:
        amount = sum(leg.amount for leg in spend.legs)
        if spend.payer in self.reported:
            return self.reported[spend.payer]
        if self.spends.get(spend.payer):
            return self.book.take(self.plan.at, (spend.payer.address, spend.asset, ""), amount)
        return [Lot(amount)]

    def exchange(self) -> None:
        by = "inferred_exchange" if self.plan.inferred else "exchange"
        for payer, by_asset in self.swapped.items():
            if _tainted(by_asset.values()):
                targets = self.plan.exchanges[payer]
                made, lost = convert(list(by_asset.values()), [target.amount for target in targets])
                self._round(lost)
                for target, lots in zip(targets, made, strict=True):
                    paid = _paid(by_asset.items())
                    self.inbox[(target.party, target.asset)].append(Parcel(payer, by, lots, paid))

    def hand_on(self) -> None:
        for hand, gifts in self.handed.items():
            if not _tainted(lots for _, _, lots in gifts):
                continue
            targets = self.plan.hands[hand]
            if not targets:
                for payer, asset, lots in gifts:
                    self._stand(hand, _parcel(payer, asset, lots), asset)
                continue
            self._hand(gifts, targets)

    def _hand(self, gifts: list[tuple[Party, AssetId, list[Lot]]], targets: Sequence[Target]) -> None:
        """Convert every payer's lots together, keeping who paid them apart by numbering them."""
        marked, owners = _marked(gifts)
        made, lost = convert(list(marked.values()), [target.amount for target in targets])
        self._round([lot._replace(origin=owners[lot.step][2]) for lot in lost])
        for (party, asset, _), lots in zip(targets, made, strict=True):
            by_payer: dict[tuple[Party, AssetId], list[Lot]] = defaultdict(list)
            for lot in lots:
                payer, paid_asset, _, step = owners[lot.step]
                by_payer[(payer, paid_asset)].append(lot._replace(step=step))
            for (payer, paid_asset), mine in by_payer.items():
                paid = _paid(
                    [(paid_asset, [lot for who, what, ls in gifts if (who, what) == (payer, paid_asset) for lot in ls])]
                )
                self.inbox[(party, asset)].append(Parcel(payer, "hand_on", mine, paid))

    def receive(self) -> None:
        for (party, asset), amount in self.plan.receipts.items():
            parcels = self.inbox.get((party, asset), ())
            lots: list[Lot] = []
            for parcel in parcels:
                if _tainted([parcel.lots]):
                    lots.extend(self.book.carry(self.plan, parcel, party.address, asset))
            stop = self.plan.stops.get(party)
            if party.tag.startswith("zero:"):
                self.book.end(EndKind.REDEEMED, party.address, asset, lots)
            elif stop in ENDS:
                self.book.end(ENDS[stop], party.address, asset, lots)
            elif stop is None:
                self._enter((party.address, asset, ""), lots, amount)

    def _enter(self, pot: PotKey, lots: list[Lot], amount: int) -> None:
        """Tainted lots first, clean enters last; an unread address only holds, so its clean money need not be kept."""
        self.book.put(pot, lots, self.plan.at.at)
        clean = amount - total(lots)
        if clean > 0 and self.book.world.keeps(pot[0]):
            self.book.put(pot, [self.book.fresh(self.plan.at, pot, clean)], self.plan.at.at)

    def _stand(self, at: Party, parcel: Parcel, asset: AssetId) -> None:
        lots = self.book.carry(self.plan, parcel, at.address, asset)
        self.book.end(EndKind.UNRESOLVED, at.address, asset, lots)

    def _round(self, lost: Iterable[Lot]) -> None:
        for lot in lost:
            if lot.origin is not CLEAN:
                self.book.rounding[lot.origin] += lot.origin_amount


def _tainted(groups: Iterable[Sequence[Lot]]) -> bool:
    return any(lot.origin is not CLEAN for lots in groups for lot in lots)


def _paid(by_asset: Iterable[tuple[AssetId, Sequence[Lot]]]) -> dict[str, tuple[AssetId, int]]:
    """What of each origin was paid: the asset that carried most of it, and how much of that asset."""
    best: dict[str, tuple[int, AssetId, int]] = {}
    for asset, lots in by_asset:
        for origin, mine in _by_origin(lots).items():
            worth = sum(lot.origin_amount for lot in mine)
            if origin not in best or worth > best[origin][0]:
                best[origin] = (worth, asset, total(mine))
    return {origin: (asset, amount) for origin, (_, asset, amount) in best.items()}


def _by_origin(lots: Iterable[Lot]) -> dict[str, list[Lot]]:
    """The tainted lots of each origin, in the order in which origins first come."""
    groups: dict[str, list[Lot]] = {}
    for lot in lots:
        if lot.origin is not CLEAN:
            groups.setdefault(lot.origin, []).append(lot)
    return groups


def _parcel(payer: Party, asset: AssetId, lots: list[Lot]) -> Parcel:
    return Parcel(payer, "payment", lots, _paid([(asset, lots)]))


Owner = tuple[Party, AssetId, str | None, int]


def _marked(gifts: Iterable[tuple[Party, AssetId, list[Lot]]]) -> tuple[dict[AssetId, list[Lot]], list[Owner]]:
    """Lots by asset, each numbered in place of its step; and each number's payer, asset, origin and step."""
    marked: dict[AssetId, list[Lot]] = {}
    owners: list[Owner] = []
    for payer, asset, lots in gifts:
        for lot in lots:
            marked.setdefault(asset, []).append(lot._replace(step=len(owners)))
            owners.append((payer, asset, lot.origin, lot.step))
    return marked, owners
