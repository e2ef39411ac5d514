"""Ordinary people: a few very active, most hardly ever; they are paid, pay, save, exchange, and visit desks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate

from tests.makers import USDT
from tests.worlds.market import Market
from tests.worlds.stage import DOLLAR, ETH, USDC, Stage
from tracer.model import Address, AssetId

LIKED = ((USDT, 60), (ETH, 28), (USDC, 12))


@dataclass
class Person:
    """Somebody with an address, an exchange, people they know, and so many dollars to move at a time."""

    address: Address
    exchange: Address
    dollars: int
    knows: list[Person] = field(default_factory=list)


class Crowd:
    """The background: `act` lets somebody do something."""

    def __init__(self, stage: Stage, market: Market, size: int) -> None:
        self.stage, self.market = stage, market
        chance = stage.chance
        self.people = [Person(stage.address(), chance.choice(market.exchanges), self._dollars()) for _ in range(size)]
        self._weights = list(accumulate(min(chance.paretovariate(1.1), size / 20) for _ in self.people))
        for one in self.people:
            one.knows = self.some(chance.randrange(2, 9))
            stage.fuel[one.address] = one.exchange

    def _dollars(self) -> int:
        """Most people move hundreds or thousands; one in sixteen is a broker or merchant with tens of thousands."""
        chance = self.stage.chance
        return (
            int(chance.lognormvariate(10.8, 0.9) if chance.random() < 1 / 16 else chance.lognormvariate(7.5, 1.4)) + 50
        )

    def some(self, number: int) -> list[Person]:
        """People, the active ones likelier."""
        return self.stage.chance.choices(self.people, cum_weights=self._weights, k=number)

    def lively(self, days: float, actions: int) -> None:
        """Spread so many doings over so many days, and keep every desk busy some days longer."""
        for _ in range(actions):
            self.stage.later(days * 24 * self.stage.chance.random(), lambda: self.act(self.some(1)[0]))
        for hub in self.market.hubs:
            for hour in range(int((days + 9) * 24)):
                self.stage.later(hour + self.stage.chance.random(), partial(self._visit, hub))

    def asset(self) -> AssetId:
        """What somebody uses."""
        return self.stage.chance.choices([one for one, _ in LIKED], [weight for _, weight in LIKED])[0]

    def act(self, one: Person) -> None:
        """Somebody does what people do with their money."""
        asset, chance = self.asset(), self.stage.chance
        have = self.stage.free(one.address, asset)
        if have < one.dollars * DOLLAR[asset] // 10:
            self._earn(one, asset)
            return
        amount = max(1, int(have * chance.betavariate(1.2, 2.5)))
        doing = chance.choices([self._pay, self._save, self._swap, self._bundle], [56, 25, 14, 5])[0]
        doing(one, asset, amount)

    def _earn(self, one: Person, asset: AssetId) -> None:
        amount = int(one.dollars * self.stage.chance.lognormvariate(0, 0.7) * DOLLAR[asset]) + 1
        self.market.withdraw(one.exchange, one.address, asset, amount)

    def _pay(self, one: Person, asset: AssetId, amount: int) -> None:
        other = self.stage.chance.choice(one.knows) if self.stage.chance.random() < 0.8 else self.some(1)[0]
        if other is not one:
            self.stage.do(one.address, (one.address, other.address, asset, amount))

    def _save(self, one: Person, asset: AssetId, amount: int) -> None:
        if self.stage.chance.random() < 0.3:
            self.stage.do(one.address, (one.address, one.exchange, asset, amount))
        else:
            deposit = self.market.deposit_address(one.address, one.exchange)
            self.stage.do(one.address, (one.address, deposit, asset, amount))
            self.market.swept_later(deposit)

    def _swap(self, one: Person, asset: AssetId, amount: int) -> None:
        self.market.swap(one.address, asset, amount, self.market.other_asset(asset))

    def _bundle(self, one: Person, asset: AssetId, amount: int) -> None:
        friend = self._friend(one)
        others = self.payments(asset, {one.address, friend})
        self.market.bundle([(one.address, friend, amount), *others], asset)

    def _friend(self, one: Person) -> Address:
        return next((other.address for other in one.knows if other is not one), self.market.exchanges[0])

    def payments(self, asset: AssetId, but: set[Address]) -> list[tuple[Address, Address, int]]:
        """What one to three others would pay just now."""
        found = []
        for one in self.some(self.stage.chance.randrange(1, 4)):
            amount = self.stage.free(one.address, asset) // 4
            if amount and one.address not in but:
                found.append((one.address, self._friend(one), amount))
                but.add(one.address)
        payers = {who for who, _, _ in found} | but
        return [payment for payment in found if payment[1] not in payers]

    def rich(self, asset: AssetId, amount: int) -> Person | None:
        """Somebody not too busy who holds at least so much."""
        for one in self.stage.chance.choices(self.people, k=60):
            if self.stage.free(one.address, asset) >= amount:
                return one
        return None

    def _visit(self, hub: Address) -> None:
        """Somebody sells coins at a desk for cash, somebody else buys."""
        asset, chance = self.asset(), self.stage.chance
        seller, buyer = chance.sample(self.people, 2)
        amount = self.stage.free(seller.address, asset) // 3
        if amount:
            self.stage.do(seller.address, (seller.address, hub, asset, amount))
        else:
            self._earn(seller, asset)
        amount = min(self.stage.free(hub, asset), int(buyer.dollars * DOLLAR[asset] * chance.lognormvariate(0, 0.5)))
        if amount:
            self.stage.do(hub, (hub, buyer.address, asset, amount))
