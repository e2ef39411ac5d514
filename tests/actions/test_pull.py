"""Pulling from a real node: what is kept is what the chain says, whoever fails, stops it or changes its mind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from jobs.tasks import Desk
from jobs.tasks import pull as pull_job
from tests.anvil import Anvil, Proxy, proxied, refusing
from tests.jobs.story import LEFT, Office, Played, play, settings
from tests.makers import ETHEREUM, START
from tracer.actions.pull import Pulled, pull
from tracer.app import App
from tracer.chains import parse_address
from tracer.model import Address, Case, OriginSpec, Transaction
from tracer.settings import Settings
from tracer.sources import SourceSettings
from tracer.sources.evm import Evm
from tracer.store.store import Store


@pytest.fixture
def story(anvil: Anvil) -> Played:
    """A case played on the chain."""
    return play(anvil)


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[Proxy]:
    """A server before the chain."""
    with proxied(anvil) as running:
        yield running


def evm(where: Anvil | Proxy, name: str = "node", **given: Any) -> Evm:
    """A source on a chain or the server before it."""
    return Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=where.url, name=name, **given))


def watched(story: Played) -> list[Address]:
    """Who takes part in the story."""
    return [parse_address(ETHEREUM, text) for text in (story.collector, *story.victims, LEFT)]


def said(store: Store, story: Played) -> list[Transaction]:
    """All that stands of them."""
    return store.transactions_of(watched(story))


def fresh(tmp_path: Path, chain: Anvil, story: Played) -> list[Transaction]:
    """What a new store keeps of the chain as it is now, pulled undisturbed."""
    with Store.open(f"sqlite:///{tmp_path / 'fresh.db'}") as store:
        assert [] == pull(store, [evm(chain)], watched(story), "test").failed
        return said(store, story)


def pulled(store: Store, *sources: Evm, addresses: list[Address], **given: Any) -> Pulled:
    """Pull these addresses."""
    return pull(store, sources, addresses, "test", **given)


# --- what is pulled ---------------------------------------------------------------------------------------------------


def test_addresses_are_read_in_order_each_to_its_end(store: Store, anvil: Anvil, story: Played) -> None:
    """With one thread the pages come address by address; each page goes on where the one before it ended."""
    pages: list[tuple[Address, int | None]] = []
    asked = watched(story)
    done = pulled(
        store,
        evm(anvil, range_blocks=5),
        addresses=[*asked, asked[0]],
        threads=1,
        progress=lambda step: pages.append((step.address, step.page.checkpoint.block)),
    )

    assert [] == done.failed
    assert asked == list(dict.fromkeys(address for address, _ in pages))
    ends = [*range(4, anvil.final, 5), anvil.final]
    assert [(address, end) for address in asked for end in ends] == pages
    assert len(pages) == done.pages


def test_the_same_pull_again_adds_nothing(store: Store, anvil: Anvil, story: Played) -> None:
    """Neither a row nor a line in the audit trail; the first pull left one line that says what came."""
    first = pulled(store, evm(anvil), addresses=watched(story))
    counts = store.status().counts
    again = pulled(store, evm(anvil), addresses=watched(story))

    assert not again.changed
    assert counts == store.status().counts
    (line,) = store.audit()
    assert ("test", "pull", first.transfers) == (line.actor, line.act, line.detail["transfers"])
    assert len(said(store, story)) == first.transactions > 0


def test_however_many_threads_and_blocks_the_result_is_the_same(
    store: Store, anvil: Anvil, story: Played, tmp_path: Path
) -> None:
    """Pages of three blocks by eight threads, several a commit, say what one page an address says."""
    assert [] == pulled(store, evm(anvil, range_blocks=3), addresses=watched(story), threads=8).failed
    assert fresh(tmp_path, anvil, story) == said(store, story)


def test_a_round_of_the_job_reads_so_many_and_the_next_goes_on(store: Store, anvil: Anvil, story: Played) -> None:
    """`jobs.batch` addresses a round; those that wait come first in the next."""
    asked = watched(story)
    with store.act("test", "case", "played") as work:
        work.open_case(Case("c-1", "played", tuple(map(OriginSpec, asked)), START))
    desk = Desk(App(Settings(jobs={"batch": 3}), store, (evm(anvil),)))  # type: ignore[arg-type]

    pull_job(desk)
    assert set(asked[:3]) == set(store.checkpoints("node", ETHEREUM))
    pull_job(desk)
    assert set(asked) == set(store.checkpoints("node", ETHEREUM))


# --- what fails -------------------------------------------------------------------------------------------------------


def test_an_address_that_fails_stops_none_of_the_others(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """It stays due and is named; asked again when the node answers, it is complete."""
    collector = watched(story)[0]
    word = collector.text[2:].lower()
    proxy.refuse = lambda method, params: (
        {"code": -32000, "message": "rate limit exceeded"} if method == "eth_getLogs" and word in str(params) else None
    )
    first = pulled(store, evm(proxy), addresses=watched(story))
    assert [str(collector)] == [what for what, _ in first.failed]
    assert set(watched(story)[1:]) == set(store.checkpoints("node", ETHEREUM))
    proxy.refuse = refusing()

    assert [] == pulled(store, evm(proxy), addresses=watched(story)).failed
    assert fresh(tmp_path, anvil, story) == said(store, story)


# --- what is stopped --------------------------------------------------------------------------------------------------


def test_interrupted_it_keeps_the_page_in_hand_and_says_how_to_go_on(
    sqlite_url: str, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """Ctrl-C while a page is read: that page is kept, exit code 130; the next pull ends with all there is."""
    (tmp_path / "tracer.toml").write_text(settings(proxy.url, threads=1).replace("url =", "range_blocks = 2\nurl ="))
    office = Office(tmp_path, sqlite_url, "")
    with Store.open(sqlite_url) as store, store.act("test", "case", "played") as work:
        work.open_case(Case("c-1", "played", tuple(map(OriginSpec, watched(story))), START))
    running = office.start("tracer", "pull")
    proxy.refuse = once(lambda method, _: method == "eth_getLogs", lambda: os.kill(running.pid, signal.SIGINT))
    _, err = running.communicate(timeout=60)

    assert 130 == running.returncode, err
    assert "pull again to go on" in err
    assert "Traceback" not in err
    with Store.open(sqlite_url) as store:
        assert [2 - 1] == [found.block for found in store.checkpoints("node", ETHEREUM).values()]
        office.run("tracer", "pull")
        assert fresh(tmp_path, anvil, story) == said(store, story)


def once(when: Callable[[str, list[Any]], bool], act: Callable[[], object]) -> Callable[[str, list[Any]], None]:
    """Refuses nothing; acts when this is first asked for, before it is answered."""
    waiting = [act]

    def look(method: str, params: list[Any]) -> None:
        if waiting and when(method, params):
            waiting.pop()()

    return look


# --- what the chain takes back ----------------------------------------------------------------------------------------


def test_a_chain_that_changes_while_it_is_read_is_rewound_by_the_next_pull(
    store: Store, anvil: Anvil, proxy: Proxy, story: Played, tmp_path: Path
) -> None:
    """The deposit's block goes when the first address has been kept: the second's page, of another chain, is not."""
    collector, *_, left = watched(story)
    depth = anvil.head - int(anvil.receipt(story.deposit)["blockNumber"], 16) + 1
    word, changed = collector.text[2:].lower(), Event()
    proxy.refuse = once(lambda _, params: word in str(params), lambda: changed.wait(30))

    def change(*_: object) -> None:
        anvil.reorg(depth)
        changed.set()

    first = pulled(store, evm(proxy), addresses=[left, collector], threads=1, progress=change)
    ((what, why),) = first.failed
    assert str(collector) == what
    assert f"block {anvil.final} is no longer" in why
    assert [left] == list(store.checkpoints("node", ETHEREUM))
    anvil.mine(3)
    second = pulled(store, evm(proxy), addresses=watched(story))
    assert (1, []) == (second.gone, second.failed)
    assert [(ETHEREUM, story.deposit)] == list(store.withdrawn([(ETHEREUM, story.deposit)]))
    assert fresh(tmp_path, anvil, story) == said(store, story)
    assert ["reorg"] == [line.act for line in store.audit() if line.act == "reorg"]


def test_two_sources_of_a_chain_agree_on_every_id(store: Store, anvil: Anvil, proxy: Proxy, story: Played) -> None:
    """One is read by trace_filter, one block by block: the second adds neither a transaction nor a transfer."""
    proxy.refuse = refusing("trace_filter", "trace_transaction")
    first = pulled(store, evm(anvil, "one"), addresses=watched(story))
    before = said(store, story)
    second = pulled(store, evm(proxy, "two"), addresses=watched(story))

    assert first.transfers > 0 == second.transfers == second.transactions
    assert ([], []) == (first.failed, second.failed)
    assert before == said(store, story)
    assert {"one", "two"} == {read.source for read in store.coverage()}
