"""Several sources of one chain: who reads what, what is said of it, and what happens where they do not agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.test_pull import evm, fresh, pulled, said, watched
from tests.anvil import Anvil, Proxy, proxied, started
from tests.jobs.story import LEFT, Played, play
from tests.jobs.weather import Asked, Gate, fair, gate
from tests.makers import ETHEREUM
from tracer.chains import parse_address
from tracer.model import Address, Coverage
from tracer.store.store import Store

NO = (401, dict[str, str](), b"no")


@pytest.fixture
def story(anvil: Anvil) -> Played:
    """A case played on the chain."""
    return play(anvil)


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[Proxy]:
    """A server before the chain."""
    with proxied(anvil) as running:
        yield running


def coverage(store: Store) -> dict[str, dict[Address, Coverage]]:
    """What each source says to have read."""
    found: dict[str, dict[Address, Coverage]] = {}
    for one in store.coverage():
        found.setdefault(one.source, {})[one.address] = one.coverage
    return found


# --- handing over -----------------------------------------------------------------------------------------------------


def test_a_source_that_refuses_hands_everything_to_the_next(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """It is asked once in the run, coverage says why it did not read and who did; the next run asks it again."""
    proxy.reply = NO
    first, second = evm(proxy, "first"), evm(anvil, "second")
    done = pulled(store, first, second, addresses=watched(story), threads=1)

    assert [] == done.failed
    why = f"http://127.0.0.1:{proxy.server_port} refuses access (HTTP 401)"
    assert sorted((str(address), f"first: {why}") for address in watched(story)) == sorted(done.handed)
    assert {
        "first": dict.fromkeys(watched(story), Coverage("refused", why)),
        "second": dict.fromkeys(watched(story), Coverage("complete")),
    } == coverage(store)
    assert why == store.failures()["first"].error
    assert fresh(tmp_path, anvil, story) == said(store, story)

    proxy.reply = None
    again = pulled(store, first, second, addresses=watched(story))
    assert ([], [], [], 0) == (again.failed, again.handed, again.differ, again.transfers)
    assert again.pages == len(watched(story))
    assert {Coverage("complete")} == {one.coverage for one in store.coverage()}


def test_a_source_that_fails_for_one_address_keeps_the_others(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """Only the address that it did not give is read by the next one, from the start."""
    collector = watched(story)[0]
    word = collector.text[2:].lower()
    proxy.refuse = lambda method, params: (
        {"code": -32000, "message": "rate limit exceeded"} if method == "eth_getLogs" and word in str(params) else None
    )
    done = pulled(store, evm(proxy, "first"), evm(anvil, "second"), addresses=watched(story))

    assert [] == done.failed
    assert [str(collector)] == [what for what, _ in done.handed]
    found = coverage(store)
    assert [collector] == list(found["second"])
    assert "unread" == found["first"].pop(collector).state
    assert dict.fromkeys(watched(story)[1:], Coverage("complete")) == found["first"]
    assert fresh(tmp_path, anvil, story) == said(store, story)


def test_what_a_source_had_read_before_stays_read(store: Store, anvil: Anvil, proxy: Proxy, story: Played) -> None:
    """The first fails in the second run: the next begins at its own start, adds only what is new, and coverage says
    since when the first is silent.
    """
    first, second = evm(proxy, "first"), evm(anvil, "second")
    pulled(store, first, addresses=watched(story))
    until = anvil.final
    anvil.send(LEFT, story.collector, value=5, gas=21_000)
    anvil.mine(3)
    proxy.reply = (503, {}, b"")
    done = pulled(store, first, second, addresses=watched(story))

    assert ([], 1) == (done.failed, done.transactions)
    states = {one.source: (one.coverage.state, one.checkpoint.block) for one in store.coverage(watched(story)[:1])}
    assert {"first": ("partial", until), "second": ("complete", anvil.final)} == states
    why = coverage(store)["first"][watched(story)[0]].reason
    assert f"nothing since block {until}: http://127.0.0.1:{proxy.server_port} is not working (HTTP 503)" == why
    pulled(store, first, second, addresses=watched(story))
    assert why == coverage(store)["first"][watched(story)[0]].reason


def test_where_no_source_reads_it_all_are_named(store: Store, proxy: Proxy, story: Played) -> None:
    """The address stays due, with what each of them said."""
    proxy.reply = (503, {}, b"")
    ((what, why),) = pulled(store, evm(proxy, "one"), evm(proxy, "two"), addresses=[watched(story)[0]]).failed

    assert str(watched(story)[0]) == what
    assert ["one", "two"] == [part.partition(":")[0] for part in why.split("; ")]


# --- disagreement -----------------------------------------------------------------------------------------------------


def test_two_that_differ_on_a_final_block_are_named_and_neither_is_rewound(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """The second is a node of another history: its pages are not kept on top of the first's, which stand."""
    address = watched(story)[0]
    word = address.text[2:].lower()
    pulled(store, evm(proxy, "first"), addresses=watched(story))
    before = said(store, story)
    proxy.refuse = lambda method, params: (
        {"code": -32000, "message": "rate limit exceeded"} if method == "eth_getLogs" and word in str(params) else None
    )
    anvil.mine()
    with started() as other:
        other.mine(anvil.head + 5)
        done = pulled(store, evm(proxy, "first"), evm(other, "second"), addresses=watched(story))
        (told,) = store.disagreements()
        theirs = other.rpc("eth_getBlockByNumber", hex(int(told.subject)), False)["hash"]
    ours = dict(store.blocks(ETHEREUM, "first"))[int(told.subject)]

    said_of = (told.chain, told.kind, told.subject, told.one, told.one_says, told.other, told.other_says)
    assert (ETHEREUM, "block", told.subject, "first", ours, "second", theirs) == said_of
    assert [f"first and second do not agree on block {told.subject}"] == done.differ
    ((what, why),) = done.failed
    assert str(address) == what
    assert f"second: second does not agree with first on block {told.subject}" in why
    assert (before, 0) == (said(store, story), done.gone)
    assert ["first"] == store.block_sources(ETHEREUM)
    assert "disagreement" in [line.act for line in store.audit()]


