"""A gang: intake, collectors, and every way they send money on until it is cashed out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.worlds.crowd import Crowd
from tests.worlds.market import Market
from tests.worlds.stage import DOLLAR, ETH, Place, Stage
from tests.worlds.world import Hop
from tracer.model import Address, AssetId, Category

LEAST = 300  # dollars below which nothing more is done


@dataclass
class Parcel:
    """Victims' money at an address, how many hops it has left before it is cashed out, and whose it is."""

    at: Address
    asset: AssetId
    amount: int
    left: int
    of: frozenset[str]  # hashes of the payments it is meant to be made of


@dataclass
class Gang:
    """Who launders, through at most `size` addresses, `mules` (a share) of them people with money of their own."""

    stage: Stage
    market: Market
    crowd: Crowd
    size: int
    mules: float = 0.4
    cash_until: float = 1e9  # hours: until when desks are busy
    roles: dict[Address, str] = field(default_factory=dict)
    behaviour: dict[Address, str] = field(default_factory=dict)
    hops: list[Hop] = field(default_factory=list)
    members: list[Address] = field(default_factory=list)
    _collectors: list[Address] = field(default_factory=list)
    _intakes: dict[Address, int] = field(default_factory=dict)
    _collected: dict[Place, Parcel] = field(default_factory=dict)

    def open(self) -> None:
        """Get a purse for gas, collectors, and accounts at exchanges under others' names."""
        self.purse = self.stage.address()
        self.roles[self.purse] = "funder"
        self.stage.fuel[self.purse] = self.market.exchanges[1]
        self._collectors = [self.fresh() for _ in range(max(2, self.size // 40))]
        self._accounts = [self.stage.address() for _ in range(max(3, self.size // 8))]

    def fresh(self) -> Address:
        """A new address, its gas from the purse."""
        address = self.stage.address()
        self.stage.fuel[address] = self.purse
        return address

    def collector_of(self, intake: Address) -> Address:
        """Where an intake address sends what it got."""
        return self._collectors[self._intakes.setdefault(intake, len(self._intakes)) % len(self._collectors)]

    # how money comes and goes

    def got(self, parcel: Parcel, why: str) -> None:
        """Money came to one of theirs: it lies some hours."""
        if parcel.at not in self.roles:
            self.roles[parcel.at] = "transit"
            self.members.append(parcel.at)
            self.behaviour[parcel.at] = why
        self.stage.kept[(parcel.at, parcel.asset)] += parcel.amount
        if parcel.at in self._collectors and why in ("intake", "consolidation"):
            self._collect(parcel)
        else:
            self.stage.later(self.stage.hours(1, 60), lambda: self._move_on(parcel))

    def _collect(self, parcel: Parcel) -> None:
        place = (parcel.at, parcel.asset)
        if place in self._collected:
            lying = self._collected[place]
            lying.amount += parcel.amount
            lying.of |= parcel.of
        else:
            self._collected[place] = parcel
            self.stage.later(self.stage.hours(8, 90), lambda: self._move_on(self._collected.pop(place)))

    def send(self, parcel: Parcel, to: Address, amount: int, why: str, left: int) -> None:
        """One hop between their addresses."""
        tx_hash = self.stage.do(parcel.at, (parcel.at, to, parcel.asset, amount))
        self.hop(tx_hash, parcel, to, amount, why)
        self.got(Parcel(to, parcel.asset, amount, left, parcel.of), why)

    def hop(self, tx_hash: str, parcel: Parcel, to: Address, amount: int, why: str) -> None:
        """Note what was meant, and now and then be copied by somebody who hopes for a slip of the finger."""
        self.hops.append(Hop(tx_hash, parcel.at, to, parcel.asset, amount, why, parcel.of))
        if self.stage.chance.random() < 0.15 and parcel.asset != ETH and why not in ("bundle", "swap_to"):
            self.stage.later(self.stage.hours(0.1, 5), lambda: self._poison(parcel.at, to, parcel.asset))

    def _poison(self, victim: Address, known: Address, asset: AssetId) -> None:
        fake = self.stage.like(known)
        self.stage.fuel[fake] = self.market.exchanges[0]
        self.stage.do(fake, (victim, fake, asset, 0), dust=True)
        if self.stage.chance.random() < 0.5:
            self.stage.do(fake, (fake, victim, asset, self.stage.chance.randrange(1, 9_999)), dust=True)

    # what is done next

    def _move_on(self, parcel: Parcel) -> None:
        self.stage.kept[(parcel.at, parcel.asset)] -= parcel.amount
        parcel.amount = min(parcel.amount, self.stage.free(parcel.at, parcel.asset))
        dollars = parcel.amount // DOLLAR[parcel.asset]
        if dollars < LEAST:
            return
        if parcel.left <= 0 or (dollars < 10 * LEAST and self.stage.chance.random() < 0.5):
            self._cash(parcel, parcel.amount)
        else:
            ways, weights = zip(*self._ways(), strict=True)
            self.stage.chance.choices(ways, weights)[0](parcel)

    def _ways(self) -> list[tuple[Callable[[Parcel], None], int]]:
        return [
            (self._peel, 34),
            (self._forward, 14),
            (self._split, 14),
            (self._consolidate, 8),
            (self._swap, 10),
            (self._swap_to, 5),
            (self._loop, 4),
            (self._bundle, 5),
            (self._some_cash, 6),
        ]

    def _next(self, parcel: Parcel) -> Address:
        """Where to next: somebody with money of their own, an address lent out to others too, or a new one."""
        chance = self.stage.chance
        if len(self.members) >= self.size:
            return chance.choice([one for one in self.members if one != parcel.at])
        if chance.random() < self.mules:
            mule = self.crowd.rich(parcel.asset, parcel.amount * chance.choice((1, 2, 4, 8, 16)) // 8)
            if mule is not None and mule.address != parcel.at:
                return mule.address
        address = self.fresh()
        if chance.random() < 0.4:
            self._lend(address, parcel)
        return address

    def _lend(self, address: Address, parcel: Parcel) -> None:
        """Others use the address too, before and after, and are paid out."""
        self._strangers(address, parcel)
        self.stage.later(self.stage.hours(2, 90), lambda: self._strangers(address, parcel))
        self.stage.later(self.stage.hours(60, 300), lambda: self._pay_out(address, parcel.asset))

    def _strangers(self, address: Address, parcel: Parcel) -> None:
        for _ in range(self.stage.chance.randrange(1, 4)):
            amount = parcel.amount // self.stage.chance.randrange(3, 12)
            stranger = self.crowd.rich(parcel.asset, amount)
            if stranger is not None and amount and stranger.address != address:
                self.stage.do(stranger.address, (stranger.address, address, parcel.asset, amount))

    def _pay_out(self, address: Address, asset: AssetId) -> None:
        for one in self.crowd.some(3):
            amount = self.stage.free(address, asset) // self.stage.chance.randrange(1, 4)
            if amount and one.address != address:
                self.stage.do(address, (address, one.address, asset, amount))

    def _peel(self, parcel: Parcel) -> None:
        """A small part is cashed out, the rest goes to the next address."""
        part = parcel.amount * self.stage.chance.randrange(2, 12) // 100
        self._cash(parcel, part)
        self._on(parcel, parcel.amount - part, "peel", 1)

    def _on(self, parcel: Parcel, amount: int, why: str, hops: int) -> None:
        to = self._next(parcel) if self._at_most(parcel, amount) else None
        if to and (amount := self._at_most(parcel, amount)):
            self.send(parcel, to, amount, why, parcel.left - hops)

    def _at_most(self, parcel: Parcel, amount: int) -> int:
        """What can still be paid: a fee may have come out of it, or a stranger's own payment to the next address."""
        return min(amount, self.stage.free(parcel.at, parcel.asset))

    def _forward(self, parcel: Parcel) -> None:
        self._on(parcel, parcel.amount * self.stage.chance.randrange(96, 101) // 100, "forward", 1)

    def _split(self, parcel: Parcel) -> None:
        for part in range(self.stage.chance.randrange(2, 5), 0, -1):
            share = parcel.amount // part * self.stage.chance.randrange(60, 101) // 100 if part > 1 else parcel.amount
            parcel.amount -= share
            self._on(parcel, share, "split", 2)

    def _consolidate(self, parcel: Parcel) -> None:
        to = self.stage.chance.choice([one for one in self._collectors if one != parcel.at])
        self.send(parcel, to, parcel.amount, "consolidation", parcel.left - 2)

    def _loop(self, parcel: Parcel) -> None:
        """Back to an address it may well have come from."""
        earlier = [one for one in self.members if one != parcel.at and self.roles[one] == "transit"]
        if earlier:
            self.send(parcel, self.stage.chance.choice(earlier), parcel.amount, "loop", parcel.left - 2)

    def _swap(self, parcel: Parcel) -> None:
        into = self.market.other_asset(parcel.asset)
        _, received = self.market.swap(parcel.at, parcel.asset, parcel.amount, into)
        self.got(Parcel(parcel.at, into, received, parcel.left, parcel.of), "swap")

    def _swap_to(self, parcel: Parcel) -> None:
        """What a named pool gives goes straight to the next address."""
        into, to = self.market.other_asset(parcel.asset), self._next(parcel)
        amount = self._at_most(parcel, parcel.amount)
        tx_hash, received = self.market.swap(parcel.at, parcel.asset, amount, into, to)
        self.hop(tx_hash, parcel, to, amount, "swap_to")
        self.got(Parcel(to, into, received, parcel.left - 1, parcel.of), "swap_to")

    def _bundle(self, parcel: Parcel) -> None:
        to = self._next(parcel)
        amount = self._at_most(parcel, parcel.amount)
        others = self.crowd.payments(parcel.asset, {parcel.at, to})
        tx_hash = self.market.bundle([(parcel.at, to, amount), *others], parcel.asset)
        self.hop(tx_hash, parcel, to, amount, "bundle")
        self.got(Parcel(to, parcel.asset, amount, parcel.left - 1, parcel.of), "bundle")

    def _some_cash(self, parcel: Parcel) -> None:
        part = parcel.amount * self.stage.chance.randrange(25, 75) // 100
        self._cash(parcel, part)
        self._on(parcel, parcel.amount - part, "part_cashed", 1)

    # where it leaves

    def _cash(self, parcel: Parcel, amount: int) -> None:
        """Cash out: at a deposit address, straight at an exchange, a swapper, mixer, bridge, or a desk."""
        chance, market = self.stage.chance, self.market
        kinds = ["deposit", Category.EXCHANGE, Category.SWAPPER, Category.MIXER, Category.BRIDGE, "desk"]
        kind = chance.choices(kinds, [40, 26, 9, 8, 9, 8])[0]
        if kind == "desk" and market.hubs and self.stage.now < self.cash_until * 3600:
            to = chance.choice(market.hubs)
        elif kind in market.by:
            to = chance.choice(market.by[Category(kind)])
        elif kind == Category.EXCHANGE:
            to = chance.choice(market.exchanges)
        else:
            to = market.deposit_address(chance.choice(self._accounts), chance.choice(market.exchanges))
            market.swept_later(to)
        if amount:
            self.roles.setdefault(to, "terminal")
            self.hop(self.stage.do(parcel.at, (parcel.at, to, parcel.asset, amount)), parcel, to, amount, "cash_out")
