"""What is kept of sources: turns that all processes share, limits that were learnt, heads, disagreements."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.makers import ETHEREUM, START, address, transaction
from tests.sources.test_budget import Clock
from tracer.errors import SourceBusy
from tracer.model import Coverage
from tracer.settings import Settings
from tracer.sources.budget import Budget
from tracer.store import engine
from tracer.store.rows import Disagreement, Failure, Spent
from tracer.store.store import Store

EVENING = datetime(2026, 11, 27, 23, 59, 58, tzinfo=UTC)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
TODAY, TOMORROW = EVENING.date().isoformat(), (EVENING + timedelta(days=1)).date().isoformat()


def turn(store: Store, now: datetime, calls: int = 1, per_day: int | None = None) -> datetime | None:
    """The turn of so many calls, a quarter of a second apart."""
    return store.take_turn("explorer", now, seconds_apart=0.25, per_day=per_day, calls=calls)


# --- turns ------------------------------------------------------------------------------------------------------------


def test_turns_stand_apart(store: Store) -> None:
    """Each begins where the one before it ends, however many calls that were; after a rest at once."""
    assert EVENING == turn(store, EVENING)
    assert EVENING + timedelta(seconds=0.25) == turn(store, EVENING, calls=2)
    assert EVENING + timedelta(seconds=0.75) == turn(store, EVENING)
    late = EVENING + timedelta(seconds=60)
    assert late == turn(store, late)


def test_a_day_has_so_many(store: Store) -> None:
    """What does not fit into the day is not given and not counted; the next day begins anew, also for a slow clock."""
    assert turn(store, EVENING, calls=4, per_day=3) is None
    assert turn(store, EVENING, calls=2, per_day=3) is not None
    assert turn(store, EVENING, calls=2, per_day=3) is None
    assert {"explorer": Spent(TODAY, 2)} == store.spent()
    morning = EVENING + timedelta(seconds=5)
    assert turn(store, morning, calls=3, per_day=3) == morning
    assert turn(store, EVENING, per_day=3) is None
    assert {"explorer": Spent(TOMORROW, 3)} == store.spent()


def test_a_suspension_is_kept_for_all(store: Store, database_url: str) -> None:
    """A pause that one process was told of holds for every other, and a shorter one does not end it."""
    until = EVENING + timedelta(seconds=27)
    store.pause("explorer", until)
    store.pause("explorer", EVENING)
    with Store.open(database_url) as other:
        assert until == turn(other, EVENING)


def test_calls_without_a_limit_are_counted_in_memory(store: Store, database_url: str) -> None:
    """Of two thousand calls in two seconds each second is one write; what is left is written at the end."""
    for n in range(2001):
        now = START + timedelta(milliseconds=n)
        assert now == store.take_turn("node", now, seconds_apart=0, per_day=None, calls=1)
    opened = create_engine(engine.parse(database_url))
    with opened.connect() as db:
        assert 2001 == db.execute(text("SELECT calls FROM budgets")).scalar()
    opened.dispose()
    store.take_turn("node", START + timedelta(seconds=2.5), seconds_apart=0, per_day=None, calls=5)
    store.close()
    with Store.open(database_url) as again:
        assert 2006 == again.spent()["node"].calls


def test_without_a_limit_a_suspension_is_kept_as_well(store: Store) -> None:
    """Who may be asked as often as one likes may still ask for silence."""
    until = START + timedelta(seconds=9)
    store.pause("node", until)

    assert until == store.take_turn("node", START, seconds_apart=0, per_day=None, calls=1)


def _ask(url: str, gate: Barrier, turns: Queue[list[datetime]]) -> None:
    """Make calls until the day has none left; tell when each was made, by a clock that only waiting moves."""
    clock, made = Clock(), []
    clock.time = NOON
    with Store.open(url) as store:
        mine = Budget("explorer", 40, 100, store, clock.now, clock.sleep)
        gate.wait()
        while True:
            try:
                mine.take()
            except SourceBusy:
                break
            made.append(clock.time)
    turns.put(made)


def test_processes_share_one_budget(database_url: str) -> None:
    """Three processes ask as fast as they may: the log of all their calls is under the rate and the daily budget."""
    Store.open(database_url).close()
    context = multiprocessing.get_context("spawn")
    gate, turns = context.Barrier(3), context.Queue()
    crowd = [context.Process(target=_ask, args=(database_url, gate, turns)) for _ in range(3)]
    for process in crowd:
        process.start()
    calls = sorted(moment for _ in crowd for moment in turns.get(timeout=60))
    for process in crowd:
        process.join(60)

    assert [0] * 3 == [process.exitcode for process in crowd]
    assert [NOON + n * timedelta(seconds=1 / 40) for n in range(100)] == calls


def test_two_sources_with_one_key_share_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider counts by key, not by chain; its name tells neither the key nor anything of it that helps."""
    from tracer.app import opened

    monkeypatch.chdir(tmp_path)
    urls = ("http://h/s3cret", "http://h/s3cret", "http://h/other")
    made = [
        {"name": f"n{n}", "kind": "evm", "chain": "ethereum", "url": url, "calls_per_second": 3}
        for n, url in enumerate(urls)
    ]
    with opened(Settings.load(sources=made, database_url=f"sqlite:///{tmp_path / 'x.db'}")) as app:
        names = [app.budgets[one].name for one in ("n0", "n1", "n2")]
        assert names[0] == names[1] != names[2]
        assert "s3cret" not in "".join(names)
        assert app.budgets["n0"].bank is app.store


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_the_last_error_is_kept(store: Store) -> None:
    """One for each name, the newest."""
    store.failed("node", START, "first")
    store.failed("node", EVENING, "second")

    assert {"node": Failure("second", EVENING)} == store.failures()


