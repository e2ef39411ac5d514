"""A TRON wallet's story, told once: what TronGrid's lists make hard is in it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from tests.servers.world import World
from tracer.chains import parse_address
from tracer.model import NATIVE, Address, Asset, AssetId, Kind, Transaction, Transfer, transfer_id

TRON = "tron:728126428"
START = datetime(2024, 3, 1, tzinfo=UTC)
TRX = AssetId(TRON, NATIVE)


def who(name: str) -> Address:
    """An invented address."""
    return parse_address(TRON, "41" + sha256(name.encode()).hexdigest()[:40])


WALLET, VICTIM, SCAM, ROUTER, NOBODY = map(who, ("wallet", "victim", "scam", "router", "nobody"))
USDT = AssetId(TRON, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
COIN, ZEROS, NAMELESS = (AssetId(TRON, who(name).text) for name in ("coin", "zeros", "nameless"))
ASSETS = (
    Asset(TRX, "TRX", 6, listed=True),
    Asset(USDT, "USDT", 6, listed=True),
    Asset(COIN, "COIN", 18),
    Asset(ZEROS, "ZERO", 0),
    Asset(NAMELESS, "NONE", None),
)
Paid = tuple[Kind, AssetId, Address, Address, int]


def token(sender: Address, recipient: Address, amount: int, asset: AssetId = USDT) -> Paid:
    """A movement of a token."""
    return Kind.TOKEN, asset, sender, recipient, amount


def tx(  # noqa: PLR0917 - the parts of a transaction
    name: str, at: int, initiator: Address, to: Address, *paid: Paid, fee: int = 0, ok: bool = True
) -> Transaction:
    """A whole transaction in block `at`, of 3 seconds each."""
    tx_hash, same = sha256(name.encode()).hexdigest(), Counter[Paid]()
    made = []
    for index, one in enumerate(paid):
        kind, asset, sender, recipient, amount = one
        key = transfer_id(TRON, tx_hash, kind, asset, sender, recipient, amount, same[one])
        same[one] += 1
        made.append(Transfer(key, kind, asset, amount, sender, recipient, index))
    if fee:
        made.append(
            Transfer(
                transfer_id(TRON, tx_hash, Kind.FEE, TRX, initiator, None, fee, 0), Kind.FEE, TRX, fee, initiator, None
            )
        )
    ordered = tuple(sorted(made, key=lambda one: one.id))
    when = START + timedelta(seconds=3 * at)
    return Transaction(TRON, tx_hash, when, 1_000 + at, None, initiator, to, ok, True, ordered)


def story(crowd: int = 12) -> World:
    """A wallet that is paid, pays, swaps and fails; in one block `crowd` victims pay it at once."""
    usdt = Address(TRON, USDT.contract)
    ones = [
        tx("seed", 1, VICTIM, WALLET, (Kind.NATIVE, TRX, VICTIM, WALLET, 90_000_000), fee=1_100_000),
        tx("pay", 3, VICTIM, usdt, token(VICTIM, WALLET, 5_000_000_000), fee=13_000_000),
        tx("zero", 4, SCAM, usdt, token(WALLET, SCAM, 0), fee=1),
        tx("twins", 6, WALLET, ROUTER, *[token(WALLET, SCAM, 7)] * 2, token(WALLET, SCAM, 8), fee=2),
        tx("self", 7, WALLET, usdt, token(WALLET, WALLET, 11), fee=3),
        tx("failed", 8, WALLET, ROUTER, fee=4_000_000, ok=False),
        tx(
            "swap",
            10,
            WALLET,
            ROUTER,
            (Kind.NATIVE, TRX, WALLET, ROUTER, 20_000_000),
            *[(Kind.INTERNAL, TRX, ROUTER, WALLET, 400_000)] * 2,
            (Kind.INTERNAL, TRX, ROUTER, SCAM, 500_000),
            token(ROUTER, WALLET, 3_000_000, COIN),
            token(VICTIM, SCAM, 99),
            fee=5,
        ),
        tx("airdrop", 11, SCAM, ROUTER, token(SCAM, WALLET, 30, ZEROS), token(SCAM, WALLET, 1, NAMELESS), fee=6),
        *(
            tx(f"crowd {n}", 20, who(f"victim {n}"), usdt, token(who(f"victim {n}"), WALLET, n + 1))
            for n in range(crowd)
        ),
        *(tx(f"late {n}", 30 + n, WALLET, usdt, token(WALLET, SCAM, 1_000 + n), fee=7) for n in range(20)),
        tx("other", 60, VICTIM, SCAM, (Kind.NATIVE, TRX, VICTIM, SCAM, 1), fee=8),
    ]
    return World(TRON, tuple(ones), ASSETS)


def mine(world: World, address: Address) -> list[str]:
    """The ids of the transfers that an address must be told, in the order of their transactions and ids."""
    return [
        each.id
        for one in world.of(address)
        for each in one.transfers
        if address in (each.sender, each.recipient) and (one.ok or each.kind is Kind.FEE)
    ]
