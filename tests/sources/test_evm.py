"""The EVM source on a real node: what it reads is what the chain says, in each way that a node may allow."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.anvil import ETHER, Anvil, Proxy, Refusal, proxied, refusing, started
from tests.makers import ETHEREUM
from tracer.chains import parse_address
from tracer.errors import (
    ConfigError,
    InputError,
    RangeTooLarge,
    Reorg,
    SourceBroken,
    SourceBusy,
    SourceError,
    SourceRefused,
    UnknownChain,
)
from tracer.model import NATIVE, Address, AssetId, Checkpoint, Coverage, Kind, Transaction
from tracer.sources import Page, SourceSettings
from tracer.sources.evm import Evm
from tracer.sources.finding import Reach
from tracer.sources.rpc import hint, refusal

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


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[Proxy]:
    """A proxy before the chain."""
    with proxied(anvil) as running:
        yield running


@pytest.fixture(params=TRACED)
def traced(request: pytest.FixtureRequest, proxy: Proxy) -> Evm:
    """A source on a node that traces, in each way."""
    proxy.refuse = WAYS[request.param]
    return evm(proxy)


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


# --- what it reads is what the chain says -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", TRACED)
def test_everything_adds_up(anvil: Anvil, proxy: Proxy, way: str) -> None:
    """For everyone who took part, transfers and fees make exactly the balances that the chain states."""
    story, start = Story(anvil), {each: 10_000 * ETHER for each in anvil.accounts}
    proxy.refuse = WAYS[way]
    source = evm(proxy)

    for who in story.who:
        read = history(source, who)
        assert anvil.balance(who, anvil.final) == start.get(who, 0) + change(read, who), who
        assert anvil.holding(story.token, who) == change(read, who, AssetId(ETHEREUM, place(story.token).text)), who


def test_both_ways_read_the_same(anvil: Anvil, proxy: Proxy) -> None:
    """Whether a node filters traces or traces blocks, the transactions are the same to the last field."""
    story = Story(anvil)
    proxy.refuse = WAYS["debug_traceBlockByNumber"]
    filtered, scanned = evm(anvil), evm(proxy)

    for who in story.who:
        assert history(filtered, who) == history(scanned, who)


def test_ids_agree_from_every_side(anvil: Anvil, traced: Evm) -> None:
    """A transfer has one id, whether it was found from its sender, its recipient or its transaction."""
    story = Story(anvil)
    whole = {}
    for who in story.who:
        for one in history(traced, who):
            page = traced.transaction(one.tx_hash)
            (whole[one.tx_hash],) = page.transactions
            own = [t for t in whole[one.tx_hash].transfers if place(who) in (t.sender, t.recipient)]

            assert [*one.transfers] == own
            assert (one.at, one.block, one.tx_index, one.initiator, one.to, one.ok) == (
                (w := whole[one.tx_hash]).at,
                *(w.block, w.tx_index, w.initiator, w.to, w.ok),
            )
            assert page.coverage == Coverage("complete")

    assert all(one.whole for one in whole.values())
    ids = Counter(t.id for one in whole.values() for t in one.transfers)
    assert set(ids.values()) == {1}


def test_a_swap_is_read_whole(anvil: Anvil, traced: Evm) -> None:
    """Who sells at the pool is seen to pay the token and to receive coins from a call."""
    story = Story(anvil)
    pool, token = place(story.pool), place(story.token).text

    sold = next(one for one in history(traced, story.bob) if (("token", token, 10**9)) in moves([one]) and one.ok)
    bought = [one for one in history(traced, story.bob) if one.to == pool][0]

    assert [("internal", NATIVE, ETHER // 2), ("token", token, 10**9)] == moves([sold])
    assert [("native", NATIVE, ETHER), ("token", token, 2000 * 10**6)] == moves([bought])


def test_two_equal_transfers_are_two(anvil: Anvil, traced: Evm) -> None:
    """Equal transfers of one transaction are numbered, those of a token and those of coins."""
    alice, bob = anvil.accounts[:2]
    liar, acrobat = anvil.deploy("Liar"), anvil.deploy("Acrobat", value=ETHER)
    anvil.send(alice, liar, "twice(address,address,uint256)", alice, bob, 5)
    anvil.send(alice, acrobat, "payTwice(address,uint256)", bob, 6)
    anvil.mine(3)

    found = [t for one in history(traced, bob) for t in one.transfers]

    assert [(5, "0"), (5, "1"), (6, "0"), (6, "1")] == [(t.amount, t.id.rpartition(":")[2]) for t in found]


def test_a_self_transfer_comes_once(anvil: Anvil, traced: Evm) -> None:
    """Both queries find it; it is one transfer."""
    alice, token = anvil.accounts[0], anvil.token()
    anvil.send(alice, token, "mint(address,uint256)", alice, 9)
    anvil.send(alice, token, "transfer(address,uint256)", alice, 4)
    anvil.send(alice, alice, value=3)
    anvil.mine(3)

    contract = place(token).text
    assert [("token", contract, 9), ("token", contract, 4), ("native", NATIVE, 3)] == moves(history(traced, alice))


def test_mint_and_burn_are_transfers_of_the_zero_address(anvil: Anvil, traced: Evm) -> None:
    """What was made came from it, what was destroyed went to it."""
    alice, token = anvil.accounts[0], anvil.token()
    anvil.send(alice, token, "mint(address,uint256)", alice, 9)
    anvil.send(alice, token, "transfer(address,uint256)", ZERO, 4)
    anvil.mine(3)

    ends = [(t.sender, t.recipient) for one in history(traced, alice) for t in one.transfers if t.kind is Kind.TOKEN]

    assert [(place(ZERO), place(alice)), (place(alice), place(ZERO))] == ends


def test_a_failed_transaction_moves_nothing_but_its_fee(anvil: Anvil, traced: Evm) -> None:
    """Its initiator paid for it; who would have received never hears of it."""
    alice, bob = anvil.accounts[:2]
    acrobat = anvil.deploy("Acrobat", value=ETHER)
    failed = [
        anvil.send(alice, acrobat, "payThenFail(address,uint256)", bob, 5, value=7),
        anvil.send(alice, acrobat, "payAndFail(address,uint256)", bob, 5),
        anvil.send(alice, acrobat, "nonsense()", value=7),
    ]
    anvil.mine(3)

    read = history(traced, alice)

    assert failed == [one.tx_hash for one in read]
    assert not any(one.ok for one in read)
    assert [Kind.FEE] * 3 == [t.kind for one in read for t in one.transfers]
    assert [] == history(traced, bob)
    assert not traced.transaction(failed[0]).transactions[0].ok
    assert [] == moves([*traced.transaction(failed[1]).transactions])


def test_what_was_undone_did_not_move(anvil: Anvil, traced: Evm) -> None:
    """A payment inside a call that fails later is undone with it, though it did not fail itself."""
    alice, fresh = anvil.accounts[0], "0x" + "cd" * 20
    acrobat = anvil.deploy("Acrobat", value=ETHER)
    tx_hash = anvil.send(alice, acrobat, "undone(address,uint256)", fresh, 7)
    anvil.mine(3)

    assert 0 == anvil.balance(fresh)
    assert [] == history(traced, fresh)
    assert [] == moves([*traced.transaction(tx_hash).transactions])


def test_borrowed_code_moves_nothing(anvil: Anvil, traced: Evm) -> None:
    """A delegatecall carries its caller's value in name only."""
    alice, fresh = anvil.accounts[0], "0x" + "cd" * 20
    acrobat, other = anvil.deploy("Acrobat"), anvil.deploy("Acrobat")
    inner = bytes.fromhex("c4076876" + fresh[2:].rjust(64, "0") + f"{3:064x}")  # pay(address,uint256)
    anvil.send(alice, acrobat, "lend(address,bytes)", other, inner, value=9)
    anvil.mine(3)

    assert [] == history(traced, other)
    assert [("internal", NATIVE, 3), ("native", NATIVE, 9)] == moves(history(traced, acrobat))


