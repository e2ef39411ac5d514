"""Where money comes from, changes form and goes: exchanges, pools, routers, hubs, swappers, mixers, bridges."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tests.makers import USDT
from tests.worlds.stage import ASSETS, DOLLAR, ETH, USDC, Stage, zero
from tracer.model import Address, AssetId, Category, Label

EXCHANGES = ["Albatross", "Bittern", "Cormorant", "Dunlin", "Egret"]
OTHERS = {
    Category.SWAPPER: ["Fulmar Swap", "Godwit Swap"],
    Category.MIXER: ["Heron Mixer"],
    Category.BRIDGE: ["Ibis Bridge", "Jacana Bridge"],
    Category.DEX: ["Kestrel Pool", "Lapwing Pool"],
}


@dataclass
class Market:
    """The services of a world, and what people do there."""

    stage: Stage
    labels: list[Label] = field(default_factory=list)
    exchanges: list[Address] = field(default_factory=list)  # hot wallets
    by: dict[Category, list[Address]] = field(default_factory=dict)
    pools: list[Address] = field(default_factory=list)  # unlabelled
    routers: list[Address] = field(default_factory=list)  # unlabelled
    hubs: list[Address] = field(default_factory=list)  # unlabelled and busy: desks that change coins into cash
    deposits: dict[tuple[Address, Address], Address] = field(default_factory=dict)  # customer, exchange -> address
    at: dict[Address, Address] = field(default_factory=dict)  # deposit address -> its exchange
    _sweeping: set[Address] = field(default_factory=set)

    def open(self, hubs: int) -> None:
        """Set up every service with money from the zero address; pools without a name get theirs from an exchange."""
        for name in EXCHANGES:
            self.exchanges.append(self._named(name, Category.EXCHANGE))
        for category, names in OTHERS.items():
            self.by[category] = [self._named(name, category) for name in names]
        for rich in (*self.exchanges, *self.by[Category.DEX], *self.by[Category.SWAPPER], *self.by[Category.MIXER]):
            self.stage.do(zero(), *((zero(), rich, asset, 10**10 * unit) for asset, unit in DOLLAR.items()), free=True)
        self.pools = [self.stage.address() for _ in range(3)]
        self.routers = [self.stage.address() for _ in range(2)]
        self.hubs = [self.stage.address() for _ in range(hubs)]
        for place, dollars in (*((pool, 10**8) for pool in self.pools), *((hub, 10**6) for hub in self.hubs)):
            self.stage.fuel[place] = self.exchanges[0]
            for asset in ASSETS:
                self.withdraw(self.exchanges[0], place, asset, dollars * DOLLAR[asset])

    def _named(self, name: str, category: Category) -> Address:
        address = self.stage.address()
        self.labels.append(Label(address, name, category, Decimal("0.9"), "its maker"))
        self.stage.labelled.add(address)
        return address

    def withdraw(self, service: Address, to: Address, asset: AssetId, amount: int) -> str:
        """A service pays a customer."""
        return self.stage.do(service, (service, to, asset, amount))

    def deposit_address(self, customer: Address, exchange: Address) -> Address:
        """The customer's own address at an exchange: it bears no label, and what comes in is swept."""
        key = (customer, exchange)
        if key not in self.deposits:
            self.deposits[key] = self.stage.address()
            self.at[self.deposits[key]] = exchange
            self.stage.fuel[self.deposits[key]] = exchange
        return self.deposits[key]

    def swept_later(self, deposit: Address) -> None:
        """The exchange collects what lies at a deposit address some time later."""
        if deposit not in self._sweeping:
            self._sweeping.add(deposit)
            self.stage.later(self.stage.hours(0.2, 20), lambda: self._sweep(deposit))

    def _sweep(self, deposit: Address) -> None:
        self._sweeping.discard(deposit)
        for asset in ASSETS:
            amount = self.stage.free(deposit, asset)
            if amount:
                self.stage.do(deposit, (deposit, self.at[deposit], asset, amount))

    def swap(
        self, who: Address, asset: AssetId, amount: int, into: AssetId, to: Address | None = None
    ) -> tuple[str, int]:
        """Exchange at a pool, named or not, straight or through a router; `to` gets it where it is not `who`.

        -> transaction hash, amount received.
        """
        stage = self.stage
        pool = stage.chance.choice([*self.pools, *self.by[Category.DEX]] if to is None else self.by[Category.DEX])
        worth = amount * DOLLAR[into] // DOLLAR[asset]
        received = worth * stage.chance.randrange(9850, 10_000) // 10_000
        way = [who, *stage.chance.sample(self.routers, stage.chance.random() < 0.4), pool]
        paid = [(one, other, asset, amount) for one, other in zip(way, way[1:], strict=False)]
        return stage.do(who, *paid, (pool, to or who, into, received)), received

    def other_asset(self, asset: AssetId) -> AssetId:
        """What somebody exchanges an asset into."""
        return self.stage.chance.choice([one for one in (USDT, USDC, ETH) if one != asset])

    def bundle(self, payments: list[tuple[Address, Address, int]], asset: AssetId) -> str:
        """Several people's payments in one transaction: through a router's hands, or side by side."""
        router = self.stage.chance.choice(self.routers)
        if self.stage.chance.random() < 0.6:
            ins = [(who, router, asset, amount) for who, _, amount in payments]
            outs = [(router, to, asset, amount) for _, to, amount in payments]
            return self.stage.do(payments[0][0], *ins, *outs)
        return self.stage.do(payments[0][0], *((who, to, asset, amount) for who, to, amount in payments))
