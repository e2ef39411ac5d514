"""The world's own books: marked segments of money, first in, first out. It shares no code with `tracer.taint`.

What one transaction does to the money (DESIGN.md, section 4, written anew and only as far as worlds go):

1. The fee leaves the initiator's money first.
2. A victim's payment stands alone: what of it nobody marked before is the victim's from its recipient on.
3. Everybody's receipts and payments of an asset are set against each other; who nets to zero only passed it on.
4. Who paid and itself received another asset exchanged: its segments become what it received, pro rata.
5. Else a payer pays first whom it paid straight, then those it is joined to, in proportion to what they still lack.
6. A payee that paid out another asset hands on: the segments become what those get who only received.
7. Marked money enters before unmarked. At a labelled end it arrives; a labelled venue keeps nothing.

Amounts divide by running totals, so nothing is lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.worlds.world import Hop, Mark, Payment
from tracer.model import Address, AssetId, Category, Kind, Label, OriginSpec, Transaction, Transfer

ZERO = "0x" + "0" * 40
ENDS = {Category.EXCHANGE, Category.SWAPPER, Category.PAYMENT, Category.GAMBLING, Category.MIXER, Category.BRIDGE}
MIXED = 10  # a hop is mixed where a tenth of its amount or more of other people's money lay beside the victims'

Place = tuple[Address, AssetId]


class Segment(NamedTuple):
    """So much money of one mark, or of nobody in particular."""

    amount: int
    mark: Mark | None


def divided(amount: int, weights: Sequence[int]) -> list[int]:
    """Part i is floor(amount W_i / W) - floor(amount W_(i-1) / W), W_i the running sum."""
    sums = list(accumulate(weights))
    marks = [amount * one // sums[-1] for one in sums]
    return [high - low for low, high in zip([0, *marks], marks, strict=False)]


def converted(segments: Sequence[Segment], amount: int) -> list[Segment]:
    """The same money as that amount of something else."""
    if not segments:
        return []
    parts = divided(amount, [one.amount for one in segments])
    return [Segment(part, one.mark) for part, one in zip(parts, segments, strict=True) if part]


def dealt(segments: Sequence[Segment], amounts: Sequence[int]) -> list[list[Segment]]:
    """Every segment shared between payees, payee after payee, the last one takes the rest."""
    shares = []
    for amount in amounts[:-1]:
        parts = divided(amount, [one.amount for one in segments])
        pairs = list(zip(segments, parts, strict=True))
        shares.append([Segment(part, one.mark) for one, part in pairs if part])
        segments = [Segment(one.amount - part, one.mark) for one, part in pairs if one.amount > part]
    return [*shares, list(segments)]


def total(segments: Iterable[Segment]) -> int:
    """What segments come to."""
    return sum(one.amount for one in segments)


def _queued(pot: deque[Segment], segments: Iterable[Segment]) -> None:
    """Segments enter at the end; neighbours of one mark are as good as one."""
    for one in segments:
        before = pot.pop().amount if pot and pot[-1].mark == one.mark else 0
        pot.append(Segment(before + one.amount, one.mark))


class Ledger:
    """Everybody's segments. Play transactions in order; labelled addresses are no pots.

    halts   addresses at which the money stops, as it does for a trace at a hub: what they pay is nobody's
    dust    ids of transfers that are none
    """

    def __init__(
        self,
        labels: Iterable[Label],
        payments: Iterable[Payment],
        origins: Iterable[OriginSpec],
        halts: Collection[Address] = (),
        dust: Collection[str] = (),
    ) -> None:
        self.ends = {one.address for one in labels if one.category in ENDS}
        self.labelled = {one.address for one in labels}
        self.venues = self.labelled - self.ends
        self.payments = {one.mark.tx_hash: one for one in payments}
        self.reported = {spec.address for spec in origins if spec.tx_hash is None}
        self.halts = halts
        self.dust = dust
        self.pots: dict[Place, deque[Segment]] = defaultdict(deque)
        self.carried: set[str] = set()  # hashes of transactions that moved money the case knows of
        self.arrivals: Counter[tuple[Address, AssetId, str, Mark]] = Counter()

    def counts(self, segment: Segment) -> bool:
        """True if the case knows of it: a reported payment's, or a reported address's."""
        mark = segment.mark
        return mark is not None and (mark.tx_hash is None or self.payments[mark.tx_hash].reported > 0)

    def play(self, one: Transaction) -> None:
        """Move what a transaction moved."""
        counted = [t for t in one.transfers if t.amount and t.id not in self.dust]
        for fee in counted:
            if fee.kind is Kind.FEE and fee.sender:
                self.taken((fee.sender, fee.asset), fee.amount)
        moved = [t for t in counted if t.kind is not Kind.FEE and t.sender != t.recipient]
        paid = self._victims(one.tx_hash, moved) or self._alone(moved)
        for place, segments, amount in [paid] if paid else _Settlement(self, moved).receipts():
            self._enter(one.tx_hash, place, segments, amount)

    def _victims(self, tx_hash: str, moved: Sequence[Transfer]) -> tuple[Place, list[Segment], int] | None:
        """A victim's payment: up to what was reported (all of it where it was not) becomes the victim's."""
        payment = self.payments.get(tx_hash)
        if payment is None:
            return None
        assert len(moved) == 1, "a victim's payment stands alone"
        place, segments = (payment.mark.address, payment.mark.asset), list[Segment]()
        left = payment.reported or payment.amount
        for segment in self.taken((payment.sender, place[1]), payment.amount):
            part = 0 if self.counts(segment) else min(left, segment.amount)
            left -= part
            segments += [Segment(part, payment.mark)] if part else []
            segments += [Segment(segment.amount - part, segment.mark)] if segment.amount > part else []
        return place, segments, payment.amount

    def _alone(self, moved: Sequence[Transfer]) -> tuple[Place, list[Segment], int] | None:
        """Most transactions are one transfer, of which there is nothing to settle."""
        if len(moved) != 1:
            return None
        sender, recipient, asset, amount = moved[0].sender, moved[0].recipient, moved[0].asset, moved[0].amount
        if sender is None or recipient is None:
            return None
        return (recipient, asset), self.taken((sender, asset), amount), amount

    def is_pot(self, address: Address) -> bool:
        """True where money of other people can lie: nowhere labelled, and not at the zero address."""
        return address not in self.labelled and address.text != ZERO

    def taken(self, place: Place, amount: int) -> list[Segment]:
        """Take from the head of a pot."""
        if not self.is_pot(place[0]) or place[0] in self.halts:
            return [Segment(amount, None)]
        pot, taken = self.pots[place], []
        while amount:
            assert pot, f"{place} pays what it does not have"
            head = pot.popleft()
            part = min(head.amount, amount)
            taken.append(head._replace(amount=part))
            amount -= part
            if head.amount > part:
                pot.appendleft(head._replace(amount=head.amount - part))
        return taken

    def _enter(self, tx_hash: str, place: Place, segments: Sequence[Segment], amount: int) -> None:
        marked = [one for one in segments if self.counts(one)]
        if marked:
            self.carried.add(tx_hash)
        if place[0] in self.ends:
            for one in marked:
                if one.mark:
                    self.arrivals[(*place, tx_hash, one.mark)] += one.amount
        elif self.is_pot(place[0]):
            assert total(segments) <= amount, "more is known of a receipt than came"
            plain = [one for one in segments if not self.counts(one)]
            plain += [Segment(amount - total(segments), None)] if amount > total(segments) else []
            if place[0] in self.reported:
                plain = [Segment(total(plain), Mark(*place))] if plain else []
            _queued(self.pots[place], [*marked, *plain])

    def is_mixed(self, hop: Hop) -> bool:
        """True if its sender, about to pay, also holds money that no victim's payment brought."""
        strangers = total(one for one in self.pots[(hop.sender, hop.asset)] if one.mark is None)
        return strangers * MIXED >= hop.amount