def test_a_limit_is_learnt(store: Store, database_url: str) -> None:
    """Another process knows it; another budget does not have it."""
    store.learn("node@a", 2000)
    store.learn("node@a", 10)
    with Store.open(database_url) as other:
        assert (10, None) == (other.learnt("node@a"), other.learnt("node@b"))


def test_what_lies_above_the_final_head_is_unconfirmed(store: Store) -> None:
    """By the head of the source that it was read from; when that goes on, it is final."""
    paid, later, filed = (transaction((address(1), address(2), n), tx=n, block=n) for n in (5, 7, 9))
    before = store.inputs_version()
    with store.act("job", "pull", "x") as work:
        work.add_transactions([paid, later], work.add_page("node", "a", 0, b"raw", "reply"))
        work.add_transactions([filed], work.add_page("file:x", "a", 0, b"raw"))
        work.set_head(ETHEREUM, "node", final=5, read=8)
    assert {(ETHEREUM, later.tx_hash)} == store.unconfirmed()
    version = store.inputs_version()
    with store.act("job", "pull", "x") as work:
        work.set_head(ETHEREUM, "node", final=7, read=7)
        work.set_coverage(address(1), "node", Coverage("complete"))
    assert set() == store.unconfirmed()
    (head,) = store.heads()
    assert (7, 8) == (head.final, head.read)
    assert len({before, version, store.inputs_version()}) == 3


def test_a_disagreement_is_recorded_once(store: Store) -> None:
    """It stands for ever with its date; the same again is no news."""
    one = Disagreement(ETHEREUM, "block", "5", "a", "0x1", "b", "0x2")
    with store.act("job", "pull", "x") as work:
        assert work.disagree(one)
        assert not work.disagree(one)
        assert work.disagree(replace(one, subject="6"))
    first, second = store.disagreements()

    assert ("5", "6") == (first.subject, second.subject)
    assert one == replace(first, recorded_at=None)
    assert first.recorded_at == store.audit()[-1].at
