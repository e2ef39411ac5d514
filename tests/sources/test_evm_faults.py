"""The EVM source where the chain changes and nodes refuse, fail or lie: nothing is lost, doubled or given away."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.anvil import ETHER, Anvil, Proxy, Refusal, refusing
from tests.makers import ETHEREUM
from tests.sources.evm_story import WAYS, ZERO, Story, change, evm, history, moves, place
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
from tracer.model import Coverage
from tracer.sources import Budget, SourceSettings
from tracer.sources.budget import Alone
from tracer.sources.evm import Evm
from tracer.sources.finding import Reach
from tracer.sources.rpc import hint, refusal

# --- reorganisations --------------------------------------------------------------------------------------------------


def test_a_checkpoint_that_is_gone(anvil: Anvil, traced: Evm) -> None:
    """Pulling on from a block that was replaced raises Reorg; from a block that still stands it gives the new chain."""
    alice, fresh = anvil.accounts[0], "0x" + "cd" * 20
    anvil.send(alice, fresh, value=5)
    anvil.mine(3)
    before = traced.pull(place(fresh), None)
    anvil.send(alice, fresh, value=6)
    anvil.mine(3)
    after = traced.pull(place(fresh), before.checkpoint)

    anvil.reorg(5)

    assert traced.block_hash(after.checkpoint.block or 0) not in (None, after.checkpoint.block_hash)
    assert traced.block_hash(before.checkpoint.block or 0) == before.checkpoint.block_hash
    with pytest.raises(Reorg):
        traced.pull(place(fresh), after.checkpoint)
    assert () == traced.pull(place(fresh), before.checkpoint).transactions


@pytest.mark.parametrize("way", WAYS)
def test_nothing_stale_is_read_after_a_reorg(anvil: Anvil, proxy: Proxy, way: str) -> None:
    """Blocks that were kept from before are read anew where the chain has others now."""
    alice, bob, carol = anvil.accounts[:3]
    proxy.refuse = WAYS[way]
    source, token = evm(proxy), anvil.token()
    for to in (bob, carol):
        anvil.send(alice, to, value=5)
        anvil.send(alice, token, "mint(address,uint256)", to, 6)
    anvil.mine(3)
    assert 2 == len(history(source, bob))

    anvil.reorg(6)
    anvil.send(alice, carol, value=7)
    anvil.mine(3)

    assert history(evm(proxy), carol) == history(source, carol)
    assert 7 in [amount for _, _, amount in moves(history(source, carol))]


def test_the_same_transaction_in_another_block(anvil: Anvil, traced: Evm) -> None:
    """One that is mined again, at the same height but another time, is read from the block that stands."""
    alice, bob = anvil.accounts[:2]
    acrobat, before = anvil.deploy("Acrobat", value=ETHER), anvil.rpc("evm_snapshot")
    tx_hash = anvil.send(alice, acrobat, "payTwice(address,uint256)", bob, 5)
    anvil.mine(3)
    (read,), other = history(traced, bob), evm(anvil)
    other.transaction(tx_hash)
    signed = anvil.rpc("eth_getRawTransactionByHash", tx_hash)

    anvil.rpc("evm_revert", before)
    anvil.rpc("evm_increaseTime", 1000)
    anvil.rpc("eth_sendRawTransaction", signed)
    anvil.mine(4)
    (again,) = history(traced, bob)

    assert [again] == history(evm(anvil), bob)
    assert (read.tx_hash, read.block) == (again.tx_hash, again.block)
    assert again.at - read.at > timedelta(seconds=900)
    assert again == replace(*other.transaction(tx_hash).transactions, whole=False, transfers=again.transfers)


def test_a_reorg_at_the_end_of_a_page(anvil: Anvil, proxy: Proxy) -> None:
    """If the chain changes after a range was found empty, the range is read again."""
    fresh, asked, before = "0x" + "cd" * 20, Counter[str](), anvil.rpc("evm_snapshot")
    anvil.mine(5)

    def change_at_the_second_look(method: str, params: list[Any]) -> None:
        asked[str(params)] += 1
        if asked["['0x3', False]"] == 2:
            asked["['0x3', False]"] += 1
            anvil.rpc("evm_revert", before)
            anvil.send(anvil.accounts[0], fresh, value=5)
            anvil.mine(4)

    proxy.refuse = change_at_the_second_look

    page = evm(proxy).pull(place(fresh), None)

    assert 5 == change([*page.transactions], fresh)
    assert evm(anvil).block_hash(3) == page.checkpoint.block_hash


def test_a_reorg_while_a_page_is_read(anvil: Anvil, proxy: Proxy) -> None:
    """If the chain changes between two requests for a page, the page is read again and is all of one chain."""
    alice, fresh = anvil.accounts[0], "0x" + "cd" * 20
    anvil.send(alice, fresh, value=5)
    anvil.mine(5)
    changed: list[int] = []

    def change_once(method: str, params: list[Any]) -> None:
        if method == "eth_getBlockByNumber" and params[1] and not changed:
            changed.append(1)
            anvil.reorg(6)

    proxy.refuse = change_once

    assert [] == history(evm(proxy), fresh)
    assert [1] == changed


# --- nodes that refuse ------------------------------------------------------------------------------------------------


def span(params: list[Any]) -> int:
    """How many blocks a request covers."""
    return int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1


def over(most: int, says: str) -> Refusal:
    """A refusal of ranges over so many blocks."""

    def refuse(method: str, params: list[Any]) -> object:
        ranged = method in ("eth_getLogs", "trace_filter") and span(params) > most
        return {"code": -32600, "message": says} if ranged else None

    return refuse


@pytest.mark.parametrize(
    "says", ["You can make eth_getLogs requests with up to a 10 block range.", "query returned too many results"]
)
def test_a_refused_range_is_halved_or_hinted(anvil: Anvil, proxy: Proxy, says: str) -> None:
    """A node that takes ten blocks at once gives the same; what it takes is learnt once, for all addresses."""
    story = Story(anvil)
    expected = history(evm(anvil), story.bob)
    proxy.refuse = over(10, says)
    source = evm(proxy)

    assert expected == history(source, story.bob)
    refused = len([one for one in proxy.asked("eth_getLogs") if span(one) > 10])
    assert (2 if "up to" in says else 4) >= refused
    assert history(evm(anvil), story.alice) == history(source, story.alice)
    assert refused == len([one for one in proxy.asked("eth_getLogs") if span(one) > 10])


def test_a_refused_block_cannot_be_halved(anvil: Anvil, proxy: Proxy) -> None:
    """Where not even one block is given the caller hears of it, and nothing counts as read."""
    proxy.refuse = lambda method, params: {"code": -32005, "message": "limit exceeded"} if "Logs" in method else None

    with pytest.raises(RangeTooLarge):
        evm(proxy).pull(place(anvil.accounts[0]), None)


def test_a_node_without_old_blocks_is_told_by_name(anvil: Anvil, proxy: Proxy) -> None:
    """Smaller ranges would be refused as well, so that none is tried; the message says what would help."""
    proxy.refuse = lambda method, params: (
        {"code": -32000, "message": "missing trie node 1234 (path )"} if method == "eth_getLogs" else None
    )
    with pytest.raises(RangeTooLarge, match="does not keep blocks that old: take an archive node, or set start_block"):
        evm(proxy).pull(place(anvil.accounts[0]), None)

    assert 2 == len(proxy.asked("eth_getLogs"))


def test_what_a_node_takes_is_known_after_a_restart(anvil: Anvil, proxy: Proxy) -> None:
    """The range that was found is kept with the budget's bank: a new source does not ask for more at first."""
    story, bank = Story(anvil), Alone()
    proxy.refuse = over(10, "query returned too many results")
    settings = SourceSettings(kind="evm", chain=ETHEREUM, url=proxy.url)
    expected = history(Evm(settings, Budget("node", bank=bank)), story.bob)
    refused = len([one for one in proxy.asked("eth_getLogs") if span(one) > 10])
    assert 10 >= bank.ranges["node"] > 1

    assert expected == history(Evm(settings, Budget("node", bank=bank)), story.bob)
    assert refused == len([one for one in proxy.asked("eth_getLogs") if span(one) > 10])