class _Settlement:
    """One transaction's clauses 3 to 6."""

    def __init__(self, ledger: Ledger, moved: Sequence[Transfer]) -> None:
        self.ledger = ledger
        self.moved = moved
        self.nets: Counter[Place] = Counter()
        for t in moved:
            assert t.sender and t.recipient
            self.nets[(t.sender, t.asset)] -= t.amount
            self.nets[(t.recipient, t.asset)] += t.amount
        self.paid: dict[Address, set[AssetId]] = defaultdict(set)
        self.got: dict[Address, dict[AssetId, int]] = defaultdict(dict)
        for (address, asset), net in sorted(self.nets.items()):
            if net < 0:
                self.paid[address].add(asset)
            elif net > 0:
                self.got[address][asset] = net
        self.inbox: dict[Place, list[Segment]] = defaultdict(list)
        self.gifts: dict[Address, list[list[Segment]]] = defaultdict(list)
        self.unfilled = Counter({(who, what): n for who, got in self.got.items() for what, n in got.items()})

    def receipts(self) -> list[tuple[Place, list[Segment], int]]:
        """What everybody got, with whose it is as far as it is known."""
        going = {asset: self._allocated(asset) for asset in sorted({asset for _, asset in self.nets})}
        bargains = []
        for payer, assets in sorted(self.paid.items()):
            for asset in sorted(assets):
                segments = self.ledger.taken((payer, asset), -self.nets[(payer, asset)])
                if self.ledger.is_pot(payer) and self.got[payer]:
                    assert len(assets) == 1, "a world's exchange pays one asset"
                    bargains.append((payer, segments))
                else:
                    self._pay(payer, asset, segments, going[asset][payer])
        for payer, segments in bargains:
            for asset, amount in self.got[payer].items():
                self.inbox[(payer, asset)] += converted(segments, amount)
        self._hand_on()
        return [((who, what), self.inbox[(who, what)], n) for who, got in self.got.items() for what, n in got.items()]

    def _allocated(self, asset: AssetId) -> dict[Address, Counter[Address]]:
        """How much of each net payment of an asset goes to whom: straight first, then in proportion to what lacks."""
        owing = {who: -n for (who, what), n in sorted(self.nets.items()) if what == asset and n < 0}
        lacking = {who: n for (who, what), n in sorted(self.nets.items()) if what == asset and n > 0}
        shares: dict[Address, Counter[Address]] = {payer: Counter() for payer in owing}
        for payer in owing:
            straight = {to: min(self._straight(payer, to, asset), need) for to, need in lacking.items()}
            self._share(payer, owing, lacking, straight, shares)
        moved = [t for t in self.moved if t.asset == asset]
        for payer in sorted(owing, key=lambda who: (who in self.ledger.venues, who)):
            joined = _joined(payer, moved)
            self._share(payer, owing, lacking, {to: n for to, n in lacking.items() if to in joined}, shares)
        assert not any(owing.values()), "in a world every payment finds its payees"
        return shares

    @staticmethod
    def _share(
        payer: Address,
        owing: dict[Address, int],
        lacking: dict[Address, int],
        weights: Mapping[Address, int],
        shares: Mapping[Address, Counter[Address]],
    ) -> None:
        here = {to: weight for to, weight in weights.items() if weight}
        part = min(owing[payer], sum(here.values()))
        owing[payer] -= part
        for to, share in zip(here, divided(part, list(here.values())) if here else (), strict=True):
            shares[payer][to] += share
            lacking[to] -= share

    def _straight(self, payer: Address, to: Address, asset: AssetId) -> int:
        sent = sum(t.amount for t in self.moved if (t.sender, t.recipient, t.asset) == (payer, to, asset))
        back = sum(t.amount for t in self.moved if (t.sender, t.recipient, t.asset) == (to, payer, asset))
        return max(0, sent - back)

    def _pay(self, payer: Address, asset: AssetId, segments: list[Segment], payees: Mapping[Address, int]) -> None:
        going = {to: share for to, share in sorted(payees.items()) if share}
        for to, share in zip(going, dealt(segments, list(going.values())), strict=True):
            if payer not in self.ledger.venues:
                self.unfilled[(to, asset)] -= total(share)
            if not self.ledger.is_pot(payer):
                continue  # nobody's money: it makes up for what is known of the receipt
            if self._hands_on(to):
                self.gifts[to].append(share)
            else:
                self.inbox[(to, asset)] += share

    def _hands_on(self, to: Address) -> bool:
        return bool(self.paid.get(to)) and to not in self.ledger.ends and to.text != ZERO

    def _hand_on(self) -> None:
        assert len(self.gifts) <= 1, "in a world at most one party hands on"
        for segments in (one for gifts in self.gifts.values() for one in gifts):
            takers = [place for place, left in self.unfilled.items() if left and not self.paid.get(place[0])]
            assert len(takers) == len(self.gifts) == 1, "a world's hand-on has one payer and one taker"
            self.inbox[takers[0]] += converted(segments, self.unfilled[takers[0]])


def _joined(payer: Address, moved: Sequence[Transfer]) -> set[Address]:
    """Who is joined to a payer by transfers, direction ignored, through those who both received and paid."""
    conductors = {t.sender for t in moved} & {t.recipient for t in moved}
    seen, queue = {payer}, [payer]
    while queue:
        here = queue.pop()
        for t in moved:
            for near, far in ((t.sender, t.recipient), (t.recipient, t.sender)):
                if near == here and far not in seen and far is not None and (here == payer or here in conductors):
                    seen.add(far)
                    queue.append(far)
    return seen
