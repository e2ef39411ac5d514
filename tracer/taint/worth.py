"""What an address is worth reading. A ranking decides in which order the frontier is read, never an amount.

Worth is the share, of all that the case originated in one asset, that reached the address; the best asset counts, so
that no price is needed. A token that no list and no report vouches for comes last: anyone can make one.

`Mixes` is a light book beside those of the methods. It keeps each amount that a pot received as one mix with its
tainted part and spends the densest first: a thief's own money goes before what ordinary people's money was mixed into,
and what was mixed passes on no more than its own density.
"""

from __future__ import annotations

from bisect import insort_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from tracer.chains import is_listed, is_on_chain
from tracer.model import Address, AssetId, Transfer
from tracer.taint.allocate import Party
from tracer.taint.books import Book
from tracer.taint.entries import PotKey
from tracer.taint.methods import METHODS, parts
from tracer.taint.origins import Origins
from tracer.taint.passage import outpoint
from tracer.taint.transaction import Plan, Target
from tracer.taint.utxo import Coins

WHOLE = 1 << 64  # tainted parts and shares are kept in this many parts of a base unit, so that small ones are not lost
MINOR = Fraction(1, 10**6)  # the weight of what only orders what counts more leaves equal

Worth = dict[Address, Fraction]
Value = Mapping[AssetId, int]  # the asset in which it was originated -> how much, in parts of a base unit


