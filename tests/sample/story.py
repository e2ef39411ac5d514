"""The invented case, told payment by payment: who is who, what happened, and noise around it.

Nothing here is real but the two token contracts. Every address is the end of a SHA-256 of its invented name, so that
nobody holds its key. All amounts of the story are whole cents and every swap's rate divides them without remainder.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from eth_utils.address import to_checksum_address

CHAIN = "eip155:1"
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_BLOCK = 24_557_000
SLOT = timedelta(seconds=12)
GAS = {"native": 21_000, "token": 65_000, "swap": 180_000, "mixer": 950_000}


class Coin(NamedTuple):
    """An asset as the file writes it: `native` or contract, symbol, decimals."""

    contract: str
    symbol: str
    decimals: int


class Leg(NamedTuple):
    """One movement inside a transaction, in base units; `recipient` is empty for a fee."""

    kind: str
    coin: Coin
    sender: str
    recipient: str
    amount: int


@dataclass(frozen=True)
class Tx:
    """What settled as one. `dropped` says why its legs are no transfers of value ("": they are)."""

    tx_hash: str
    at: datetime
    tx_index: int
    initiator: str
    legs: tuple[Leg, ...]
    dropped: str = ""

    @property
    def block(self) -> int:
        """A made-up height that grows by one every 12 seconds."""
        return FIRST_BLOCK + (self.at - FIRST_DAY) // SLOT


def address(name: str) -> str:
    """The address of an invented name, EIP-55."""
    return to_checksum_address(sha256(f"tracer sample: {name}".encode()).digest()[-20:])


def lookalike(genuine: str) -> str:
    """An address that shares the first four and the last four hex digits with `genuine`, as poisoners make them."""
    middle = sha256(f"tracer sample look-alike: {genuine}".encode()).hexdigest()[:32]
    return to_checksum_address(genuine[:6] + middle + genuine[-4:])


ETH = Coin("native", "ETH", 18)
USDC = Coin("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USDC", 6)
USDT = Coin("0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 6)
FAKE_USDT = Coin(address("counterfeit token"), "USDT", 6)
CYRILLIC_USDT = Coin(address("counterfeit token, Cyrillic"), "U\u0405DT", 6)  # U+0405 looks like a Latin S

HALCYON_HOT, HALCYON_DEPOSIT = address("Halcyon hot wallet"), address("Halcyon deposit 1")
LARKFIELD_HOT, LARKFIELD_DEPOSIT = address("Larkfield hot wallet"), address("Larkfield deposit 1")
BRINK_HOT, BRINK_DEPOSIT = address("Brinkmarket hot wallet"), address("Brinkmarket deposit 1")
QUAY_HOT, QUAY_DEPOSIT = address("Quaystone hot wallet"), address("Quaystone deposit 1")
HALCYON_OTHER, BRINK_OTHER = address("Halcyon deposit 2"), address("Brinkmarket deposit 2")
OXBOW = address("Oxbow Remit")
TIDE_ROUTER, TIDE_POOL, TIDE_ETH_POOL = (
    address("Tidepool router"),
    address("Tidepool USDC-USDT"),
    address("Tidepool ETH"),
)
MURMUR_ROUTER, MURMUR_POOL = address("Murmur router"), address("Murmur pool 10 ETH")
FOOTBRIDGE = address("Footbridge")

WALLETS = {n: address(f"victim {n} wallet") for n in (2, 4, 6, 7)}  # victims 1, 3 and 5 pay straight from the exchange
INTAKES = {n: address(f"intake {n}") for n in (1, 2, 3, 4)}
PEELS = {n: address(f"peel {n}") for n in range(1, 8)}
COLLECTOR, GAS_STATION, OPERATOR = address("collector"), address("gas station"), address("operator's other business")
TO_MIXER, TO_BRIDGE, TO_QUAY = address("to the mixer"), address("to the bridge"), address("to Quaystone")
TO_OXBOW, LAST_SPLIT, STRANGER = address("to Oxbow"), address("last split"), address("stranger who pays peel 2")
POISONER = address("address poisoner")
DEPOSITS = {
    HALCYON_DEPOSIT: HALCYON_HOT,
    LARKFIELD_DEPOSIT: LARKFIELD_HOT,
    BRINK_DEPOSIT: BRINK_HOT,
    QUAY_DEPOSIT: QUAY_HOT,
}


class Payment(NamedTuple):
    """One payment of a victim: whose, when, from where to which intake wallet. `reports` counts who reported it."""

    victim: int
    when: str
    payer: str
    intake: str
    coin: Coin
    amount: str
    reports: int = 1


PAYMENTS = (
    Payment(1, "03-05 18:12", HALCYON_HOT, INTAKES[1], USDC, "8000"),
    Payment(2, "03-06 20:41", WALLETS[2], INTAKES[2], USDC, "5000"),
    Payment(4, "03-09 08:05", WALLETS[4], INTAKES[1], USDC, "12000", reports=0),  # never reported: clean to a trace
    Payment(5, "03-12 11:30", HALCYON_HOT, INTAKES[2], USDC, "15200"),
    Payment(3, "03-16 14:02", HALCYON_HOT, INTAKES[3], ETH, "4"),
    Payment(1, "03-18 19:20", HALCYON_HOT, INTAKES[1], USDC, "24500"),
    Payment(7, "03-20 21:15", WALLETS[7], INTAKES[4], USDC, "9900"),
    Payment(2, "03-21 20:03", WALLETS[2], INTAKES[2], USDC, "38000"),
    Payment(6, "03-30 16:44", WALLETS[6], INTAKES[3], ETH, "6.5"),
    Payment(4, "04-02 07:51", WALLETS[4], INTAKES[1], USDC, "43000"),
    Payment(5, "04-04 12:26", HALCYON_HOT, INTAKES[2], USDC, "72000", reports=2),
    Payment(1, "04-06 18:33", HALCYON_HOT, INTAKES[1], USDC, "61000"),
    Payment(3, "04-08 15:10", HALCYON_HOT, INTAKES[3], ETH, "18"),
    Payment(6, "04-12 17:29", WALLETS[6], INTAKES[3], ETH, "22"),
    Payment(2, "05-04 20:55", WALLETS[2], INTAKES[2], USDC, "95000"),
    Payment(7, "05-05 22:08", WALLETS[7], INTAKES[4], USDC, "110000"),
)
# The victims' own wallets are filled by withdrawals: when, which, what.
WITHDRAWALS = (
    ("03-06 19:58", 2, USDC, "5500"),
    ("03-06 20:02", 2, ETH, "0.05"),
    ("03-09 07:40", 4, USDC, "12500"),
    ("03-09 07:42", 4, ETH, "0.04"),
    ("03-20 20:30", 7, USDC, "10000"),
    ("03-20 20:33", 7, ETH, "0.04"),
    ("03-21 19:31", 2, USDC, "40000"),
    ("03-30 16:10", 6, ETH, "7"),
    ("04-02 07:15", 4, USDC, "43000"),
    ("04-12 16:50", 6, ETH, "22.2"),
    ("05-04 20:11", 2, USDC, "95000"),
    ("05-05 21:37", 7, USDC, "110000"),
)
GAS_MONEY = (
    ("03-02 09:02", INTAKES[1], "0.03"),
    ("03-02 09:05", INTAKES[2], "0.03"),
    ("03-02 09:09", INTAKES[3], "0.02"),
    ("03-02 09:12", INTAKES[4], "0.03"),
    ("03-02 09:20", COLLECTOR, "0.12"),
    ("03-26 08:00", PEELS[1], "0.02"),
    ("03-26 08:04", PEELS[2], "0.02"),
    ("03-26 08:09", PEELS[3], "0.02"),
    ("03-26 08:13", PEELS[4], "0.02"),
    ("04-10 09:00", TO_MIXER, "0.09"),
    ("04-15 09:00", PEELS[5], "0.01"),
    ("05-01 08:30", TO_BRIDGE, "0.01"),
    ("05-09 08:30", TO_QUAY, "0.02"),
    ("05-12 08:30", TO_OXBOW, "0.01"),
    ("05-14 08:30", LAST_SPLIT, "0.02"),
    ("06-02 08:30", PEELS[6], "0.02"),
    ("06-03 08:30", PEELS[7], "0.02"),
)
# What the scam then did: when, from, to, what.
MOVES = (
    ("03-08 10:20", INTAKES[2], WALLETS[2], USDC, "600"),  # the inducement: a little comes back
    ("03-10 13:00", INTAKES[1], COLLECTOR, USDC, "19000"),
    ("03-14 13:10", INTAKES[2], COLLECTOR, USDC, "18000"),
    ("03-15 09:45", OPERATOR, COLLECTOR, USDC, "40000"),  # clean money passes here too
    ("03-23 13:00", INTAKES[1], COLLECTOR, USDC, "25000"),
    ("03-23 13:06", INTAKES[4], COLLECTOR, USDC, "9500"),
    ("03-23 13:15", INTAKES[2], COLLECTOR, USDC, "39000"),
    ("03-26 10:00", COLLECTOR, PEELS[1], USDT, "70000"),
    ("03-27 10:12", PEELS[1], LARKFIELD_DEPOSIT, USDT, "9500"),
    ("03-27 11:40", PEELS[1], PEELS[2], USDT, "60000"),
    ("03-28 07:00", STRANGER, PEELS[2], USDT, "15000"),
    ("03-28 10:30", PEELS[2], BRINK_DEPOSIT, USDT, "12000"),
    ("03-28 12:05", PEELS[2], PEELS[3], USDT, "58000"),
    ("03-29 09:50", PEELS[3], HALCYON_DEPOSIT, USDT, "8000"),
    ("03-29 11:15", PEELS[3], PEELS[4], USDT, "49500"),
    ("03-30 10:05", PEELS[4], BRINK_DEPOSIT, USDT, "22000"),
    ("03-30 12:22", PEELS[4], TO_QUAY, USDT, "20000"),
    ("04-07 13:00", INTAKES[1], COLLECTOR, USDC, "100000"),
    ("04-08 13:05", INTAKES[2], COLLECTOR, USDC, "70000"),
    ("04-09 09:40", OPERATOR, COLLECTOR, USDC, "85000"),
    ("04-10 10:15", COLLECTOR, TO_MIXER, USDC, "105000"),
    ("04-15 10:00", INTAKES[3], COLLECTOR, USDT, "80000"),
    ("04-16 10:00", INTAKES[3], PEELS[5], USDT, "28000"),
    ("04-16 10:30", INTAKES[3], COLLECTOR, ETH, "0.5"),
    ("04-17 09:25", PEELS[5], LARKFIELD_DEPOSIT, USDT, "27000"),
    ("04-20 10:45", INTAKES[3], QUAY_DEPOSIT, ETH, "5.5"),
    ("05-01 10:00", COLLECTOR, TO_BRIDGE, USDC, "60000"),
    ("05-02 10:20", TO_BRIDGE, FOOTBRIDGE, USDC, "45000"),
    ("05-06 13:00", INTAKES[2], COLLECTOR, USDC, "96000"),
    ("05-06 13:09", INTAKES[4], COLLECTOR, USDC, "105000"),
    ("05-07 09:30", OPERATOR, COLLECTOR, USDC, "60000"),
    ("05-09 10:00", COLLECTOR, TO_QUAY, USDT, "48000"),
    ("05-10 10:10", TO_QUAY, QUAY_DEPOSIT, USDT, "24000"),
    ("05-11 10:10", TO_QUAY, QUAY_DEPOSIT, USDT, "40500"),
    ("05-12 10:00", COLLECTOR, TO_OXBOW, USDT, "35000"),
    ("05-13 10:40", TO_OXBOW, OXBOW, USDT, "40000"),  # 5,000 more than was seen coming in
    ("05-14 10:00", COLLECTOR, LAST_SPLIT, USDT, "90000"),
    ("05-15 09:35", LAST_SPLIT, HALCYON_DEPOSIT, USDT, "45000"),
    ("05-16 09:50", LAST_SPLIT, BRINK_DEPOSIT, USDT, "43000"),
    ("06-02 10:00", COLLECTOR, PEELS[6], USDC, "100000"),
    ("06-03 10:15", PEELS[6], PEELS[7], USDT, "60000"),
    ("06-04 09:10", PEELS[7], HALCYON_DEPOSIT, USDT, "25000"),
    ("06-05 09:20", PEELS[7], BRINK_DEPOSIT, USDT, "30000"),
)
# Swaps at the invented exchange Tidepool: when, who, paid, received.
SWAPS = (
    ("03-25 10:00", COLLECTOR, USDC, "120000", USDT, "119940"),
    ("04-11 10:00", TO_MIXER, USDC, "105000", ETH, "42"),
    ("04-14 10:00", INTAKES[3], ETH, "44", USDT, "110000"),
    ("05-08 10:00", COLLECTOR, USDC, "150000", USDT, "149925"),
    ("06-02 12:00", PEELS[6], USDC, "100000", USDT, "99950"),
)
MIXER_DEPOSITS = ("04-11 11:10", "04-11 23:42", "04-12 13:05", "04-13 06:31")  # 10 ETH each
SWEEPS = (  # exchanges empty their deposit addresses: when, from, what
    ("03-31 02:00", BRINK_DEPOSIT, USDT, "34000"),
    ("04-01 02:10", LARKFIELD_DEPOSIT, USDT, "9500"),
    ("04-18 02:10", LARKFIELD_DEPOSIT, USDT, "27000"),
    ("04-21 02:20", QUAY_DEPOSIT, ETH, "5.49"),
    ("05-12 02:20", QUAY_DEPOSIT, USDT, "64500"),
    ("05-17 02:00", BRINK_DEPOSIT, USDT, "43000"),
    ("06-06 02:00", BRINK_DEPOSIT, USDT, "30000"),
    ("06-06 02:30", HALCYON_DEPOSIT, USDT, "78000"),
)


def units(coin: Coin, amount: str) -> int:
    """Base units of a decimal amount."""
    return int(Decimal(amount).scaleb(coin.decimals))


def moment(when: str) -> datetime:
    """Aware UTC of "MM-DD HH:MM" in 2026; minutes are whole slots."""
    return datetime.strptime(f"2026-{when} +0000", "%Y-%m-%d %H:%M %z")


class Book:
    """Writes transactions down. Seeded: the same calls give the same rows."""

    def __init__(self) -> None:
        self.random = random.Random(20260301)
        self.txs: list[Tx] = []

    def add(self, when: datetime, initiator: str, legs: list[Leg], *, gas: str = "", dropped: str = "") -> Tx:
        """One transaction; `gas` names what it costs in GAS, "" leaves the fee unseen."""
        price_gwei = self.random.randint(1, 9)
        tx_index = self.random.randint(2, 180)
        name = f"tracer sample transaction: {len(self.txs)}"
        if gas:
            legs = [*legs, Leg("fee", ETH, initiator, "", GAS[gas] * price_gwei * 10**9)]
        tx = Tx("0x" + sha256(name.encode()).hexdigest(), when, tx_index, initiator, tuple(legs), dropped)
        self.txs.append(tx)
        return tx

    def pay(self, when: str, sender: str, recipient: str, coin: Coin, amount: str) -> Tx:
        """A plain payment by its sender, who pays the fee."""
        kind = "native" if coin is ETH else "token"
        legs = [Leg(kind, coin, sender, recipient, units(coin, amount))]
        return self.add(moment(when), sender, legs, gas=kind)

    def swap(self, when: str, trader: str, paid: tuple[Coin, str], received: tuple[Coin, str]) -> Tx:
        """Trader pays the router, the router the pool, the pool the trader: one transaction."""
        pool = TIDE_ETH_POOL if ETH in (paid[0], received[0]) else TIDE_POOL
        amount = units(*paid)
        first, inner, back = ("native", "internal", "token") if paid[0] is ETH else ("token", "token", "token")
        if received[0] is ETH:
            back = "internal"
        legs = [
            Leg(first, paid[0], trader, TIDE_ROUTER, amount),
            Leg(inner, paid[0], TIDE_ROUTER, pool, amount),
            Leg(back, received[0], pool, trader, units(*received)),
        ]
        return self.add(moment(when), trader, legs, gas="swap")

    def mix(self, when: str) -> Tx:
        """10 ETH to the pool, through the mixer's router as its users do."""
        ten = units(ETH, "10")
        legs = [
            Leg("native", ETH, TO_MIXER, MURMUR_ROUTER, ten),
            Leg("internal", ETH, MURMUR_ROUTER, MURMUR_POOL, ten),
        ]
        return self.add(moment(when), TO_MIXER, legs, gas="mixer")

    def poison(self, when: str, leg: Leg, dropped: str) -> Tx:
        """A movement that is none: made by the poisoner to be copied by mistake."""
        return self.add(moment(when), POISONER, [leg], gas="token", dropped=dropped)