def test_a_range_grows_again_slowly() -> None:
    """After a while of being served a little more is tried; where that is refused, the while becomes longer."""
    reach = Reach(100)
    reach.refused(100, None)
    assert 50 == reach.blocks
    sizes = []
    for _ in range(500):
        if reach.blocks > 50:
            reach.refused(reach.blocks, 50)
        reach.served(reach.blocks)
        sizes.append(reach.blocks)

    assert 57 == max(sizes)
    assert 5 > sizes.count(57) > 1


@pytest.mark.parametrize("most", [1, 3])
def test_batches_become_smaller(anvil: Anvil, proxy: Proxy, most: int) -> None:
    """A node that takes few requests at once, or only single ones, gives the same."""
    story = Story(anvil)
    proxy.batch = most

    assert history(evm(anvil), story.bob) == history(evm(proxy), story.bob)


QUOTED = [  # messages as vendors and issue threads quote them
    (-32602, "range 1000000 exceeds limit of 10000", RangeTooLarge, 10_000),
    (-32005, "query returned more than 10000 results", RangeTooLarge, None),
    (-32600, "make eth_getLogs requests with up to a 500 block range. Based on it, this block range should work: "
     "[0x123c9b2, 0x123cba5]", RangeTooLarge, 500),
    (-32602, "Log response size exceeded. Please reduce query block range.", RangeTooLarge, None),
    (-32005, "limit exceeded", RangeTooLarge, None),
    (-32000, "exceed maximum block range: 5000", RangeTooLarge, 5_000),
    (-32000, "eth_getLogs is limited to a 1000 blocks range", RangeTooLarge, 1_000),
    (-32000, "Block range is too large, max is 10k blocks", RangeTooLarge, 10_000),
    (-32602, "Archive requests require a personal token", RangeTooLarge, 0),
    (-32000, "missing trie node 1234 (path )", RangeTooLarge, 0),
    (-32000, "No state available for block 17", RangeTooLarge, 0),
    (-32602, "block range too large, currently limited to 300", RangeTooLarge, 300),
    (-32016, "over rate limit", SourceBusy, None),
    (-32005, "daily request count exceeded, request rate limited", SourceBusy, None),
    (-32000, "header not found", SourceBusy, None),
    (-32601, "the method trace_filter does not exist/is not available", SourceRefused, None),
    (-32600, "trace_filter is not available on your plan", SourceRefused, None),
    (-32000, "invalid api key", SourceRefused, None),
    (-32000, "strange", SourceBroken, None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "says", "kind", "blocks"), QUOTED)
