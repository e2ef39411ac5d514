"""The EVM source on a real node: what it reads is what the chain says, in each way that a node may allow."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml

from tests.anvil import ETHER, Anvil, Proxy, proxied, started
from tests.makers import ETHEREUM
from tests.sources.evm_story import TRACED, WAYS, ZERO, Story, change, evm, history, moves, pages, place
from tracer.chains.chains import CHAINS, Family
from tracer.errors import SourceBroken, SourceBusy
from tracer.model import NATIVE, AssetId, Checkpoint, Coverage, Kind
from tracer.sources import decode
from tracer.sources.blocks import Kept
from tracer.sources.evm import Evm
from tracer.sources.providers import DATA, confirmations
from tracer.sources.told import parse

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


@pytest.mark.parametrize("way", WAYS)
def test_a_kept_page_is_read_again_without_the_node(anvil: Anvil, proxy: Proxy, way: str) -> None:
    """What is kept of a page gives the same transactions once more, to the last field, in each way of reading."""
    story = Story(anvil)
    proxy.refuse = WAYS[way]
    source = evm(proxy)

    for who in story.who:
        for page in pages(source, who):
            if page.transactions:
                assert (page.transactions, page.assets, page.logs) == parse(page.raw)
        for one in history(source, who):
            page = source.transaction(one.tx_hash)
            assert (page.transactions, page.assets, page.logs) == parse(page.raw)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b'{"replies": 5}', b'{"replies": [], "blocks": [], "transactions": {"0x": [1]}}']
)
def test_what_is_no_page_is_not_read_again(raw: bytes) -> None:
    """It is said, nothing is guessed."""
    with pytest.raises(SourceBroken, match="cannot be read again"):
        parse(raw)


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
            assert one == replace(whole[one.tx_hash], whole=False, transfers=one.transfers)
            assert page.coverage == Coverage("complete")

    assert all(one.whole for one in whole.values())
    ids = Counter(t.id for one in whole.values() for t in one.transfers)
    assert set(ids.values()) == {1}


def test_a_swap_is_read_whole(anvil: Anvil, traced: Evm) -> None:
    """Who sells at the pool is seen to pay the token and to receive coins from a call."""
    story = Story(anvil)
    pool, token = place(story.pool), place(story.token).text

    bought, sold = [one for one in history(traced, story.bob) if one.to == pool]

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


@pytest.mark.parametrize("way", WAYS)
def test_a_failed_transaction_moves_nothing_but_its_fee(anvil: Anvil, proxy: Proxy, way: str) -> None:
    """Its initiator paid for it; who would have received never hears of it."""
    proxy.refuse, source = WAYS[way], evm(proxy)
    alice, bob = anvil.accounts[:2]
    acrobat = anvil.deploy("Acrobat")
    failed = [
        anvil.send(alice, acrobat, "payThenFail(address,uint256)", bob, 5, value=7),
        anvil.send(alice, acrobat, "payAndFail(address,uint256)", bob, 5),
        anvil.send(alice, acrobat, "nonsense()", value=7),
    ]
    anvil.mine(3)

    read = history(source, alice)

    assert failed == [one.tx_hash for one in read]
    assert not any(one.ok for one in read)
    assert [Kind.FEE] * 3 == [t.kind for one in read for t in one.transfers]
    assert [] == history(source, bob) == history(source, acrobat)
    assert not source.transaction(failed[0]).transactions[0].ok
    assert [] == moves([*source.transaction(failed[1]).transactions])


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
    """Such a node gives tokens, the coins that transactions themselves moved, and fees; coverage says so."""
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
    """Anyone may send a transaction whose trace is deeper than JSON parsers like: its block is read all the same."""
    with started("--hardfork", "prague", "--gas-limit", "3000000000") as chain, proxied(chain) as proxy:
        proxy.refuse = WAYS["debug_traceBlockByNumber"]
        fresh, acrobat = "0x" + "cd" * 20, chain.deploy("Acrobat")
        call = "deep(uint256,address)"
        tx_hash = chain.send(chain.accounts[0], acrobat, call, 500, fresh, value=17, gas=2_900_000_000)
        chain.mine(3)
        source = evm(proxy)

        assert 17 == change(history(source, fresh), fresh) == chain.balance(fresh)
        assert 502 == len(moves([*source.transaction(tx_hash).transactions]))


# --- what tokens say of themselves ------------------------------------------------------------------------------------


def test_what_tokens_say_is_a_strangers_text(anvil: Anvil, traced: Evm) -> None:
    """Old symbols of 32 bytes, hostile ones and absurd decimals are taken for what they are worth."""
    alice, bob = anvil.accounts[:2]
    old, liar = anvil.deploy("OldToken"), anvil.deploy("Liar")
    plain, long = anvil.token("TT", 6), anvil.token("ab\U0001f600" * 1000, 255)
    for token in (old, plain, long):
        anvil.send(alice, token, "mint(address,uint256)", bob, 1)
    anvil.send(alice, liar, "twice(address,address,uint256)", alice, bob, 1)
    anvil.mine(3)

    told = {asset.id.contract: (asset.symbol, asset.decimals) for page in pages(traced, bob) for asset in page.assets}

    assert ("OLD", None) == told[place(old).text]
    assert ("US\ufffdDT\ufffd\ufffd<script>", None) == told[place(liar).text]
    assert ("TT", 6) == told[place(plain).text]
    assert (("ab\U0001f600" * 1000)[:128], 255) == told[place(long).text]


def test_nothing_is_asked_twice(anvil: Anvil, proxy: Proxy) -> None:
    """Tokens and blocks are asked for once, however many addresses and pages they occur in."""
    story, source = Story(anvil), evm(proxy)
    for who in story.who:
        history(source, who)

    blocks = Counter(params[0] for params in proxy.asked("eth_getBlockByNumber") if params[1])
    calls = Counter((params[0]["to"], params[0]["data"]) for params in proxy.asked("eth_call"))

    assert {1} == set(blocks.values()) == set(calls.values())
    assert 1 == len(proxy.asked("eth_chainId"))


# --- pages, checkpoints, what is final --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_pages_follow_without_gap_or_double(anvil: Anvil, proxy: Proxy, way: str) -> None:
    """Small pages, each from the checkpoint before, give what one large page gives."""
    story = Story(anvil)
    proxy.refuse = WAYS[way]
    (whole,) = pages(evm(proxy), story.bob)
    parts = list(pages(evm(proxy, range_blocks=3, scan_blocks=3), story.bob))

    assert [*whole.transactions] == [one for page in parts for one in page.transactions]
    assert [2, 5, 8] == [page.checkpoint.block for page in parts[:3]]
    assert whole.checkpoint == parts[-1].checkpoint
    assert [False] * (len(parts) - 1) + [True] == [page.done for page in parts]


def test_a_page_says_what_it_rests_on(anvil: Anvil, traced: Evm) -> None:
    """The blocks of its transactions and its last block, with the hashes that the chain states."""
    story = Story(anvil)
    page = traced.pull(place(story.bob), None)

    numbers = {one.block for one in page.transactions} | {anvil.final}
    assert {n: anvil.rpc("eth_getBlockByNumber", hex(n or 0), False)["hash"] for n in numbers} == page.blocks
    assert Checkpoint(block=anvil.final, block_hash=page.blocks[anvil.final]) == page.checkpoint
    assert anvil.final == page.head
    assert {"replies", "blocks", "transactions", "receipts", "moves", "assets"} <= set(json.loads(page.raw))
    assert [*page.transactions] == sorted(page.transactions, key=lambda one: one.order)


def test_nothing_new_is_proven_empty(anvil: Anvil, traced: Evm) -> None:
    """At the head a page is empty and done, and leaves the checkpoint where it was."""
    story = Story(anvil)
    *_, last = pages(traced, story.bob)

    again = traced.pull(place(story.bob), last.checkpoint)

    assert ((), True, last.checkpoint) == (again.transactions, again.done, again.checkpoint)


def test_only_what_is_final(anvil: Anvil, traced: Evm) -> None:
    """A payment is read when its block is final, not before; its transaction says to ask again."""
    alice, fresh = anvil.accounts[0], "0x" + "cd" * 20
    tx_hash = anvil.send(alice, fresh, value=5)

    assert [] == history(traced, fresh)
    early = traced.transaction(tx_hash)
    assert ((), False) == (early.transactions, early.done)
    anvil.mine(2)
    assert 5 == change(history(traced, fresh), fresh)
    assert 5 == change([*traced.transaction(tx_hash).transactions], fresh)


def test_every_evm_chain_has_its_confirmations() -> None:
    """Where a node says no finality each chain has a depth of its own, dated, and no other chain has one."""
    known = yaml.safe_load((DATA / "evm.yaml").read_text("utf-8"))
    chains = {one.id for one in CHAINS.values() if one.family is Family.EVM}

    assert chains == known["confirmations"].keys()
    assert known["confirmations"] == {chain: confirmations(chain) for chain in chains}
    assert confirmations("eip155:31337") == known["default"]
    assert date(2026, 1, 1) < known["as_of"]
    assert known["see"]


@pytest.mark.parametrize("says", ["invalid tag", "safe and finalized are not supported on this chain"])
def test_confirmations_where_finality_is_not_said(anvil: Anvil, proxy: Proxy, says: str) -> None:
    """Where the tag is refused, what is so many blocks deep counts as final; a busy node is only busy."""
    anvil.send(anvil.accounts[0], fresh := "0x" + "cd" * 20, value=5)
    anvil.mine(6)
    error: Any = {"code": 15, "message": says}
    proxy.refuse = lambda method, params: error if params[:1] == ["finalized"] else None

    assert [5, 0] == [change(history(evm(proxy, confirmations=n), fresh), fresh) for n in (6, 7)]
    assert anvil.head - 6 == evm(proxy, confirmations=6).pull(place(fresh), None).head
    error = {"code": -32005, "message": "daily request rate limit"}
    with pytest.raises(SourceBusy):
        evm(proxy).pull(place(fresh), None)


def test_a_later_start_is_said(anvil: Anvil) -> None:
    """What is older than the first block to read is missing, and coverage says so."""
    alice, fresh = anvil.accounts[0], "0x" + "cd" * 20
    anvil.send(alice, fresh, value=5)
    anvil.send(alice, fresh, value=6)
    anvil.mine(3)

    page = evm(anvil, start_block=2).pull(place(fresh), None)

    assert [("native", NATIVE, 6)] == moves([*page.transactions])
    assert "partial(from block 2)" == str(page.coverage)


def test_an_unknown_transaction_is_empty(anvil: Anvil, traced: Evm) -> None:
    """Asking for one that the chain does not hold gives nothing, and nothing more is to come."""
    page = traced.transaction("0x" + "12" * 32)

    assert ((), True) == (page.transactions, page.done)


def test_block_hashes(anvil: Anvil) -> None:
    """The hash of a block is the chain's; there is none above its head."""
    source = evm(anvil)

    assert anvil.rpc("eth_getBlockByNumber", "0x0", False)["hash"] == source.block_hash(0)
    assert source.block_hash(anvil.head + 1) is None


