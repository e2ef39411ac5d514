"""The EVM source where the chain changes and nodes refuse, fail or lie: nothing is lost, doubled or given away."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.anvil import Anvil, Proxy, Refusal
from tests.makers import ETHEREUM
from tests.sources.evm_story import WAYS, ZERO, Story, evm, history, moves, place
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
from tracer.sources import SourceSettings
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
    (-32602, "Archive requests require a personal token", RangeTooLarge, None),
    (-32000, "missing trie node 1234 (path )", RangeTooLarge, None),
    (-32000, "No state available for block 17", RangeTooLarge, None),
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


def test_logs_that_were_not_asked_for(anvil: Anvil, proxy: Proxy) -> None:
    """A node that ignores the filter is broken: its answer cannot be taken for the address's history."""
    alice, bob, carol = anvil.accounts[:3]
    anvil.send(alice, anvil.token(), "mint(address,uint256)", bob, 5)
    anvil.mine(3)
    chain_post = anvil.post

    def ignoring(body: bytes) -> Any:
        return chain_post(re.sub(rb'"topics": \["(\w+)"[^]]*\]', rb'"topics": ["\1"]', body))

    anvil.post = ignoring  # type: ignore[method-assign] # what stands before the chain drops the addresses

    with pytest.raises(SourceBroken, match="not asked for"):
        evm(proxy).pull(place(carol), None)


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
