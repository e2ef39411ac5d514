"""The chain changes its mind while it is read: the next pull notices, whatever was read before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.jobs.weather import Asked, Gate, fair, gate
from tests.makers import ETHEREUM
from tracer.actions.pull import Step, pull
from tracer.chains import parse_address
from tracer.model import Address, Transaction
from tracer.sources import SourceSettings
from tracer.sources.evm import Evm
from tracer.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on SQLite."""
    with Store.open(f"sqlite:///{tmp_path / 'tracer.db'}") as opened:
        yield opened


def source(url: str) -> Evm:
    """The node at a URL."""
    return Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=url, name="node"))


def paid(chain: Anvil) -> list[Address]:
    """Five who were paid one after the other, so that each has blocks of its own; all of it final."""
    to = [f"0x{n:040x}" for n in range(0xA0, 0xA5)]
    for _ in range(3):
        for each in to:
            chain.send(chain.accounts[0], each, value=7)
    chain.mine(3)
    return [parse_address(ETHEREUM, each) for each in to]


def history(store: Store, addresses: list[Address]) -> list[Transaction]:
    """What stands of these."""
    return store.transactions_of(addresses)


def test_a_reorg_between_two_pages_is_noticed(anvil: Anvil, store: Store, tmp_path: Path) -> None:
    """What is read after it does not hide that what was read before it is gone, though its newest block is right."""
    addresses, node = paid(anvil), source(anvil.url)
    turned: list[int] = []

    def turn(_step: Step) -> None:
        if not turned:
            turned.append(anvil.head)
            anvil.reorg(8)
            anvil.send(anvil.accounts[0], addresses[3].text, value=9)
            anvil.mine(3)

    pull(store, [node], addresses, "test", threads=1, progress=turn)
    for _ in range(2):
        done = pull(store, [node], addresses, "test")

    assert done.failed == []
    with Store.open(f"sqlite:///{tmp_path / 'after.db'}") as after:
        pull(after, [source(anvil.url)], addresses, "test")
        assert history(after, addresses) == history(store, addresses)
        assert after.blocks(ETHEREUM, "node") == store.blocks(ETHEREUM, "node")


def test_a_node_that_is_behind_withdraws_nothing(anvil: Anvil, store: Store) -> None:
    """It does not have the newest block that was read; that says nothing of the block."""
    addresses = paid(anvil)
    pull(store, [source(anvil.url)], addresses, "test")
    before, newest = history(store, addresses), store.blocks(ETHEREUM, "node", 1)[0][0]

    def behind(gate: Gate, asked: Asked) -> tuple[int, bytes]:
        asks = json.loads(asked.body)
        lacking = {one["id"] for one in (asks if isinstance(asks, list) else [asks]) if hex(newest) in one["params"]}
        said = json.loads(fair(gate, asked)[1])
        for one in said if isinstance(said, list) else [said]:
            if one["id"] in lacking:
                one["result"] = None
        return 200, json.dumps(said).encode()

    with gate(anvil) as node:
        node.weather = behind
        done = pull(store, [source(node.url)], addresses, "test")

    assert ["node"] == [what for what, _ in done.failed]
    assert "behind" in done.failed[0][1]
    assert 0 == done.gone
    assert before == history(store, addresses)
