"""The chain changes its mind while it is read: the next pull notices, whatever was read before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from tests.anvil import Anvil
from tests.jobs.story import EXCHANGE, LEFT, Office, play
from tests.jobs.weather import Asked, Gate, fair, gate
from tests.makers import ETHEREUM
from tracer.actions.intake import import_labels
from tracer.actions.pull import Step, due, pull
from tracer.actions.trace import trace
from tracer.chains import parse_address
from tracer.model import Address, FlagState, Transaction
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


# --- many of them -----------------------------------------------------------------------------------------------------

SEED, REORGS, DEEPEST = 20_261_127, 25, 6


def exchange(number: int) -> str:
    """The deposit address of one round."""
    return "0x" + f"{number + 1:02x}" * 20


@dataclass
class Turning:
    """A chain that drops blocks while it is read: after so many pages of a pull, if it has so many, else after it.

    `deposits`: the transaction that paid each exchange, in its last form.
    """

    chain: Anvil
    chance: Random
    deposits: dict[int, str] = field(default_factory=dict)
    due: int = 0

    def page(self, _step: Step) -> None:
        """A page was kept."""
        self.due -= 1
        if self.due == 0:
            self.turn()

    def turn(self) -> None:
        """The last blocks are gone; some of what they held is sent again, on top of other money."""
        self.chain.reorg(self.chance.randint(1, DEEPEST))
        self.due = 0
        for number, tx_hash in list(self.deposits.items()):
            if self.chain.rpc("eth_getTransactionReceipt", tx_hash) is None and self.chance.random() < 0.5:
                self.pay(number)
        self.chain.mine(self.chance.randint(0, 2))

    def pay(self, number: int) -> None:
        """What is left of the loot goes to the exchange of a round."""
        self.deposits[number] = self.chain.send(LEFT, exchange(number), value=10**15 + number, gas=21_000)

    @property
    def standing(self) -> set[str]:
        """The exchanges that were paid, as the chain is now."""
        receipts = {n: self.chain.rpc("eth_getTransactionReceipt", tx_hash) for n, tx_hash in self.deposits.items()}
        return {parse_address(ETHEREUM, exchange(n)).text for n, found in receipts.items() if found is not None}


def test_twenty_five_reorgs_while_pulling_leave_what_the_chain_says(anvil: Anvil, store: Store, tmp_path: Path) -> None:
    """Of depth one to six, below what was final too: transfers, blocks and flags end as a fresh reading has them; flags
    that went say which block is gone, and those whose money came again are open again.
    """
    story, turning = play(anvil), Turning(anvil, Random(SEED))
    office = Office(tmp_path, f"sqlite:///{tmp_path / 'tracer.db'}", "")
    office.open(story)
    head = "chain,address,entity,category,confidence,source,valid_from,valid_to\n"
    rows = "".join(f"{ETHEREUM},{exchange(n)},invented_lowgate,exchange,0.9,a test,,\n" for n in range(REORGS))
    (tmp_path / "more.csv").write_text(head + rows)
    import_labels(store, tmp_path / "more.csv", "test")
    node = Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=anvil.url, name="node", range_blocks=9))

    def round_(progress: Callable[[Step], None] = lambda _step: None) -> int:
        addresses = due(store, store.case("played"))
        return pull(store, [node], addresses, "test", threads=2, progress=progress).gone

    for _ in range(4):
        round_()
        trace(store, "played", "test", live={ETHEREUM})
    gone = 0
    for number in range(REORGS):
        turning.pay(number)
        anvil.mine(turning.chance.randint(0, 3))
        turning.due = turning.chance.randint(1, 5)
        gone += round_(turning.page)
        trace(store, "played", "test", live={ETHEREUM})  # what was just read is flagged before it may be gone
        if turning.due > 0:
            turning.turn()
        gone += round_()
        trace(store, "played", "test", live={ETHEREUM})
    anvil.mine(3)
    for _ in range(3):
        gone += round_()
        trace(store, "played", "test", live={ETHEREUM})

    watched = due(store, store.case("played"))
    with Store.open(f"sqlite:///{tmp_path / 'after.db'}") as after:
        assert [] == pull(after, [Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=anvil.url))], watched, "x").failed
        assert history(after, watched) == history(store, watched)
    flags = [one for one in store.flags() if one.rule == "low_kyc_arrival"]
    paid = {one.address.text for one in flags if one.state is not FlagState.WITHDRAWN} - {checked(EXCHANGE)}
    assert turning.standing == paid
    went = [one for one in flags if any(each.state is FlagState.WITHDRAWN for each in one.versions)]
    reasons = [v.reason for one in went for v in one.versions if v.state is FlagState.WITHDRAWN]
    assert gone > 10
    assert len(went) > 5
    assert [] == [why for why in reasons if "is gone: reorg: block" not in why]
    assert [one for one in went if one.state is FlagState.OPEN]
    assert store.verify_audit() is None


def checked(text: str) -> str:
    """An address as it is written."""
    return parse_address(ETHEREUM, text).text
