"""Killed at random moments, before a node that has every kind of bad day, the jobs end where undisturbed ones do."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import pytest

from jobs.runner import LEASE, Runner
from jobs.schedule import SCHEDULE
from jobs.tasks import Desk
from tests.anvil import Anvil
from tests.jobs.story import CHAIN, EXCHANGE, LEFT, Office, Played, play, settings
from tests.jobs.weather import WEATHERS, Gate, gate, turn
from tracer.actions.pull import due
from tracer.app import opened
from tracer.chains import parse_address
from tracer.model import NATIVE, Address, AssetId, Checkpoint, Coverage, FlagState, Transaction
from tracer.settings import Settings
from tracer.store.store import Store

SEED, KILLS, REORGS, DEPTH = 20_261_121, 20, (7, 14), 15
FAST = {"pace": 0.001, "lease_seconds": 0.3, "threads": 2}
FELT = ("ReadTimeout", "ConnectionError", "HTTP 503", "too many requests", "maintenance")  # errors of the bad days
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


@pytest.fixture
def node(anvil: Anvil) -> Iterator[Gate]:
    """The node behind its weather."""
    with gate(anvil) as made:
        yield made


def office_at(folder: Path, url: str, **source: object) -> Office:
    """An empty office on SQLite whose node is at a URL."""
    folder.mkdir(exist_ok=True)
    more = "".join(f"{name} = {value}\n" for name, value in source.items())
    return Office(folder, f"sqlite:///{folder / 'tracer.db'}", settings(url, **FAST) + more)


def slow(office: Office) -> None:
    """Every row takes a while to write, as on a bad disk, so that a kill often comes in the middle of writing."""
    counting = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50000) SELECT sum(n) FROM c"
    with closing(sqlite3.connect(office.folder / "tracer.db")) as db:
        for number, rows in enumerate(("INSERT ON transfers", "INSERT ON coverage", "UPDATE ON coverage")):
            db.execute(f"CREATE TRIGGER slow_{number} AFTER {rows} BEGIN SELECT ({counting}); END")


# --- what is compared -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """All that a store says of the watched addresses and of the case: what stands, without ids and times of our own."""

    transactions: list[Transaction]
    coverage: dict[Address, list[tuple[str, Coverage, Checkpoint]]]
    flags: dict[tuple[str, Address], tuple[FlagState, Any]]
    digest: str


def said(store: Store) -> Said:
    """What a store says now."""
    case = store.case("played")
    read: dict[Address, list[tuple[str, Coverage, Checkpoint]]] = {address: [] for address in due(store, case)}
    for one in store.coverage(read):
        read[one.address].append((one.source, one.coverage, one.checkpoint))
    flags = {(one.rule, one.address): (one.state, one.now.body) for one in store.flags()}
    standing = {key: flag for key, flag in flags.items() if flag[0] is not FlagState.WITHDRAWN}
    newest = store.latest_trace(case.id)
    return Said(store.transactions_of(read), read, standing, newest.digest if newest else "")


def settled(office: Office, url: str, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What the store says after as many rounds, undisturbed, as it takes until one changes nothing."""
    monkeypatch.chdir(office.folder)
    Path("tracer.toml").write_text(settings(url))
    with opened(Settings.load(database_url=office.database_url)) as app:
        if (held := app.store.lease_of(LEASE)) is not None:  # who was killed cannot give its lease back
            app.store.release(LEASE, held[0])
        before = None
        for _ in range(8):
            assert 0 == Runner(Desk(app), "calm").once(list(SCHEDULE))
            if before == (now := said(app.store)):
                return now
            before = now
    raise AssertionError("it does not settle")


