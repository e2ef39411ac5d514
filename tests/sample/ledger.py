"""A plain ledger that works out the sample's answer without the engine: DESIGN.md §4, written as short as it goes.

It leans on what the story guarantees: in one transaction a payer pays one net receiver per asset, a swap brings back
one asset, and a reported payment is alone in its transaction. Each of these is asserted, not assumed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import NamedTuple

from tests.sample.story import Leg, Tx

ENDS = {"exchange", "swapper", "payment", "gambling", "mixer", "bridge"}
VENUES = {"dex", "lending", "token", "contract", "other"}


class Lot(NamedTuple):
    """`amount` of the pot's asset; `worth` of it in the origin's own asset. No origin: clean."""

    origin: str | None
    amount: int
    worth: int

    def cut(self, amount: int) -> tuple[Lot, Lot]:
        """The part of that amount, and the rest."""
        worth = self.worth * amount // self.amount
        return Lot(self.origin, amount, worth), Lot(self.origin, self.amount - amount, self.worth - worth)


Spend = Callable[[list[Lot], int], tuple[list[Lot], list[Lot]]]


def shares(total: int, weights: list[int]) -> list[int]:
    """`total` over weights by running totals: nothing is lost, no sort is needed."""
    whole = sum(weights)
    marks = [0, *(total * running // whole for running in accumulate(weights))]
    return [high - low for low, high in zip(marks, marks[1:], strict=False)]


def cut_all(lots: list[Lot], parts: Iterable[int]) -> tuple[list[Lot], list[Lot]]:
    """Each lot cut at its part; empty ones left out."""
    pairs = [lot.cut(part) for lot, part in zip(lots, parts, strict=True)]
    return [taken for taken, _ in pairs if taken.amount], [kept for _, kept in pairs if kept.amount]


def fifo(lots: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """First in, first out."""
    before = [0, *accumulate(lot.amount for lot in lots)]
    return cut_all(lots, [max(0, min(lot.amount, amount - b)) for lot, b in zip(lots, before, strict=False)])


def lifo(lots: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """Last in, first out."""
    taken, kept = fifo(lots[::-1], amount)
    return taken[::-1], kept[::-1]


def haircut(lots: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """The same share of every lot."""
    return cut_all(lots, shares(amount, [lot.amount for lot in lots]))


def dirty_first(lots: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """Tainted lots before clean ones, ties as they came."""
    return fifo(sorted(lots, key=lambda lot: lot.origin is None), amount)


def clean_first(lots: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """Clean lots before tainted ones, ties as they came."""
    return fifo(sorted(lots, key=lambda lot: lot.origin is not None), amount)


METHODS: dict[str, Spend] = {
    "fifo": fifo,
    "lifo": lifo,
    "haircut": haircut,
    "dirty_first": dirty_first,
    "clean_first": clean_first,
}


def merged(lots: list[Lot]) -> list[Lot]:
    """One lot per origin in order of arrival, clean last: how a haircut pot is kept."""
    sums: dict[str | None, Lot] = {}
    for lot in lots:
        old = sums.get(lot.origin, Lot(lot.origin, 0, 0))
        sums[lot.origin] = Lot(lot.origin, old.amount + lot.amount, old.worth + lot.worth)
    return sorted(sums.values(), key=lambda lot: lot.origin is None)


class Ledger:
    """The pots, and what became of each origin, under one method."""

    def __init__(self, method: str, category: dict[str, str]) -> None:
        self.method, self.category = method, category
        self.pots: dict[tuple[str, str], list[Lot]] = defaultdict(list)
        self.ends: dict[tuple[str, str], list[Lot]] = defaultdict(list)
        self.came: Counter[tuple[str, str, str]] = Counter()  # transaction, party, asset -> tainted base units
        self.fees: list[Lot] = []
        self.rounding: Counter[str] = Counter()
        self.originated: Counter[str] = Counter()
        self.unseen: Counter[tuple[str, str]] = Counter()

    def take(self, party: str, asset: str, amount: int) -> list[Lot]:
        """Spends from a pot. Labelled places have none: what they pay is clean. So is what was never seen."""
        if self.category.get(party) in ENDS | VENUES:
            return [Lot(None, amount, amount)]
        pot = self.pots[party, asset]
        short = amount - sum(lot.amount for lot in pot)
        if short > 0:
            self.unseen[party, asset] += short
            pot = self.kept([*pot, Lot(None, short, short)])
        taken, rest = METHODS[self.method](pot, amount)
        self.pots[party, asset] = rest
        return taken

    def put(self, party: str, asset: str, lots: list[Lot]) -> None:
        """Lots arrive, the clean ones last; at an end they stay, at a venue nothing does."""
        category = self.category.get(party)
        if category in VENUES:
            assert all(lot.origin is None for lot in lots), "the story leaves nothing at a venue"
            return
        place = self.ends if category in ENDS else self.pots
        entering = sorted((lot for lot in lots if lot.amount), key=lambda lot: lot.origin is None)
        place[party, asset] = self.kept([*place[party, asset], *entering])

    def kept(self, lots: list[Lot]) -> list[Lot]:
        """How the method keeps a pot."""
        return merged(lots) if self.method == "haircut" else lots

    def converted(self, lots: list[Lot], amount: int) -> list[Lot]:
        """The lots as `amount` of another asset; a lot that becomes nothing leaves its worth to its origin's next."""
        parts = shares(amount, [lot.amount for lot in lots])
        waiting: Counter[str | None] = Counter()
        result = []
        for lot, part in zip(lots, parts, strict=True):
            if part:
                result.append(Lot(lot.origin, part, lot.worth + waiting.pop(lot.origin, 0)))
            else:
                waiting[lot.origin] += lot.worth
        self.rounding.update({origin: worth for origin, worth in waiting.items() if origin})
        return result

    def ended(self) -> dict[tuple[str, str], int]:
        """(address, asset) -> tainted base units that came to an end there."""
        return {place: sum(lot.amount for lot in lots if lot.origin) for place, lots in self.ends.items()}