def tell(book: Book) -> list[tuple[Payment, Tx]]:
    """Writes the whole case into the book; gives the victims' payments, oldest first."""
    book.pay("03-01 08:00", LARKFIELD_HOT, GAS_STATION, ETH, "4")
    for when, to, eth in GAS_MONEY:
        book.pay(when, GAS_STATION, to, ETH, eth)
    for when, coin, amount in (
        ("03-15 08:00", USDC, "125500"),
        ("03-15 08:10", ETH, "0.1"),
        ("05-07 08:00", USDC, "60000"),
    ):
        book.pay(when, LARKFIELD_HOT, OPERATOR, coin, amount)
    book.pay("03-27 18:00", HALCYON_HOT, STRANGER, USDT, "15500")
    for when, victim, coin, amount in WITHDRAWALS:
        book.pay(when, HALCYON_HOT, WALLETS[victim], coin, amount)
    paid = [(p, book.pay(p.when, p.payer, p.intake, p.coin, p.amount)) for p in PAYMENTS]
    for when, sender, recipient, coin, amount in MOVES:
        book.pay(when, sender, recipient, coin, amount)
    for when, trader, coin, amount, other, received in SWAPS:
        book.swap(when, trader, (coin, amount), (other, received))
    for when in MIXER_DEPOSITS:
        book.mix(when)
    for when, deposit, coin, amount in SWEEPS:
        book.pay(when, deposit, DEPOSITS[deposit], coin, amount)
    return paid


