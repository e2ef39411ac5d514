"""Several schedulers, one acts: real processes that are killed, stopped, put to sleep and asked to end."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from tests.anvil import Anvil
from tests.jobs.story import CHAIN, Office, Played, Running, play, running, settings
from tests.jobs.weather import Asked, Gate, fair, gate, silent, turn
from tracer.chains import parse_address
from tracer.store.rows import Run
from tracer.store.store import Store

LEASE = 1.2  # seconds
WITNESS = """
CREATE TABLE seen_leases (holder, until);
CREATE TABLE seen_runs (id, lease_holder, lease_until);
CREATE TRIGGER lease_taken AFTER INSERT ON leases BEGIN INSERT INTO seen_leases VALUES (NEW.holder, NEW.until); END;
CREATE TRIGGER lease_renewed AFTER UPDATE ON leases BEGIN INSERT INTO seen_leases VALUES (NEW.holder, NEW.until); END;
CREATE TRIGGER lease_back AFTER DELETE ON leases BEGIN INSERT INTO seen_leases VALUES (OLD.holder, NULL); END;
CREATE TRIGGER run_began AFTER INSERT ON runs BEGIN INSERT INTO seen_runs SELECT NEW.id,
    (SELECT holder FROM leases WHERE name = 'scheduler'), (SELECT until FROM leases WHERE name = 'scheduler'); END;
"""


@pytest.fixture
def story(anvil: Anvil) -> Played:
    """The case, played."""
    return play(anvil)


@pytest.fixture
def node(anvil: Anvil) -> Iterator[Gate]:
    """The node behind its weather."""
    with gate(anvil) as made:
        yield made


@pytest.fixture
def office(tmp_path: Path, node: Gate, story: Played) -> Office:
    """An office whose database itself writes down who held the lease when."""
    made = Office(tmp_path, f"sqlite:///{tmp_path / 'tracer.db'}", quick(node.url))
    made.open(story)
    with closing(sqlite3.connect(tmp_path / "tracer.db")) as db:
        db.executescript(WITNESS)
    return made


def quick(url: str, seconds: float = 30) -> str:
    """Settings of a fast scheduler."""
    fast = settings(url, pace=0.001, lease_seconds=LEASE, threads=1)
    return fast + f"timeout_seconds = {seconds}\nrange_blocks = 5\n"


@dataclass
class Held:
    """A weather that keeps the first request for logs waiting, if it has this path, until told to go on."""

    path: str = "/"
    came: Event = field(default_factory=Event)
    go: Event = field(default_factory=Event)
    asked: int = 0

    def __call__(self, gate: Gate, asked: Asked) -> tuple[int, bytes]:
        """A weather; see weather.py."""
        if asked.path == self.path and b"eth_getLogs" in asked.body:
            self.asked += 1
            self.came.set()
            self.go.wait(60)
        return fair(gate, asked)


def busy(node: Gate, requests: int) -> None:
    """Wait until so many more requests were answered."""
    enough, count = Event(), iter(range(requests - 1))

    def passed(before: bool) -> None:
        if not before and next(count, None) is None:
            enough.set()

    node.passed = passed
    assert enough.wait(60)


@contextmanager
def two(office: Office) -> Iterator[tuple[Running, Running]]:
    """Two schedulers started together: the one that acts, and the one that stands by."""
    with running(office) as one, running(office) as other:
        for each in (one, other):
            each.says(" as ")
        yield (one, other) if any("acting as" in line for line in one.lines) else (other, one)


# --- what the database saw --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lease:
    """A holder and until when it holds; None: it gave the lease back."""

    holder: str
    until: datetime | None

    @property
    def taken(self) -> datetime | None:
        """When it was taken or renewed."""
        return self.until and self.until - timedelta(seconds=LEASE)


def leases(office: Office) -> list[Lease]:
    """Every change of the lease, in order."""
    with closing(sqlite3.connect(office.folder / "tracer.db")) as db:
        rows = db.execute("SELECT holder, until FROM seen_leases ORDER BY rowid").fetchall()
    return [Lease(holder, until and _moment(until)) for holder, until in rows]


def runs(office: Office) -> list[Run]:
    """All runs, the oldest first."""
    with Store.open(office.database_url) as store:
        return store.runs(limit=10**6)[::-1]


def assert_only_holders_ran(office: Office) -> list[Run]:
    """Each run began under its holder's lease, and no two of one job overlap; all runs."""
    with closing(sqlite3.connect(office.folder / "tracer.db")) as db:
        seen = {number: rest for number, *rest in db.execute("SELECT * FROM seen_runs")}
    found = runs(office)
    for run in found:
        holder, until = seen[run.id]
        assert run.holder == holder
        assert run.started_at < _moment(until)
    for job in {run.job for run in found}:
        for one, after in pairwise(run for run in found if run.job == job):
            assert "abandoned" == one.result or (one.ended_at and one.ended_at <= after.started_at), (one, after)
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- tests ------------------------------------------------------------------------------------------------------------