def fold(txs: list[Tx], reported: set[str], category: dict[str, str], method: str) -> Ledger:
    """The ledger after all transactions in their order; a reported one makes its clean lots its own."""
    ledger = Ledger(method, category)
    for tx in txs:
        settle(ledger, tx, tx.tx_hash in reported)
    return ledger


def settle(ledger: Ledger, tx: Tx, reported: bool) -> None:
    """One transaction: the fee, then what each party is left to pay after netting."""
    for leg in tx.legs:
        if leg.kind == "fee":
            ledger.fees += ledger.take(leg.sender, leg.coin.contract, leg.amount)
    net = nets(leg for leg in tx.legs if leg.kind != "fee" and not tx.dropped)
    assert not reported or len(tx.legs) <= 2, "a reported payment is alone in its transaction"
    payers = sorted(place for place, amount in net.items() if amount < 0)
    spent = {place: ledger.take(*place, -net[place]) for place in payers}
    for place, lots in spent.items():
        target = goes_to(net, place)
        if target[1] != place[1]:
            going = ledger.converted(lots, net[target])
        else:
            going = claimed(ledger, tx.tx_hash, lots) if reported else lots
        ledger.put(*target, going)
        ledger.came[(tx.tx_hash, *target)] += sum(lot.amount for lot in going if lot.origin)


def nets(legs: Iterable[Leg]) -> Counter[tuple[str, str]]:
    """(party, asset) -> received minus paid."""
    net: Counter[tuple[str, str]] = Counter()
    for leg in legs:
        net[leg.recipient, leg.coin.contract] += leg.amount
        net[leg.sender, leg.coin.contract] -= leg.amount
    return net


def goes_to(net: Counter[tuple[str, str]], payer: tuple[str, str]) -> tuple[str, str]:
    """Where a net payment goes: to the payer's own received asset (an exchange), else to the asset's one receiver."""
    party, asset = payer
    own = [place for place, amount in net.items() if amount > 0 and place[0] == party]
    others = [place for place, amount in net.items() if amount > 0 and place[1] == asset]
    targets = own or others
    assert len(targets) == 1, f"the story keeps one receiver per payer and asset: {targets}"
    return targets[0]


def claimed(ledger: Ledger, origin: str, lots: list[Lot]) -> list[Lot]:
    """A reported payment's lots: the clean become the origin's, others keep theirs."""
    clean = sum(lot.amount for lot in lots if lot.origin is None)
    ledger.originated[origin] += clean
    return [lot if lot.origin else Lot(origin, lot.amount, lot.amount) for lot in lots]