# --- threads ----------------------------------------------------------------------------------------------------------


def test_threads_share_a_source(anvil: Anvil, traced: Evm) -> None:
    """Many at once read what each reads alone."""
    story = Story(anvil)
    expected = [history(evm(anvil), who) for who in story.who]

    with ThreadPoolExecutor(8) as pool:
        assert expected * 4 == list(pool.map(lambda who: history(traced, who), story.who * 4))


# --- parts ------------------------------------------------------------------------------------------------------------


def test_a_fee_is_all_that_was_paid() -> None:
    """Blobs and, on a chain above another, its data are paid for beside the gas."""
    hashed = {"transactionHash": "0x" + "11" * 32, "blockHash": "0x" + "22" * 32, "blockNumber": "0x5", "status": "0x1"}
    gas = {"gasUsed": "0x64", "effectiveGasPrice": "0x3"}
    blobs = {"blobGasUsed": "0x20000", "blobGasPrice": "0x2"}

    assert 300 == decode.receipt({**hashed, **gas}).fee
    assert 300 + 262_144 == decode.receipt({**hashed, **gas, **blobs}).fee
    assert 300 + 9 == decode.receipt({**hashed, **gas, "l1Fee": "0x9"}).fee


def test_what_is_kept_is_bounded() -> None:
    """What was not used for longest goes when there is too much; a value put again does not count twice."""
    kept: Kept[str, int] = Kept(10)
    for name, weight in (("a", 4), ("b", 4), ("b", 5)):
        kept.put(name, weight, weight)
    assert 4 == kept.get("a")
    kept.put("c", 6, 6)

    assert [4, None, 6] == [kept.get(name) for name in "abc"]
    kept.put("d", 99, 99)
    assert [None, None, 99] == [kept.get(name) for name in "acd"]
