"""One transaction's plan played in one book: fees, payments, exchanges, hand-ons, and what everybody received."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tracer.model import Address, AssetId, Transaction
from tracer.taint.allocate import Party
from tracer.taint.books import Book, by_origin
from tracer.taint.entries import ENDS, EndKind
from tracer.taint.methods import Lot, convert, deal, tainted, total, worth
from tracer.taint.transaction import Plan, Spend, Straight, Target

Paid = Mapping[str, tuple[AssetId, int]]  # by origin: the asset that carried most of it, and how much of that


class Parcel(NamedTuple):
    """Lots on their way from a payer to a receiver, and what of each origin was paid for them (None: just that)."""

    payer: Party
    by: str
    lots: Sequence[Lot]
    paid: Paid | None = None


def play(book: Book, plan: Plan, spends: Mapping[Address, bool]) -> None:
    """Move what a transaction moved. `spends`: which payers may spend (read, no hub); others' money is clean."""
    for address, asset, amount in plan.fees:
        if spends.get(address):
            book.lose("fees", plan.at, address, asset, book.take(plan.at, (address, asset, ""), amount, fee=True))
    if plan.straight is not None:
        _straight(book, plan.at, plan.straight, spends)
        return
    turn = _Turn(book, plan, spends)
    turn.pay()
    turn.exchange()
    turn.hand_on()
    turn.receive()


def _straight(book: Book, at: Transaction, way: Straight, spends: Mapping[Address, bool]) -> None:
    """Most transactions are one payment: what `_Turn` does, without its detours (a test holds them equal)."""
    payer, receiver, asset, amount, stop = way
    lots = book.take(at, (payer, asset, ""), amount) if spends.get(payer) else ()
    lots = book.carry(at, "payment", payer, receiver, asset, lots) if tainted(lots) else ()
    if stop is None:
        book.receive(at, (receiver, asset, ""), amount, lots)
    elif lots and stop in ENDS:
        book.end(ENDS[stop], receiver, asset, lots)