def test_what_a_refusal_means(code: int, says: str, kind: type[SourceError], blocks: int | None) -> None:
    """The text tells what a refusal means and what range would do; the code is the same for all."""
    error = refusal("node: eth_getLogs", "eth_getLogs", {"code": code, "message": says})

    assert kind is type(error)
    assert blocks == getattr(error, "hint", None)
    assert says[:50] in str(error)


def test_a_hint_may_stand_in_the_details() -> None:
    """Some say what would do only beside the message."""
    details = {"error_id": "x", "payload": "range 9009594 is bigger than range limit 2000"}
    error = refusal("node", "eth_getLogs", {"code": -32602, "message": "invalid params", "data": details})

    assert isinstance(error, RangeTooLarge)
    assert 2_000 == hint("range limit 2000")


# --- nodes that fail --------------------------------------------------------------------------------------------------

HTML = b"<html><body>Down for maintenance</body></html>"
Fault = tuple[int, dict[str, str], bytes, type[SourceError]]
FAULTS: list[Fault] = [
    (429, {"Retry-After": "7"}, b"Too Many Requests", SourceBusy),
    (429, {}, b'{"jsonrpc":"2.0","id":0,"error":{"code":-32016,"message":"over rate limit"}}', SourceBusy),
    (503, {"Retry-After": "7"}, HTML, SourceBusy),
    (500, {}, b"", SourceBusy),
    (401, {}, b"", SourceRefused),
    (403, {}, HTML, SourceRefused),
    (404, {}, HTML, SourceBroken),
    (413, {}, HTML, RangeTooLarge),
    (302, {"Location": "http://127.0.0.1:9/"}, b"", SourceBroken),
    (200, {}, HTML, SourceBroken),
    (200, {}, b"", SourceBroken),
    (200, {}, b"null", SourceBroken),
    (200, {}, b"[" * 99_000, SourceBroken),
    (200, {}, b'{"jsonrpc":"2.0","id":0}', SourceBroken),
    (200, {}, b'{"jsonrpc":"2.0","id":0,"result":"nonsense"}', SourceBroken),
    (200, {}, b'[{"id":[]},{"id":{}}]', SourceBroken),
    (400, {}, b'{"jsonrpc":"2.0","id":0,"error":"rate limit"}', SourceBusy),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0]} {fault[2][:20]!r}")