def test_what_is_no_erc20_transfer_is_left_out(anvil: Anvil, traced: Evm) -> None:
    """NFTs have four topics; data of another length and topics that are no addresses say nothing of an amount."""
    alice, bob = anvil.accounts[:2]
    anvil.send(alice, anvil.deploy("Unique"), "mint(address,uint256)", bob, 1)
    anvil.send(alice, anvil.deploy("Liar"), "dirty(address,address)", alice, bob)
    anvil.mine(3)

    assert [] == moves(history(traced, bob))
    assert [] == moves(history(traced, alice))


def test_without_traces_only_transactions_own_coins(anvil: Anvil, proxy: Proxy) -> None:
    """Such a node gives tokens, the coins that transactions themselves moved, and fees; coverage says what is missing."""
    story = Story(anvil)
    proxy.refuse = WAYS["no traces"]
    source = evm(proxy)

    for who in {*story.who} - {story.acrobat}:  # what it was made with only a trace or its maker's receipt tells
        expected = [t.id for one in history(evm(anvil), who) for t in one.transfers if t.kind is not Kind.INTERNAL]
        assert expected == [t.id for one in history(source, who) for t in one.transfers]
    page = source.transaction(history(source, story.alice)[-1].tx_hash)
    assert Coverage("partial", "no traces") == page.coverage == source.pull(place(story.bob), None).coverage
    assert [False] == [one.whole for one in page.transactions]


@pytest.mark.parametrize("way", WAYS)
def test_coins_that_make_a_contract_go_to_it(anvil: Anvil, proxy: Proxy, way: str) -> None:
    """A transaction without a recipient pays the contract it makes."""
    proxy.refuse = WAYS[way]
    purse = anvil.deploy("Purse", value=13)
    anvil.mine(3)

    (paid,) = [t for one in history(evm(proxy), anvil.accounts[9]) for t in one.transfers if t.kind is Kind.NATIVE]

    assert (13, place(purse)) == (paid.amount, paid.recipient)


def test_calls_may_nest_as_deep_as_they_like() -> None:
    """Anyone may send a transaction whose trace is too deep for a JSON parser's first try: its block is read all the same."""
    with started("--hardfork", "prague", "--gas-limit", "3000000000") as chain, proxied(chain) as proxy:
        proxy.refuse = WAYS["debug_traceBlockByNumber"]
        fresh, acrobat = "0x" + "cd" * 20, chain.deploy("Acrobat")
        call = "deep(uint256,address)"
        tx_hash = chain.send(chain.accounts[0], acrobat, call, 550, fresh, value=17, gas=2_900_000_000)
        chain.mine(3)
        source = evm(proxy)

        assert 17 == change(history(source, fresh), fresh) == chain.balance(fresh)
        assert 552 == len(moves([*source.transaction(tx_hash).transactions]))