def assert_the_chain_says(chain: Anvil, told: Said, token: str) -> None:
    """Every Transfer event of the watched addresses is there once, and all coins add up to what each of them has."""
    final = chain.final
    logs = chain.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(final), "topics": [TRANSFER]})
    events = Counter(
        (log["transactionHash"], _place(log["topics"][1]), _place(log["topics"][2]), int(log["data"], 16))
        for log in logs
    )
    moved = [(one.tx_hash, t) for one in told.transactions for t in one.transfers]
    tokens = Counter((name, t.sender, t.recipient, t.amount) for name, t in moved if t.asset.contract != NATIVE)
    assert tokens == Counter({move: n for move, n in events.items() if {*move[1:3]} & told.coverage.keys()})
    coins = [t for _, t in moved if t.asset == AssetId(CHAIN, NATIVE)]
    for address in told.coverage:
        change = sum(t.amount * ((t.recipient == address) - (t.sender == address)) for t in coins)
        assert change == chain.balance(address.text, final) - chain.balance(address.text, 0), address


def _place(word: str) -> Address:
    return parse_address(CHAIN, "0x" + word[-40:])


# --- kill -9 ----------------------------------------------------------------------------------------------------------


@dataclass
class Life:
    """One process of the jobs, killed at the n-th event: a request that came or was answered, a line of its log.

    The weather it was born into clears when the log tells of a failure. Now and then somebody pays. If the chain
    `drops` blocks, it does when the log tells that some were read, and the events are counted from there on.
    """

    story: Played
    node: Gate
    process: subprocess.Popen[str]
    killed: int
    drops: bool
    events: int = 0
    lock: Lock = field(default_factory=Lock)

    def happened(self) -> None:
        """Count an event, and do what is due."""
        with self.lock:
            self.events += 1
            if self.events >= self.killed and not self.drops:
                self.process.kill()
            if self.events % 30 == 0:
                pay(self.story, self.events)

    def logged(self, line: str) -> None:
        """What a line of the log brings about."""
        if "failed" in line:
            turn(self.node, "fair")
        if "INFO pull:" in line and self.drops:
            self.story.chain.reorg(DEPTH)
            self.drops, self.events = False, 0
        self.happened()

    def lived(self) -> None:
        """Live it."""
        self.node.passed = lambda before: self.happened()
        watchdog = Timer(60, self.process.terminate)
        watchdog.start()
        with self.process as process:
            assert process.stderr
            for line in process.stderr:
                self.logged(line)
        watchdog.cancel()
        self.node.passed = lambda before: None
        assert -signal.SIGKILL == process.returncode


def pay(story: Played, number: int) -> None:
    """The money moves on, clean money comes, and blocks become final."""
    chain, victim = story.chain, story.victims[0]
    chain.send(LEFT, EXCHANGE, value=number, gas=21_000)
    chain.send(victim, story.token, "mint(address,uint256)", story.collector, number)
    chain.mine(number % 4)


def test_killed_at_twenty_moments_it_ends_where_an_undisturbed_run_does(
    tmp_path: Path, anvil: Anvil, node: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, nothing doubled, though the node fails in every way and drops blocks twice meanwhile."""
    story, chance = play(anvil), random.Random(SEED)
    office = office_at(tmp_path / "chaos", node.url, timeout_seconds=0.7, range_blocks=17)
    office.open(story)
    slow(office)
    weathers = [*WEATHERS] * KILLS
    for number in range(KILLS):
        turn(node, weathers[number])
        Life(story, node, office.start("jobs"), chance.randint(1, 150), number in REORGS).lived()
    turn(node, "fair")
    anvil.mine(3)

    chaos = settled(office, anvil.url, monkeypatch)

    calm = office_at(tmp_path / "calm", anvil.url)
    calm.open(story)
    assert_the_chain_says(anvil, chaos, story.token)
    undisturbed = settled(calm, anvil.url, monkeypatch)
    assert undisturbed.transactions == chaos.transactions
    assert undisturbed.coverage == chaos.coverage
    assert undisturbed.flags == chaos.flags
    assert undisturbed.digest == chaos.digest
    with Store.open(office.database_url) as store:
        assert store.verify_audit() is None
        runs = store.runs(limit=10**6)
        lost = sum(act.detail["withdrawn"] for act in store.audit() if act.act == "reorg")
    assert all(run.result is not None for run in runs)
    assert set(FELT) == {what for what in FELT for run in runs if what in (run.error or "")}
    assert lost
    assert len(chaos.transactions) > 50
    assert chaos.flags