class Mix(NamedTuple):
    """An amount of base units, what of it is tainted, and what that was originated as (both in parts of a unit)."""

    amount: int
    tainted: int = 0
    value: Value = {}

    def part(self, amount: int) -> Mix:
        """What `amount` of it carries: its own density."""
        if amount == self.amount or not self.tainted:
            return Mix(amount, self.tainted, self.value)
        value = {asset: mine * amount // self.amount for asset, mine in self.value.items()}
        return Mix(amount, self.tainted * amount // self.amount, value)

    def less(self, part: Mix) -> Mix:
        """What is left when a part is taken."""
        value = {asset: mine - part.value[asset] for asset, mine in self.value.items()}
        return Mix(self.amount - part.amount, self.tainted - part.tainted, value)


def _density(mix: Mix) -> int:
    return mix.tainted // mix.amount


def _together(mixes: Sequence[Mix]) -> Mix:
    if len(mixes) == 1:
        return mixes[0]
    value: dict[AssetId, int] = defaultdict(int)
    for mix in mixes:
        for asset, mine in mix.value.items():
            value[asset] += mine
    return Mix(sum(mix.amount for mix in mixes), sum(mix.tainted for mix in mixes), value)


Inbox = dict[tuple[Party, AssetId], list[Mix]]
Given = dict[Party, list[tuple[AssetId, Mix]]]


@dataclass(slots=True)
class Mixes:
    """The pots as mixes: tainted ones by density, the densest and of equals the first to come last; clean as a sum."""

    origins: Origins
    keeps: Callable[[Address], bool]
    tainted: dict[PotKey, list[Mix]] = field(default_factory=lambda: defaultdict(list))
    clean: dict[PotKey, int] = field(default_factory=lambda: defaultdict(int))
    reached: dict[tuple[Address, AssetId], int] = field(default_factory=lambda: defaultdict(int))
    originated: dict[AssetId, int] = field(default_factory=lambda: defaultdict(int))

    @classmethod
    def of(
        cls,
        origins: Origins,
        keeps: Callable[[Address], bool],
        played: Iterable[tuple[Plan | Coins, Mapping[Address, bool]]],
    ) -> Mixes:
        """All that was played, in order, each with who might spend then."""
        made = cls(origins, keeps)
        for plan, spends in played:
            if isinstance(plan, Coins):
                made.coins(plan, spends)
            else:
                made.play(plan, spends)
        return made

    def play(self, plan: Plan, spends: Mapping[Address, bool]) -> None:
        """Move what a transaction moved. `spends`: which payers may spend (read, and no hub)."""
        for address, asset, amount in plan.fees:
            if spends.get(address):
                self._take((address, asset, ""), amount, plan.at.at)
        inbox: Inbox = defaultdict(list)
        swapped, handed = self._pay(plan, spends, inbox)
        for payer, mixes in swapped.items():
            for target, mix in _become(mixes, plan.exchanges[payer]):
                inbox[(target.party, target.asset)].append(mix)
        for hand, mixes in handed.items():
            self._hand_on(hand, mixes, plan.hands[hand], inbox)
        for (party, asset), amount in plan.receipts.items():
            came = inbox.get((party, asset), ())
            if not party.tag and party not in plan.stops:
                self._put((party.address, asset, ""), amount, came, plan.at.at)

    def _pay(self, plan: Plan, spends: Mapping[Address, bool], inbox: Inbox) -> tuple[Given, Given]:
        """Put payments into the inbox; -> what is exchanged, by payer, and what is handed on, by who hands it on."""
        swapped: Given = defaultdict(list)
        handed: Given = defaultdict(list)
        reported: dict[Party, Mix] = {}
        for spend in plan.spends:
            amount = sum(leg.amount for leg in spend.legs)
            taken = reported.get(spend.payer) or Mix(amount)
            if not spend.payer.tag and spends.get(spend.payer.address):
                taken = self._take((spend.payer.address, spend.asset, ""), amount, plan.at.at)
            for leg in spend.legs:
                mix = taken.part(leg.amount)
                if leg.to in plan.reported:
                    reported[leg.to] = self._report(plan.reported[leg.to], mix)
                elif leg.to is None:
                    swapped[spend.payer].append((spend.asset, mix))
                elif leg.to in plan.hands and not leg.unresolved:
                    handed[leg.to].append((spend.asset, mix))
                else:
                    self._reach(leg.to.address, mix)
                    inbox[(leg.to, spend.asset)].extend([] if leg.unresolved else [mix])
        return swapped, handed

    def _hand_on(self, hand: Party, given: Sequence[tuple[AssetId, Mix]], to: Sequence[Target], inbox: Inbox) -> None:
        """Give on what a party got; what nobody got stands where it is."""
        for target, mix in _become(given, to):
            self._reach(target.party.address, mix)
            inbox[(target.party, target.asset)].append(mix)
        for _, mix in () if to else given:
            self._reach(hand.address, mix)

    def coins(self, plan: Coins, spends: Mapping[Address, bool]) -> None:
        """The same on bitcoin: every output carries the density of all inputs together."""
        taken = [Mix(0)]
        for paid in plan.inputs:
            if paid.sender and spends.get(paid.sender) and paid.sender not in plan.stops:
                taken.append(self._take((paid.sender, paid.asset, paid.outpoint or ""), paid.amount, plan.at.at))
            else:
                taken.append(Mix(paid.amount))
        pool = _together(taken)
        pool = pool._replace(amount=max(pool.amount, sum(output.amount for output in plan.outputs)))
        for output in plan.outputs:
            mix = pool.part(output.amount)
            if output.id in plan.reported:
                mix = self._report(output, mix)
            if output.recipient is not None:
                self._reach(output.recipient, mix)
                if output.recipient not in plan.stops:
                    made = outpoint(output.recipient, plan.at.tx_hash, output.index)
                    pot = (output.recipient, output.asset, made)
                    self._put(pot, output.amount, [mix], plan.at.at)

    def _take(self, pot: PotKey, amount: int, at: datetime) -> Mix:
        """Spend from a pot, the densest first, clean last; what was never seen coming in is made now."""
        mixes = self.tainted.get(pot)
        taken: list[Mix] = []
        while amount and mixes:
            mix = mixes.pop()
            if mix.amount > amount:
                part = mix.part(amount)
                mixes.append(mix.less(part))
                mix = part
            taken.append(mix)
            amount -= mix.amount
        clean = min(amount, self.clean.get(pot, 0))
        if clean:
            self.clean[pot] -= clean
        return _together([*taken, Mix(clean), self._fresh(pot, amount - clean, at)])

    def _fresh(self, pot: PotKey, amount: int, at: datetime) -> Mix:
        """An amount without history: the origin's at a reported address, else clean."""
        address, asset, _ = pot
        if not amount or self.origins.would_be(address, asset, at) is None:
            return Mix(amount)
        return self._originate(address, asset, amount)

    def _originate(self, address: Address | None, asset: AssetId, amount: int) -> Mix:
        self.originated[asset] += amount * WHOLE
        if address is not None:
            self.reached[(address, asset)] += amount * WHOLE
        return Mix(amount, amount * WHOLE, {asset: amount * WHOLE})

    def _report(self, transfer: Transfer, mix: Mix) -> Mix:
        """Make what is clean of a reported payment its origin's, up to what was reported."""
        _, most = self.origins.payments[transfer.id]
        clean = mix.amount - -(-mix.tainted // WHOLE)
        made = self._originate(None, transfer.asset, min(clean, most))
        return _together([mix._replace(amount=mix.amount - made.amount), made])

    def _put(self, pot: PotKey, amount: int, came: Sequence[Mix], at: datetime) -> None:
        """Let what was received into a pot as one mix; an unread address only holds, so nothing need be kept there."""
        if not amount or not self.keeps(pot[0]):
            return
        tainted = sum(mix.tainted for mix in came)
        made = self._fresh(pot, amount - -(-tainted // WHOLE), at)
        if not tainted and not made.tainted:
            self.clean[pot] += amount
            return
        mix = _together([*came, made])
        insort_left(self.tainted[pot], mix._replace(amount=amount), key=_density)

    def _reach(self, address: Address, mix: Mix) -> None:
        for asset, mine in mix.value.items():
            self.reached[(address, asset)] += mine


def _become(given: Sequence[tuple[AssetId, Mix]], targets: Sequence[Target]) -> Iterator[tuple[Target, Mix]]:
    """What becomes what: equal shares per asset received, equal weight per asset given."""
    if not targets or not any(mix.tainted for _, mix in given):
        return
    by_asset: dict[AssetId, list[Mix]] = defaultdict(list)
    for asset, mix in given:
        by_asset[asset].append(mix)
    mixes = [_together(mine) for mine in by_asset.values()]
    density = sum(_density(mix) for mix in mixes if mix.amount) // len(mixes)
    value = {asset: parts(mine, [1] * len(targets)) for asset, mine in _together(mixes).value.items()}
    for number, target in enumerate(targets):
        mine = {asset: shared[number] for asset, shared in value.items()}
        yield target, Mix(target.amount, target.amount * density, mine)


# --- rankings ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What a ranking may look at: one fold's origins, its books by method, and its mixes."""

    origins: Origins
    books: Mapping[str, Book]
    mixes: Mixes


def densest(seen: Seen) -> Worth:
    """The share that reached the address where pots spend their densest mix first."""
    return shares(seen.mixes.reached, seen.mixes.originated, seen.origins)


def by_method(seen: Seen, method: str) -> Worth:
    """The share that reached the address under a method."""
    found, book = seen.origins.found, seen.books[method]
    originated: dict[AssetId, int] = defaultdict(int)
    for origin, amount in book.originated.items():
        originated[found[origin].asset] += amount
    reached: dict[tuple[Address, AssetId], int] = defaultdict(int)
    for (address, origin), amount in book.reached().items():
        reached[(address, found[origin].asset)] += amount
    return shares(reached, originated, seen.origins)


def densest_then_haircut(seen: Seen) -> Worth:
    """The densest share; haircut's, at a millionth, orders what that leaves equal, above all what it leaves at 0."""
    first, then, nothing = densest(seen), by_method(seen, "haircut"), Fraction(0)
    return {
        address: (first.get(address, nothing) + then.get(address, nothing) * MINOR) / (1 + MINOR)
        for address in first.keys() | then.keys()
    }


RANKINGS: dict[str, Callable[[Seen], Worth]] = {
    **{method: partial(by_method, method=method) for method in METHODS},
    "densest": densest,
    "densest_then_haircut": densest_then_haircut,
}
DEFAULT_RANKING = "densest_then_haircut"  # measured: the README's figures compare it with others


def shares(reached: Mapping[tuple[Address, AssetId], int], originated: Value, origins: Origins) -> Worth:
    """Of all that was originated in an asset, the largest share that reached each address; at most 1."""
    weights = {asset: Fraction(1) if _vouched(asset, origins) else MINOR**2 for asset in originated}
    best: Worth = {}
    for (address, asset), amount in reached.items():
        if originated.get(asset):
            share = min(Fraction(amount, originated[asset]), Fraction(1)) * weights[asset]
            best[address] = max(share, best.get(address, share))
    return best


def _vouched(asset: AssetId, origins: Origins) -> bool:
    return is_listed(asset) or not is_on_chain(asset) or asset in origins.named