def test_the_second_takes_over_when_the_first_is_killed(office: Office, node: Gate) -> None:
    """Of two started together one acts; killed, its lease runs out, and within a beat of that the other acts."""
    with two(office) as (first, second):
        second.says("standing by")
        busy(node, 40)
        assert -signal.SIGKILL == first.kill(signal.SIGKILL)
        second.says("acting")
        busy(node, 40)
        assert 0 == second.kill(signal.SIGTERM)

    found, held = assert_only_holders_ran(office), leases(office)
    assert 2 == len({run.holder for run in found})
    place = next(n for n, lease in enumerate(held) if lease.holder != held[0].holder)
    over, taken = held[place - 1].until, held[place].taken
    assert over
    assert taken
    assert over <= taken <= over + timedelta(seconds=LEASE)  # a beat is a third of it: the rest is for a slow machine
    assert held[-1].until is None
    assert all(run.result is not None for run in found)


def test_sigterm_finishes_the_page_in_hand(office: Office, node: Gate, story: Played) -> None:
    """It exits with 0, its page is kept and no other was asked for, the lease is given back, and the next goes on."""
    node.weather = held = Held()
    with running(office) as jobs:
        assert held.came.wait(60)
        jobs.process.send_signal(signal.SIGTERM)
        jobs.says("the page in hand")
        held.go.set()
        assert 0 == jobs.process.wait(timeout=60)

    assert 1 == held.asked
    assert leases(office)[-1].until is None
    assert [("pull", None)] == [(run.job, run.error) for run in runs(office)]
    collector = parse_address(CHAIN, story.collector)
    with Store.open(office.database_url) as store:
        assert {collector: 4} == {each: at.block for each, at in store.checkpoints("node", CHAIN).items()}
    assert "0 withdrawn" in office.run("jobs", "--once", "pull")
    with Store.open(office.database_url) as store:
        assert story.chain.final == store.checkpoints("node", CHAIN)[collector].block


def test_the_lease_is_kept_while_the_last_page_is_slow(office: Office, node: Gate) -> None:
    """Who was told to stop still acts until its page is done: the other does not begin before."""
    (office.folder / "tracer.toml").write_text(quick(node.url, seconds=3 * LEASE))
    node.weather, asked = silent, Event()
    node.passed = lambda before: asked.set()
    with two(office) as (first, second):
        second.says("standing by")
        assert asked.wait(60)
        assert 0 == first.kill(signal.SIGTERM)
        turn(node, "fair")
        second.says("acting")
        assert 0 == second.kill(signal.SIGTERM)

    found, held = assert_only_holders_ran(office), leases(office)
    assert "cannot be reached" in (found[0].error or "")
    taken = next(lease.taken for lease in held if lease.holder != held[0].holder)
    assert found[0].ended_at
    assert taken
    assert found[0].ended_at <= taken


def test_who_slept_through_its_lease_stands_by(office: Office, node: Gate, tmp_path: Path) -> None:
    """A stopped process that wakes up begins nothing and asks for no other page: another acts meanwhile."""
    (office.folder / "tracer.toml").write_text(quick(node.url + "/sleeper"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tracer.toml").write_text(quick(node.url + "/other"))
    node.weather = held = Held("/sleeper")
    with running(office) as sleeper:
        assert held.came.wait(60)
        sleeper.process.send_signal(signal.SIGSTOP)
        with running(Office(tmp_path / "other", office.database_url, "")) as other:
            other.says("acting")
            busy(node, 40)
            sleeper.process.send_signal(signal.SIGCONT)
            sleeper.says("the lease is lost")
            held.go.set()
            busy(node, 40)
            assert 0 == sleeper.kill(signal.SIGTERM)
            assert 0 == other.kill(signal.SIGTERM)

    assert 1 == held.asked
    first, *others = runs(office)
    with closing(sqlite3.connect(office.folder / "tracer.db")) as db:
        began = [(run, holder) for run, holder, _ in db.execute("SELECT * FROM seen_runs")]
    assert [(run.id, run.holder) for run in (first, *others)] == began
    assert first.holder not in {run.holder for run in others}


def test_once_stands_back_and_keeps_its_lease(office: Office, node: Gate) -> None:
    """One job by hand does nothing beside a scheduler, and says so; alone, it renews its lease as long as it takes."""
    with running(office) as jobs:
        jobs.says("acting")
        assert "another scheduler is at work" in office.run("jobs", "--once", "pull", code=4)
        assert 0 == jobs.kill(signal.SIGTERM)
    (office.folder / "tracer.toml").write_text(quick(node.url, seconds=2 * LEASE))
    node.weather, before = silent, len(leases(office))
    office.run("jobs", "--once", "pull", code=5)

    taken = [lease.taken for lease in leases(office)[before:] if lease.taken]
    assert len(taken) > 3
    assert all(after - one < timedelta(seconds=LEASE) for one, after in pairwise(taken))
    assert json.dumps("ReadTimeout")[1:-1] in (runs(office)[-1].error or "")