def test_a_source_that_cannot_be_asked_is_not_overruled(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played
) -> None:
    """While the first is down, the other's history is not taken for the chain's: both are named."""
    pulled(store, evm(proxy, "first"), addresses=watched(story))
    proxy.reply = NO
    with started() as other:
        other.mine(anvil.head)
        done = pulled(store, evm(proxy, "first"), evm(other, "second"), addresses=watched(story))

    assert 0 == done.gone
    (told,) = store.disagreements()
    assert told.one_says.endswith("(read before; it cannot be asked now)")


def test_one_that_hides_a_transfer_is_named(store: Store, anvil: Anvil, proxy: Proxy, story: Played) -> None:
    """The second gives the same blocks without one Transfer event: that id is named, and nothing is withdrawn."""
    address = parse_address(ETHEREUM, story.collector)
    pulled(store, evm(proxy, "first"), addresses=[address])
    before = store.transactions_of([address])
    hidden = story.payments[0]
    proxy.reply = NO

    def without(gate: Gate, asked: Asked) -> tuple[int, bytes]:
        answers = json.loads(fair(gate, asked)[1])
        for one in answers if isinstance(answers, list) else [answers]:
            if isinstance(one.get("result"), list):
                one["result"] = [row for row in one["result"] if row.get("transactionHash") != hidden]
        return 200, json.dumps(answers).encode()

    with gate(anvil) as liar:
        liar.weather = without
        pulled(store, evm(proxy, "first"), evm(liar, "second"), addresses=[address])
        (told,) = store.disagreements()
        pulled(store, evm(proxy, "first"), evm(liar, "second"), addresses=[address])

    assert ("transfers", f"{address} in blocks 0 to {anvil.final}") == (told.kind, told.subject)
    assert told.one_says.startswith(f"1 that the other has not: {ETHEREUM}:{hidden}:token:")
    assert ("first", "second", "0 that the other has not") == (told.one, told.other, told.other_says)
    assert before == store.transactions_of([address])
    assert [told] == store.disagreements()


def test_what_a_source_said_that_is_not_set_any_more_is_held_to_the_others(
    store: Store, anvil: Anvil, story: Played, tmp_path: Path
) -> None:
    """Nobody speaks for it: where the chain dropped its blocks the next source says so."""
    assert [] == pulled(store, evm(anvil, "gone"), addresses=watched(story)).failed
    anvil.reorg(anvil.head - int(anvil.receipt(story.deposit)["blockNumber"], 16) + 1)
    anvil.mine(3)

    after = pulled(store, evm(anvil, "new"), addresses=watched(story))
    assert (1, []) == (after.gone, after.failed)
    assert fresh(tmp_path, anvil, story) == said(store, story)


def test_after_a_reorg_every_source_takes_back_its_own(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """What either had read of the lost block goes, by its own word, and is read again."""
    word = watched(story)[0].text[2:].lower()
    refuse = {"code": -32000, "message": "rate limit exceeded"}
    proxy.refuse = lambda method, params: refuse if method == "eth_getLogs" and word in str(params) else None
    sources = evm(proxy, "one"), evm(anvil, "two")
    assert [] == pulled(store, *sources, addresses=watched(story)).failed
    assert ["one", "two"] == store.block_sources(ETHEREUM)
    anvil.reorg(anvil.head - int(anvil.receipt(story.deposit)["blockNumber"], 16) + 1)
    anvil.mine(3)

    after = pulled(store, *sources, addresses=watched(story))
    assert (1, []) == (after.gone, after.failed)
    assert [] == store.disagreements()
    assert fresh(tmp_path, anvil, story) == said(store, story)
