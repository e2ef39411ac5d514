"""A little of everything that moves value on an EVM chain, and short ways to read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.anvil import ETHER, Anvil, Proxy, refusing
from tests.makers import ETHEREUM
from tracer.chains import parse_address
from tracer.model import NATIVE, Address, AssetId, Checkpoint, Transaction
from tracer.sources import Page, SourceSettings
from tracer.sources.evm import Evm

COIN = AssetId(ETHEREUM, NATIVE)
ZERO = "0x" + "0" * 40
WAYS = {
    "trace_filter": refusing(),
    "debug_traceBlockByNumber": refusing("trace_filter", "trace_transaction"),
    "no traces": refusing("trace_filter", "trace_transaction", "debug_traceBlockByNumber", "debug_traceTransaction"),
}
TRACED = ["trace_filter", "debug_traceBlockByNumber"]


def place(text: str) -> Address:
    """An address of the test chain."""
    return parse_address(ETHEREUM, text)


def evm(where: Anvil | Proxy, path: str = "", **settings: Any) -> Evm:
    """A source on a chain or a proxy before it."""
    return Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=where.url + path, **settings))


def pages(source: Evm, address: str, checkpoint: Checkpoint | None = None) -> Iterator[Page]:
    """The pages of an address up to what is final."""
    done = False
    while not done:
        page = source.pull(place(address), checkpoint)
        yield page
        checkpoint, done = page.checkpoint, page.done


def history(source: Evm, address: str) -> list[Transaction]:
    """All that is final of an address."""
    return [one for page in pages(source, address) for one in page.transactions]


def change(transactions: list[Transaction], address: str, asset: AssetId = COIN) -> int:
    """What transfers and fees make of an address's balance."""
    mine, moved = place(address), [t for one in transactions for t in one.transfers if t.asset == asset]
    return sum(t.amount * ((t.recipient == mine) - (t.sender == mine)) for t in moved)


def moves(transactions: list[Transaction]) -> list[tuple[str, str, int]]:
    """Kind, contract and amount of every transfer but fees, in order."""
    found = [(t.kind.value, t.asset.contract, t.amount) for one in transactions for t in one.transfers]
    return [move for move in found if move[0] != "fee"]


class Story:
    """A little of everything that moves value; `who` are all that took part."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.alice, self.bob, self.carol, self.exchange = chain.accounts[:4]
        self.token = chain.token()
        self.pool = chain.deploy("Pool", "address,uint256", self.token, 2000 * 10**6)
        self.splitter, self.acrobat = chain.deploy("Splitter"), chain.deploy("Acrobat", value=ETHER)
        self.deposit = chain.deploy("Deposit", "address", self.exchange)
        self.fresh = "0x" + "ab" * 20
        self.who = [*chain.accounts[:4], self.pool, self.splitter, self.acrobat, self.deposit, self.fresh]
        self._tokens()
        self._coins()
        self._tricks()
        chain.mine(3)

    def _tokens(self) -> None:
        send, alice, token = self.chain.send, self.alice, self.token
        for to, amount in ((alice, 9_000), (self.pool, 10**12)):
            send(alice, token, "mint(address,uint256)", to, amount)
        for to, amount in ((self.bob, 1_000), (alice, 5), (ZERO, 7), (self.deposit, 300), (self.bob, 0)):
            send(alice, token, "transfer(address,uint256)", to, amount)
        send(self.carol, self.deposit, "sweep(address)", token)
        send(self.bob, token, "transfer(address,uint256)", self.carol, 10**9)  # more than there is: it fails

    def _coins(self) -> None:
        send, alice = self.chain.send, self.alice
        send(alice, self.bob, value=3 * ETHER)
        send(alice, alice, value=ETHER)
        send(alice, self.splitter, "split(address,address)", self.bob, self.carol, value=9)
        send(alice, self.splitter, "split(address,address)", self.fresh, self.fresh, value=8)
        send(self.carol, self.deposit, value=ETHER)
        send(self.bob, self.pool, "buy()", value=ETHER)
        send(self.bob, self.token, "approve(address,uint256)", self.pool, 10**9)
        send(self.bob, self.pool, "sell(uint256)", 10**9)

    def _tricks(self) -> None:
        send, bob, acrobat = self.chain.send, self.bob, self.acrobat
        send(bob, acrobat, "payTwice(address,uint256)", self.fresh, 5)
        send(bob, acrobat, "undone(address,uint256)", self.fresh, 7)
        send(bob, acrobat, "payThenFail(address,uint256)", self.fresh, 7)
        send(bob, acrobat, "pay(address,uint256)", self.fresh, 10**20)
        send(bob, acrobat, "give(address)", self.fresh, value=11)
        send(bob, acrobat, "create()", value=13)
        send(bob, acrobat, "deep(uint256,address)", 3, self.fresh, value=17)