def test_a_fault_has_a_name(anvil: Anvil, proxy: Proxy, fault: Fault) -> None:
    """Whatever comes back, before the first page or after, is one of the errors that the caller knows."""
    status, headers, body, kind = fault
    new, used = evm(proxy), evm(proxy)
    page = used.pull(place(anvil.accounts[0]), None)
    anvil.mine()
    proxy.reply = status, headers, body

    for source, checkpoint in ((new, None), (used, page.checkpoint)):
        with pytest.raises(kind) as raised:
            source.pull(place(anvil.accounts[0]), checkpoint)
        if "Retry-After" in headers:
            assert isinstance(raised.value, SourceBusy)
            assert 7 == raised.value.retry_after_seconds

    proxy.reply = None
    assert used.pull(place(anvil.accounts[0]), page.checkpoint).done


def test_retry_after_may_be_a_date(anvil: Anvil, proxy: Proxy) -> None:
    """A date is as good as seconds; nonsense is as good as nothing."""
    proxy.reply = 429, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)}, b""
    with pytest.raises(SourceBusy) as dated:
        evm(proxy).block_hash(0)
    proxy.reply = 429, {"Retry-After": "soon"}, b""
    with pytest.raises(SourceBusy) as vague:
        evm(proxy).block_hash(0)

    assert 80 < (dated.value.retry_after_seconds or 0) <= 90
    assert vague.value.retry_after_seconds is None


def test_a_silent_node_and_none_at_all(anvil: Anvil, proxy: Proxy) -> None:
    """Who does not answer in time, or is not there, may be asked again later."""
    proxy.silent = True
    with pytest.raises(SourceBusy, match="Timeout"):
        evm(proxy, timeout_seconds=0.1).block_hash(0)
    proxy.over.set()
    proxy.server_close()
    proxy.shutdown()
    with pytest.raises(SourceBusy):
        evm(proxy, timeout_seconds=5).block_hash(0)


def test_half_an_answer_is_none(anvil: Anvil, proxy: Proxy) -> None:
    """A reply that breaks off moves nothing."""
    proxy.reply = 200, {"Content-Length": "1000", "Connection": "close"}, b'{"jsonrpc'
    with pytest.raises(SourceBusy):
        evm(proxy, timeout_seconds=0.2).block_hash(0)


def ignoring_addresses(call: dict[str, Any]) -> dict[str, Any]:
    """The logs of everyone."""
    if call["method"] == "eth_getLogs":
        call["params"][0]["topics"] = call["params"][0]["topics"][:1]
    return call


