"""Worlds for deposit addresses: exchanges that empty them in four ways, and those who do nearly the same.

`sweeps(seed)` knows which addresses are deposit addresses of whom, and of everybody else what they are. Exchanges empty
theirs one by one with gas sent just before (*single*), many in one transaction (*batched*), with gas sent when the
address was given out (*funded*), or with gas from a wallet that nobody knows as theirs (*station*). A few deposit
addresses are on the lists already, and some sweeps go to a wallet of the exchange that is on none.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from tests.makers import USDT, label
from tests.worlds.stage import DOLLAR, ETH, USDC, Stage, zero
from tracer.model import NATIVE, Address, AssetId, Category, Kind, Label, Transaction, Transfer, transfer_id

TRON = "tron:728126428"
TRON_ASSETS = {
    USDT: AssetId(TRON, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    USDC: AssetId(TRON, "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8"),
    ETH: AssetId(TRON, NATIVE),
}
STYLES = ("single", "batched", "funded", "station")
NAMES = ("Avocet", "Brambling", "Crossbill", "Dotterel")
DAYS = 60
GAS = 4 * 10**15  # wei that a sweep of the native coin leaves for its fee
FED = 7 * 10**15  # wei that a deposit address has before a sweep of tokens
SUN = 12, 10**9  # so many sun for so many wei, in dollars the same
CUSTOMERS = 45


@dataclass(frozen=True)
class Swept:
    """A world. `deposits`: whose each unlabelled deposit address is; `kinds`: what everybody with an address is."""

    seed: int
    transactions: tuple[Transaction, ...]
    labels: tuple[Label, ...]
    deposits: Mapping[Address, str]
    kinds: Mapping[Address, str]

    def of(self) -> Mapping[Address, list[Transaction]]:
        """The transactions that touch each address."""
        return touching(self.transactions)


def touching(transactions: Iterable[Transaction]) -> Mapping[Address, list[Transaction]]:
    """The transactions that touch each address."""
    found: dict[Address, list[Transaction]] = defaultdict(list)
    for one in transactions:
        for end in {end for t in one.transfers for end in (t.sender, t.recipient) if end}:
            found[end].append(one)
    return found


@dataclass
class Exchange:
    """Its wallets; `hot` is on the lists, `inner` (a second wallet, a cold one) is not."""

    name: str
    style: str
    hot: Address
    inner: Address
    cold: Address
    operator: Address
    given: list[Address] = field(default_factory=list)  # deposit addresses


@dataclass
class Making:
    """A world while it is made."""

    seed: int
    stage: Stage
    kinds: dict[Address, str] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    deposits: dict[Address, str] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    people: list[Address] = field(default_factory=list)
    due: set[Address] = field(default_factory=set)  # deposit addresses with a sweep ahead
    listed: set[Address] = field(default_factory=set)

    @property
    def chance(self) -> random.Random:
        """What is left to chance."""
        return self.stage.chance

    def at(self, kind: str) -> Address:
        """A new address of that kind; it buys its gas at some exchange."""
        address = self.stage.address()
        self.kinds[address] = kind
        if self.exchanges:
            self.stage.fuel[address] = self.chance.choice(self.exchanges).hot
            self.later_gas(address)
        return address

    def later_gas(self, address: Address) -> None:
        """Half of the people get the coins for their fees from somebody else, the others buy them as they need them."""
        if self.people and self.chance.random() < 0.5:
            amount = self.chance.randrange(15, 80) * 10**15
            self.pay(self.chance.choice(self.people), address, ETH, amount)

    def list_as(self, address: Address, name: str, category: Category = Category.EXCHANGE) -> None:
        """Put an address on the lists."""
        self.labels.append(label(address, entity=name, category=category, source="a list"))
        self.stage.labelled.add(address)

    def asset(self) -> AssetId:
        """What somebody uses."""
        return self.chance.choices([USDT, ETH, USDC], [55, 30, 15])[0]

    def amount(self, asset: AssetId, dollars: float = 0) -> int:
        """Some dollars of an asset; people like round numbers."""
        dollars = dollars or self.chance.lognormvariate(6.8, 1.1) + 40
        whole = round(dollars, -1) if self.chance.random() < 0.5 else dollars
        return max(1, int(whole * 100)) * DOLLAR[asset] // 100

    def mint(self, address: Address, asset: AssetId, amount: int) -> None:
        """What somebody has to begin with."""
        self.stage.do(zero(), (zero(), address, asset, amount), free=True)

    def pay(self, sender: Address, recipient: Address, asset: AssetId, amount: int) -> int:
        """Pay, or less where there is less; -> what was paid."""
        amount = min(amount, self.stage.free(sender, asset))
        if amount > 0:
            self.stage.do(sender, (sender, recipient, asset, amount))
        return max(0, amount)

    def everything(self, sender: Address, recipient: Address, asset: AssetId) -> None:
        """Pay all there is, of a native coin all but a fee."""
        held = self.stage.balances[(sender, asset)] - (GAS if asset == ETH else 0)
        if held > 0:
            self.stage.do(sender, (sender, recipient, asset, held))

    def some_day(self) -> float:
        """In so many hours."""
        return self.chance.uniform(0.02, 0.9) * DAYS * 24

    # exchanges

    def open(self, name: str, style: str) -> None:
        """An exchange with a wallet that everybody knows, and three that nobody does."""
        hot, inner, cold, operator = (self.at("exchange's own") for _ in range(4))
        self.list_as(hot, name)
        for asset, unit in DOLLAR.items():
            self.mint(hot, asset, 10**9 * unit)
        self.stage.do(hot, (hot, operator, ETH, 500 * 10**18))
        made = Exchange(name, style, hot, inner, cold, operator)
        self.stage.fuel |= dict.fromkeys((inner, cold, operator), hot)
        self.exchanges.append(made)
        for _ in range(12):
            self.stage.later(self.some_day(), partial(self._balance, made))

    def _balance(self, one: Exchange) -> None:
        """Money goes to the cold wallet and back, and the second wallet is emptied or pays somebody out."""
        asset = self.asset()
        amount = self.amount(asset, 50_000)
        self.stage.do(one.hot, (one.hot, one.cold, asset, amount))
        self.stage.later(self.stage.hours(5, 90), lambda: self.everything(one.cold, one.hot, asset))
        if self.chance.random() < 0.5:
            self.everything(one.inner, one.hot, asset)
        else:
            self.pay(one.inner, self.chance.choice(self.people), asset, self.amount(asset))

    def give(self, one: Exchange) -> Address:
        """A customer's own address there; one in seven is on somebody's list already."""
        address = self.stage.address()
        one.given.append(address)
        self.stage.fuel[address] = one.operator if one.style in ("station", "funded") else one.hot
        if self.chance.random() < 1 / 7:
            self.listed.add(address)
            self.kinds[address] = "listed deposit"
        else:
            self.kinds[address] = f"deposit, {one.style}"
            self.deposits[address] = one.name
        if one.style == "funded":
            self.stage.do(one.operator, (one.operator, address, ETH, self.chance.randrange(15, 40) * 10**15))
        return address

    def saved(self, payer: Address, deposit: Address, one: Exchange, asset: AssetId, amount: int) -> None:
        """Somebody pays into a deposit address; it is swept some time later."""
        if self.pay(payer, deposit, asset, amount) and deposit not in self.due:
            self.due.add(deposit)
            hours = self.stage.hours(6, 40) if one.style == "batched" else self.stage.hours(0.1, 14)
            self.stage.later(hours, lambda: self._sweep(one, deposit))

    def _sweep(self, one: Exchange, deposit: Address) -> None:
        to = one.inner if one.style == "single" and self.chance.random() < 0.03 else one.hot
        if one.style == "batched":
            self._batch(one, to)
            return
        self.due.discard(deposit)
        for asset in (USDT, USDC):
            if self.stage.balances[(deposit, asset)]:
                self._feed(one, deposit)
                self.stage.later(0.05, partial(self.everything, deposit, to, asset))
        if self.stage.balances[(deposit, ETH)] > 4 * 10**16:
            self.everything(deposit, to, ETH)

    def _feed(self, one: Exchange, deposit: Address) -> None:
        """About what the sweep will cost, from the wallet that everybody knows or from another one."""
        lacking = FED - self.stage.balances[(deposit, ETH)]
        if lacking > 0:
            payer = one.operator if one.style == "station" else one.hot
            self.stage.do(payer, (payer, deposit, ETH, lacking))

    def _batch(self, one: Exchange, to: Address) -> None:
        """All that lies at their addresses in one transaction of the operator's for each asset."""
        ready = sorted(self.due & {*one.given})
        self.due -= {*ready}
        for asset in (USDT, USDC, ETH):
            held = [(who, to, asset, self.stage.balances[(who, asset)]) for who in ready]
            moves = [move for move in held if move[3] > 0]
            if moves:
                self.stage.do(one.operator, *moves)

    # people

    def customer(self, one: Exchange) -> None:
        """Somebody with a wallet and a deposit address, used once or often; now and then another pays into it."""
        wallet = self.at("person")
        self.people.append(wallet)
        deposit = self.give(one)
        for asset, unit in DOLLAR.items():
            self.mint(wallet, asset, self.chance.randrange(500, 60_000) * unit)
        times = min(12, 1 + int(self.chance.expovariate(1 / 3)))
        other = self.chance.choice(self.exchanges)
        liked = self.asset()
        for _ in range(times):
            asset = liked if self.chance.random() < 0.8 else self.asset()
            payer = wallet
            if self.chance.random() < 0.15 and other is not one:
                payer = other.hot
            elif self.chance.random() < 0.15:
                payer = self.chance.choice(self.people)
            amount = self.amount(asset)
            self.stage.later(self.some_day(), partial(self.saved, payer, deposit, one, asset, amount))
        if self.chance.random() < 0.5:
            friend = self.chance.choice(self.people)
            self.stage.later(self.some_day(), lambda: self.pay(wallet, friend, USDT, self.amount(USDT)))

    def place(self) -> Address:
        """An address that everybody knows to be an exchange's: mostly a wallet, at times a listed deposit address."""
        listed = sorted(self.listed)
        return self.chance.choice(listed) if listed and self.chance.random() < 0.3 else self._hot()

    def _hot(self) -> Address:
        return self.chance.choice(self.exchanges).hot

    def once(self) -> None:
        """Somebody is paid by a friend, and sends it to an exchange: part of it, or all."""
        who, asset, friend = self.at("user, once"), self.asset(), self.chance.choice(self.people)
        amount, to, all_of_it = self.amount(asset), self.place(), self.chance.random() < 0.4

        def send() -> None:
            if all_of_it:
                self.everything(who, to, asset)
            else:
                self.pay(who, to, asset, amount * self.chance.randrange(50, 100) // 100)

        start = self.some_day()
        self.stage.later(start, lambda: self.pay(friend, who, asset, amount))
        self.stage.later(start + self.stage.hours(0.5, 60), send)

    def returner(self) -> None:
        """Somebody takes coins out of an exchange and brings them back."""
        who, one, asset = self.at("user, back and forth"), self.chance.choice(self.exchanges), self.asset()
        for _ in range(self.chance.randrange(1, 4)):
            start, amount = self.some_day(), self.amount(asset)
            self.stage.later(start, partial(self.stage.do, one.hot, (one.hot, who, asset, amount)))
            self.stage.later(start + self.stage.hours(1, 100), partial(self.everything, who, one.hot, asset))

    def trader(self) -> None:
        """Somebody who pays an exchange often, others sometimes, and keeps some."""
        who, asset = self.at("user, often"), self.asset()
        self.mint(who, asset, self.amount(asset, 30_000))
        to = self.place()
        for _ in range(self.chance.randrange(2, 8)):
            self.stage.later(self.some_day(), lambda: self.pay(who, to, asset, self.amount(asset)))
        for _ in range(self.chance.randrange(0, 3)):
            friend = self.chance.choice(self.people)
            self.stage.later(self.some_day(), partial(self.pay, who, friend, asset, self.amount(asset)))

    def merchant(self) -> None:
        """Customers pay; what came in goes to an exchange every few days, round or all; suppliers are paid at times."""
        who, asset, to = self.at("merchant"), self.chance.choice([USDT, USDC]), self.place()
        supplied, all_of_it = self.chance.random() < 0.6, self.chance.random() < 0.5
        for _ in range(self.chance.randrange(6, 40)):
            payer = self.chance.choice(self.people)
            self.stage.later(self.some_day(), partial(self.pay, payer, who, asset, self.amount(asset, 150)))

        def bank() -> None:
            if all_of_it:
                self.everything(who, to, asset)
            else:
                held = self.stage.free(who, asset) // DOLLAR[asset] // 100 * 100
                self.pay(who, to, asset, held * DOLLAR[asset])
            if supplied and self.chance.random() < 0.6:
                self.pay(who, self.chance.choice(self.people), asset, self.amount(asset, 100))

        for day in range(7, DAYS + 5, self.chance.randrange(3, 9)):
            self.stage.later(day * 24 + self.chance.random() * 10, bank)

    def processor(self, straight: bool) -> None:
        """A payment processor: an address an invoice, emptied into its own wallet, or straight into its account."""
        wallet, to = self.at("processor's wallet"), self.place()
        purse = self.at("processor's purse")
        for _ in range(self.chance.randrange(15, 40)):
            invoice = self.at("invoice")
            self.stage.fuel[invoice] = purse
            for _ in range(1 if self.chance.random() < 0.9 else 2):
                start, payer = self.some_day(), self.chance.choice(self.people)
                amount = self.amount(USDT, 200)
                self.stage.later(start, partial(self.pay, payer, invoice, USDT, amount))
                hours = start + self.stage.hours(0.3, 10)
                self.stage.later(hours, partial(self.everything, invoice, to if straight else wallet, USDT))
        for day in range(6, DAYS + 5, 6):
            self.stage.later(day * 24.0, lambda: self.everything(wallet, to, USDT))

    def launderer(self) -> None:
        """Somebody's money passes: a part to an exchange, a part on; at times first all of it to the exchange."""
        who, nxt, asset = self.at("launderer"), self.at("launderer"), self.asset()
        payer, to = self.chance.choice(self.people), self.place()
        for _ in range(self.chance.randrange(1, 4)):
            start = self.some_day()
            self.stage.later(start, partial(self.pay, payer, who, asset, self.amount(asset, 3000)))
            self.stage.later(start + 2, partial(self.everything, who, to, asset))
            more = start + self.stage.hours(5, 50)
            self.stage.later(more, partial(self.pay, payer, who, asset, self.amount(asset, 3000)))
            self.stage.later(more + 2, partial(self.everything, who, nxt, asset))


def sweeps(seed: int, *, tron: bool = False) -> Swept:
    """The world of a seed, the same every time; `tron`: the same happens there, and nobody knows the blocks."""
    made = Making(seed, Stage(random.Random(f"sweeps {seed}")))
    styles = list(STYLES)
    made.chance.shuffle(styles)
    for name, style in zip(NAMES, styles, strict=True):
        made.open(name, style)
    for one in made.exchanges:
        for _ in range(CUSTOMERS):
            made.customer(one)
    for act, times in (
        (made.once, 40),
        (made.returner, 20),
        (made.trader, 20),
        (made.merchant, 10),
        (partial(made.processor, False), 2),
        (partial(made.processor, True), 1),
        (made.launderer, 8),
    ):
        for _ in range(times):
            act()
    made.stage.run()
    for address in sorted(made.listed):
        made.list_as(address, next(one.name for one in made.exchanges if address in one.given))
    moved = {end for one in made.stage.transactions for t in one.transfers for end in (t.sender, t.recipient)}
    deposits = {address: name for address, name in made.deposits.items() if address in moved and _used(made, address)}
    world = Swept(seed, tuple(made.stage.transactions), tuple(made.labels), deposits, made.kinds)
    return _on_tron(world) if tron else world


def _used(made: Making, address: Address) -> bool:
    """True if it was paid into and emptied: what was not cannot be told from any other address."""
    return any(t.sender == address and t.kind is not Kind.FEE for one in made.stage.transactions for t in one.transfers)


def _on_tron(world: Swept) -> Swept:
    """The same on the other chain: addresses and assets are renamed, blocks unknown."""

    def place(one: Address | None) -> Address | None:
        return one and Address(TRON, f"T{one.text[2:]}")

    def moved(one: Transfer, tx_hash: str) -> Transfer:
        ends = (place(one.sender), place(one.recipient))
        n = int(one.id.rsplit(":", 1)[1])
        asset = TRON_ASSETS[one.asset]
        amount = max(1, one.amount * SUN[0] // SUN[1]) if one.asset == ETH else one.amount
        key = transfer_id(TRON, tx_hash, one.kind, asset, *ends, amount, n)
        return replace(one, id=key, asset=asset, amount=amount, sender=ends[0], recipient=ends[1])

    def settled(one: Transaction) -> Transaction:
        ordered = tuple(sorted((moved(t, one.tx_hash) for t in one.transfers), key=lambda t: t.id))
        return replace(one, chain=TRON, block=None, initiator=place(one.initiator), transfers=ordered)

    def renamed(found: Mapping[Address, str]) -> dict[Address, str]:
        return {Address(TRON, f"T{one.text[2:]}"): said for one, said in found.items()}

    labels = tuple(replace(one, address=Address(TRON, f"T{one.address.text[2:]}")) for one in world.labels)
    deposits, kinds = renamed(world.deposits), renamed(world.kinds)
    return Swept(world.seed, tuple(map(settled, world.transactions)), labels, deposits, kinds)
