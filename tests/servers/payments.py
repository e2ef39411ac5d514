"""An invented wallet on an EVM chain with a little of everything, as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from tests.makers import START, transaction, transfer, tx_hash
from tests.servers.world import World
from tracer.chains import parse_address
from tracer.model import NATIVE, Address, Asset, AssetId, Kind, Transaction, Transfer

BLOCK = 100  # of the first payment; every second block holds one or two


def place(n: int, chain: str = "eip155:1") -> Address:
    """The n-th invented address; it has no letters, so no checksum changes it."""
    return parse_address(chain, f"0x{n:040d}")


ME, FRIEND, SHOP, ROUTER, FRESH, NOBODY = (place(n) for n in (11, 22, 33, 44, 55, 99))
COIN, TOKEN, OTHER = (AssetId(ME.chain, contract) for contract in (NATIVE, place(700).text, place(800).text))
ASSETS = (Asset(COIN, "ETH", 18, listed=True), Asset(TOKEN, "PAY", 6), Asset(OTHER, "", None))


def wallet(payments: int, fork: str = "") -> World:
    """The world in which ME made and got so many payments."""
    made = [one for n in range(payments) for one in _payment(n)]
    return World(ME.chain, tuple(made), ASSETS, fork)


def _payment(n: int) -> Iterator[Transaction]:
    """Eight kinds of them, in turn."""
    kind, one = n % 8, Making(n)
    if kind == 0:
        yield one.made(FRIEND, ME, one.coins(FRIEND, ME, 10**15 + n))
    elif kind == 1:
        yield one.made(ME, SHOP, one.coins(ME, SHOP, 5))
    elif kind == 2:  # two equal ones, and another token
        equal = [one.tokens(FRIEND, ME, 50), one.tokens(FRIEND, ME, 50, n=1)]
        yield one.made(FRIEND, ROUTER, *equal, one.tokens(FRIEND, ME, 50, asset=OTHER))
    elif kind == 3:
        yield one.made(ME, place(700), one.tokens(ME, SHOP, 70), one.tokens(ME, SHOP, 0))
    elif kind == 4:  # what a contract hands on, twice the same
        back = [one.coins(ROUTER, ME, 3, Kind.INTERNAL), one.coins(ROUTER, ME, 3, Kind.INTERNAL, 1)]
        yield one.made(ME, ROUTER, one.coins(ME, ROUTER, 9), *back, one.coins(ROUTER, FRESH, 3, Kind.INTERNAL))
    elif kind == 5:  # it failed: only its fee moved
        yield replace(one.made(ME, SHOP), ok=False)
    elif kind == 6:
        yield one.made(ME, ME, one.coins(ME, ME, 4), one.tokens(ME, ME, 6))
    else:  # two in one block, and a contract made with coins in it
        yield one.made(FRIEND, None, one.coins(FRIEND, ME, 8, Kind.INTERNAL), one.coins(FRIEND, ROUTER, 8))
        second = Making(n, 1)
        yield second.made(FRIEND, ROUTER, second.tokens(ROUTER, ME, 1), second.tokens(ME, ROUTER, 1))


class Making:
    """The n-th payment's transaction; `index`: its place in the block."""

    def __init__(self, n: int, index: int = 0) -> None:
        self.n, self.index, self.hash = n, index, tx_hash(1000 + 2 * n + index)

    def coins(self, sender: Address, recipient: Address, amount: int, kind: Kind = Kind.NATIVE, n: int = 0) -> Transfer:
        """Coins that move in it."""
        return transfer(sender, recipient, amount, tx=self.hash, asset=COIN, kind=kind, n=n)

    def tokens(
        self, sender: Address, recipient: Address, amount: int, *, n: int = 0, asset: AssetId = TOKEN
    ) -> Transfer:
        """Tokens that move in it."""
        return transfer(sender, recipient, amount, tx=self.hash, asset=asset, n=n)

    def made(self, initiator: Address, to: Address | None, *moved: Transfer) -> Transaction:
        """The transaction, with a fee of its initiator's."""
        fee = transfer(initiator, None, 21_000 * (7 + self.n), tx=self.hash, asset=COIN, kind=Kind.FEE)
        at = START + timedelta(seconds=12 * self.n)
        one = transaction(*moved, fee, tx=self.hash, at=at, block=BLOCK + 2 * self.n, initiator=initiator, whole=True)
        return replace(one, to=to, tx_index=self.index)


def own(world: World, address: Address) -> dict[str, Transfer]:
    """What moved of an address in a world, by id: what every source must find, no more and no less."""
    every = (transfer for one in world.of(address) for transfer in one.transfers)
    return {each.id: each for each in every if address in (each.sender, each.recipient)}