def poison(book: Book) -> None:
    """Dust, zero-value and counterfeit movements around the case; none of them moves value."""
    dust, zero, fake = "look-alike dust", "zero amount", "counterfeit token"
    copy_collector, copy_peel = lookalike(COLLECTOR), lookalike(PEELS[1])
    book.poison("03-10 13:04", Leg("token", USDC, copy_collector, INTAKES[1], 10_000), dust)
    book.poison("03-26 10:03", Leg("token", USDT, copy_peel, COLLECTOR, 50_000), dust)
    book.poison("04-08 13:07", Leg("token", USDC, copy_collector, INTAKES[2], 10_000), dust)
    book.poison("03-14 13:14", Leg("token", USDC, INTAKES[2], copy_collector, 0), zero)
    book.poison("03-26 10:05", Leg("token", USDT, COLLECTOR, copy_peel, 0), zero)
    book.poison("03-26 10:07", Leg("token", CYRILLIC_USDT, COLLECTOR, copy_peel, units(USDT, "70000")), fake)
    book.poison("03-22 06:00", Leg("token", FAKE_USDT, POISONER, WALLETS[2], units(USDT, "25000")), fake)
    book.poison("04-15 10:04", Leg("token", FAKE_USDT, POISONER, COLLECTOR, units(USDT, "80000")), fake)


def surround(book: Book, count: int = 380) -> None:
    """Unrelated payments among strangers and the same exchanges. None touches an address of the case."""
    strangers = [address(f"stranger {n}") for n in range(140)]
    hot = [HALCYON_HOT, BRINK_HOT, LARKFIELD_HOT, QUAY_HOT]
    for _ in range(count):
        at = FIRST_DAY + SLOT * book.random.randrange(7200 * 118)
        sender, recipient = book.random.sample([*strangers, *hot], 2)
        if book.random.random() < 0.2:
            sender, recipient = book.random.choice(hot), book.random.choice(strangers)
        elif book.random.random() < 0.15:
            sender, recipient = book.random.choice(strangers), book.random.choice((HALCYON_OTHER, BRINK_OTHER))
        coin = book.random.choice((ETH, USDC, USDT, USDT))
        cents = book.random.randint(1_000, 1_500_000)
        amount = cents * (4 * 10**12 if coin is ETH else 10**4)  # ETH at 2,500 dollars
        kind = "native" if coin is ETH else "token"
        gas = kind if book.random.random() < 0.6 else ""
        book.add(at, sender, [Leg(kind, coin, sender, recipient, amount)], gas=gas)