class _Turn:
    """One plan being played in one book."""

    def __init__(self, book: Book, plan: Plan, spends: Mapping[Address, bool]) -> None:
        self.book = book
        self.plan = plan
        self.spends = spends
        self.inbox: dict[tuple[Party, AssetId], list[Parcel]] = defaultdict(list)
        self.swapped: dict[Party, dict[AssetId, Sequence[Lot]]] = defaultdict(dict)
        self.handed: dict[Party, list[tuple[Party, AssetId, Sequence[Lot]]]] = defaultdict(list)
        self.reported: dict[Party, list[Lot]] = {}

    def pay(self) -> None:
        for spend in self.plan.spends:
            lots = self._taken(spend)
            for leg, share in zip(spend.legs, deal(lots, [leg.amount for leg in spend.legs]), strict=True):
                if leg.to is not None and leg.to in self.plan.reported:
                    self.reported[leg.to] = self.book.report(self.plan.reported[leg.to], share)
                elif not tainted(share):
                    self._clean(spend, leg.to, share)
                elif leg.to is None:
                    self.swapped[spend.payer][spend.asset] = share
                elif leg.unresolved:
                    self._stand(leg.to, spend.payer, spend.asset, share)
                elif leg.to in self.plan.hands:
                    self.handed[leg.to].append((spend.payer, spend.asset, share))
                else:
                    self.inbox[(leg.to, spend.asset)].append(Parcel(spend.payer, "payment", share))

    def _clean(self, spend: Spend, to: Party | None, share: Sequence[Lot]) -> None:
        """Clean money moves in silence, but where it is converted or handed on it has its weight."""
        if to is None:
            self.swapped[spend.payer][spend.asset] = share
        elif to in self.plan.hands:
            self.handed[to].append((spend.payer, spend.asset, share))

    def _taken(self, spend: Spend) -> list[Lot]:
        payer = spend.payer
        if payer in self.reported:
            return self.reported[payer]
        amount = sum([leg.amount for leg in spend.legs])
        if not payer.tag and self.spends.get(payer.address):
            return self.book.take(self.plan.at, (payer.address, spend.asset, ""), amount)
        return [Lot(amount)]

    def exchange(self) -> None:
        by = "inferred_exchange" if self.plan.inferred else "exchange"
        for payer, by_asset in self.swapped.items():
            if any(tainted(lots) for lots in by_asset.values()):
                targets = self.plan.exchanges[payer]
                made, lost = convert(list(by_asset.values()), [target.amount for target in targets])
                self._round(payer, targets, lost)
                paid = _paid(by_asset.items())
                for target, lots in zip(targets, made, strict=True):
                    self.inbox[(target.party, target.asset)].append(Parcel(payer, by, lots, paid))

    def hand_on(self) -> None:
        for hand, gifts in self.handed.items():
            if not any(tainted(lots) for _, _, lots in gifts):
                continue
            targets = self.plan.hands[hand]
            if targets:
                self._hand(hand, gifts, targets)
            else:
                for payer, asset, lots in gifts:
                    self._stand(hand, payer, asset, lots)

    def _hand(self, hand: Party, gifts: list[tuple[Party, AssetId, Sequence[Lot]]], targets: Sequence[Target]) -> None:
        """Convert every payer's lots together, keeping who paid them apart by numbering them."""
        marked, owners = _marked(gifts)
        made, lost = convert(list(marked.values()), [target.amount for target in targets])
        self._round(hand, targets, [lot.brought(owners[lot.step].step) for lot in lost])
        paid = {(payer, asset): _paid([(asset, lots)]) for payer, asset, lots in _together(gifts)}
        for (party, asset, _), lots in zip(targets, made, strict=True):
            by_payer: dict[tuple[Party, AssetId], list[Lot]] = defaultdict(list)
            small: list[Lot] = []  # what became 0 goes with the lot it gave its origin amount to
            for lot in lots:
                owner = owners[lot.step]
                small.append(lot.brought(owner.step))
                if lot.amount:
                    by_payer[(owner.payer, owner.asset)] += small
                    small = []
            for (payer, paid_asset), mine in by_payer.items():
                self.inbox[(party, asset)].append(Parcel(payer, "hand_on", mine, paid[(payer, paid_asset)]))

    def receive(self) -> None:
        for place, amount in self.plan.receipts.items():
            party, asset = place
            lots: list[Lot] = []
            for parcel in self.inbox.get(place, ()):
                lots += self._carry(parcel, party.address, asset)
            stop = self.plan.stops.get(party)
            if party.tag.startswith("zero:"):
                self.book.end(EndKind.REDEEMED, party.address, asset, lots)
            elif stop in ENDS:
                self.book.end(ENDS[stop], party.address, asset, lots)
            elif stop is None:
                self.book.receive(self.plan.at, (party.address, asset, ""), amount, lots)

    def _carry(self, parcel: Parcel, recipient: Address, asset: AssetId) -> list[Lot]:
        reported = self.plan.reported.get(parcel.payer)
        sender = reported.sender if reported and reported.sender else parcel.payer.address
        return self.book.carry(self.plan.at, parcel.by, sender, recipient, asset, parcel.lots, parcel.paid)

    def _stand(self, at: Party, payer: Party, asset: AssetId, lots: Sequence[Lot]) -> None:
        carried = self._carry(Parcel(payer, "payment", lots), at.address, asset)
        self.book.end(EndKind.UNRESOLVED, at.address, asset, carried)

    def _round(self, party: Party, targets: Sequence[Target], lost: Iterable[Lot]) -> None:
        """What came to nothing has no amount in any asset but the origin's own."""
        self.book.lose("rounding", self.plan.at, party.address, targets[-1].asset, lost)


def _paid(by_asset: Iterable[tuple[AssetId, Sequence[Lot]]]) -> Paid:
    """What of each origin was paid: the asset that carried most of it, and how much of that asset."""
    best: dict[str, tuple[int, AssetId, int]] = {}
    for asset, lots in by_asset:
        for origin, mine in by_origin(lots).items():
            most = worth(mine)
            if origin not in best or most > best[origin][0]:
                best[origin] = (most, asset, total(mine))
    return {origin: (asset, amount) for origin, (_, asset, amount) in best.items()}


class _Owner(NamedTuple):
    """Whose a lot on its way was: who paid it in which asset, its origin and the step that had brought it."""

    payer: Party
    asset: AssetId
    origin: str | None
    step: int


Gift = tuple[Party, AssetId, Sequence[Lot]]


def _marked(gifts: Iterable[Gift]) -> tuple[dict[AssetId, list[Lot]], list[_Owner]]:
    """Lots by asset, each numbered in place of its step; and each number's owner."""
    marked: dict[AssetId, list[Lot]] = {}
    owners: list[_Owner] = []
    for payer, asset, lots in gifts:
        for lot in lots:
            marked.setdefault(asset, []).append(lot.brought(len(owners)))
            owners.append(_Owner(payer, asset, lot.origin, lot.step))
    return marked, owners


def _together(gifts: Iterable[Gift]) -> Iterable[tuple[Party, AssetId, list[Lot]]]:
    """All lots of each payer and asset."""
    whole: dict[tuple[Party, AssetId], list[Lot]] = defaultdict(list)
    for payer, asset, lots in gifts:
        whole[(payer, asset)].extend(lots)
    for (payer, asset), mine in whole.items():
        yield payer, asset, mine