def from_the_start(method: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """More blocks than were asked for."""

    def hears(call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == method and call["params"][0]["fromBlock"] != call["params"][0]["toBlock"]:
            call["params"][0]["fromBlock"] = "0x0"
        return call

    return hears


def another_trace(method: str, *params: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The answer to another request in place of a transaction's trace."""
    return lambda call: {**call, "method": method, "params": params} if call["method"] == "trace_transaction" else call


LIES = [
    (ignoring_addresses, "not asked for"),
    (from_the_start("eth_getLogs"), "not asked for"),
    (from_the_start("trace_filter"), "not asked for"),
    (another_trace("eth_accounts"), "not as documented"),
    (another_trace("trace_block", "0x2"), "another transaction"),
    (another_trace("trace_block", "0x0"), "another transaction"),
]


@pytest.mark.parametrize(("hears", "says"), LIES)
def test_answers_to_other_questions(anvil: Anvil, proxy: Proxy, hears: Any, says: str) -> None:
    """A node that ignores filters or answers for another block or transaction is broken: it proves nothing."""
    alice, bob = anvil.accounts[:2]
    acrobat, token = anvil.deploy("Acrobat", value=ETHER), anvil.token()
    for to in (bob, alice):
        anvil.send(alice, token, "mint(address,uint256)", to, 5)
        anvil.send(alice, acrobat, "payTwice(address,uint256)", bob, 5)
    anvil.mine(3)
    page = evm(anvil, range_blocks=5).pull(place(bob), None)
    proxy.hears = hears

    with pytest.raises(SourceBroken, match=says):
        evm(proxy).pull(place(bob), page.checkpoint)


def test_what_a_node_can_is_not_learnt_while_it_is_busy(anvil: Anvil, proxy: Proxy) -> None:
    """A refusal for now says nothing about what a node serves, or what a token is called."""
    bob, token = anvil.accounts[1], anvil.token()
    anvil.send(bob, token, "mint(address,uint256)", bob, 5)
    anvil.mine(3)
    source = evm(proxy)
    for method in ("eth_chainId", "trace_filter", "eth_call"):
        proxy.refuse = refusing(method, says="too many requests", code=-32005)
        with pytest.raises(SourceBusy):
            source.pull(place(bob), None)
    proxy.refuse = refusing()

    page = source.pull(place(bob), None)

    assert Coverage("complete") == page.coverage
    assert {"ETH", "TT"} == {asset.symbol for asset in page.assets}


def test_another_chains_node_is_refused(anvil: Anvil) -> None:
    """A node of another chain than the settings say gives nothing."""
    source = Evm(SourceSettings(kind="evm", chain="base", url=anvil.url))

    with pytest.raises(SourceRefused, match="eip155:1, not of eip155:8453"):
        source.pull(parse_address("base", ZERO), None)


def test_wrong_settings_and_addresses() -> None:
    """What cannot work is refused before anything is asked, without showing the URL."""
    for url in ("ftp://secretpart.example/x", "secretpart", "http://", "http://[secretpart"):
        with pytest.raises(ConfigError) as wrong:
            Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=url))
        assert "secretpart" not in str(wrong.value)
    with pytest.raises(ConfigError):
        Evm(SourceSettings(kind="evm", chain="tron", url="http://localhost"))
    with pytest.raises(UnknownChain):
        Evm(SourceSettings(kind="evm", chain="nowhere", url="http://localhost"))
    with pytest.raises(InputError):
        Evm(SourceSettings(kind="evm", chain=ETHEREUM, url="http://localhost")).pull(parse_address("base", ZERO), None)


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = ("pa55word", "k3yInPath", "k3yInQuery")


def test_no_secret_is_shown(anvil: Anvil, proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    """Not in an error and all that led to it, a page, a name, or a log line, even where the node echoes the key."""
    caplog.set_level(logging.DEBUG)
    url = f"http://user:pa55word@127.0.0.1:{proxy.server_port}/v3/k3yInPath?apikey=k3yInQuery"
    settings = SourceSettings(kind="evm", chain=ETHEREUM, url=url, timeout_seconds=0.2)
    source, told = Evm(settings), [repr(settings), str(settings)]
    page = source.pull(place(anvil.accounts[0]), None)
    told += [repr(page), source.name, repr(source)]

    def failing(act: Callable[[], object]) -> None:
        with pytest.raises(SourceError) as raised:
            act()
        error: BaseException | None = raised.value
        told.extend(traceback.format_exception(raised.value))
        while error:
            told.append(repr(error))
            error = error.__cause__ or error.__context__

    echo = " ".join(SECRETS).encode()
    for status, _, body, _ in FAULTS:
        proxy.reply = status, {}, body + echo
        failing(lambda: source.block_hash(0))
    proxy.reply = 200, {}, b'{"jsonrpc":"2.0","id":0,"error":{"message":"Invalid API key ' + echo + b'"}}'
    failing(lambda: source.block_hash(0))
    proxy.reply, proxy.silent = None, True
    failing(lambda: source.block_hash(0))
    proxy.over.set()
    proxy.shutdown()
    proxy.server_close()
    failing(lambda: source.block_hash(0))

    told += [record.getMessage() for record in caplog.records]
    assert any("http://127.0.0.1" in text for text in told)
    assert any("Starting new HTTP connection" in text for text in told)  # what vendors log was seen
    assert [] == [text for text in told for secret in SECRETS if secret in text]
