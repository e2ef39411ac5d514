"""Leases between real processes, and the record of runs."""

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from tests.makers import START, address, label
from tracer.errors import NotFound
from tracer.store.rows import Run
from tracer.store.store import Store

SPAWN = multiprocessing.get_context("spawn")


# --- leases -----------------------------------------------------------------------------------------------------------


def test_a_lease_has_one_holder(store: Store) -> None:
    """Another is refused until it is over, its holder renews it, and leases by other names are others."""
    assert store.lease_of("jobs") is None
    assert store.lease("jobs", "one", 60)
    assert not store.lease("jobs", "two", 60)
    assert store.lease("other", "two", 60)
    assert store.lease("jobs", "one", 60)
    assert store.lease_of("jobs") == ("one", START + timedelta(seconds=4 + 60))


def test_who_lost_a_lease_is_told(store: Store) -> None:
    """A lease that ran out is anybody's; the holder that comes too late gets False."""
    assert store.lease("jobs", "one", 1)
    assert store.lease("jobs", "two", 60)
    assert not store.lease("jobs", "one", 60)
    assert store.lease_of("jobs") == ("two", START + timedelta(seconds=2 + 60))


def test_only_its_holder_gives_a_lease_back(store: Store) -> None:
    """Given back it is free at once; a stranger's giving back changes nothing."""
    assert store.lease("jobs", "one", 60)
    store.release("jobs", "two")
    assert not store.lease("jobs", "two", 60)
    store.release("jobs", "one")
    assert store.lease_of("jobs") is None
    assert store.lease("jobs", "two", 60)
    assert store.audit() == []


def _fight(url: str, name: str, turnstile: str, gate: Barrier) -> None:
    """Win the lease ten times; whoever stands in the turnstile with another dies of FileExistsError."""
    with Store.open(url) as store:
        gate.wait()
        wins = 0
        while wins < 10:
            if store.lease("jobs", name, 60):
                os.close(os.open(turnstile, os.O_CREAT | os.O_EXCL))
                Path(turnstile).unlink()
                store.release("jobs", name)
                wins += 1


def test_two_processes_never_hold_a_lease_together(store: Store, database_url: str, tmp_path: Path) -> None:
    """Two processes that fight for it both win it in the end, and never at the same time."""
    gate = SPAWN.Barrier(2)
    rest = (str(tmp_path / "turnstile"), gate)
    fighters = [SPAWN.Process(target=_fight, args=(database_url, name, *rest)) for name in ("one", "two")]
    for fighter in fighters:
        fighter.start()
    for fighter in fighters:
        fighter.join(60)
    assert [fighter.exitcode for fighter in fighters] == [0, 0]
    assert store.lease_of("jobs") is None


def _die_holding(url: str) -> None:
    with Store.open(url) as store:
        if store.lease("jobs", "first", 60):
            store.start_run("pull", "first")
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_holder_s_lease_runs_out(store: Store, database_url: str) -> None:
    """Not before its time; then another takes over and says what became of the run."""
    first = SPAWN.Process(target=_die_holding, args=(database_url,))
    first.start()
    first.join(60)
    assert first.exitcode == -signal.SIGKILL
    with Store.open(database_url) as now:
        assert not now.lease("jobs", "second", 60)
    (run,) = store.runs()
    assert (run.ended_at, run.result) == (None, None)
    with Store.open(database_url, clock=lambda: datetime.now(UTC) + timedelta(seconds=61)) as later:
        assert later.lease("jobs", "second", 60)
        assert later.abandon_runs("second") == 1
    (run,) = store.runs("pull")
    assert (run.ended_at, run.result) == (None, "abandoned")


def test_a_lease_does_not_wait_for_the_audit_trail(store: Store, database_url: str) -> None:
    """On Postgres a lease is renewed while a long act is under way; SQLite has one writer, whoever it is."""
    with store.act("job", "pull", "long") as work:
        work.add_labels([label(address(1))])
        if database_url.startswith("postgres"):
            assert store.lease("jobs", "one", 60)
    assert store.lease("jobs", "one", 60)


# --- runs -------------------------------------------------------------------------------------------------------------


def test_runs_are_recorded(store: Store) -> None:
    """Newest first, of one job or of all, with result and error cleaned; none of it is an act."""
    first = store.start_run("pull", "one")
    second = store.start_run("trace", "one")
    store.end_run(first, "failed", "node\x1b said no")
    third = store.start_run("pull", "one")
    at = [START + timedelta(seconds=n) for n in range(5)]
    done = Run(first, "pull", "one", at[1], at[3], "failed", "node\ufffd said no")
    under_way = [
        Run(third, "pull", "one", at[4], None, None, None),
        Run(second, "trace", "one", at[2], None, None, None),
    ]
    assert store.runs() == [*under_way, done]
    assert store.runs("pull") == [under_way[0], done]
    assert store.runs(limit=1) == [under_way[0]]
    assert store.audit() == []


def test_only_a_run_under_way_can_end(store: Store) -> None:
    """An unknown one and one that ended are not found; what was said stays."""
    run = store.start_run("pull", "one")
    store.end_run(run, "done", None)
    for wrong in (run, run + 1):
        with pytest.raises(NotFound, match=str(wrong)):
            store.end_run(wrong, "failed", "late")
    assert store.runs()[0].result == "done"


def test_only_others_runs_are_abandoned(store: Store) -> None:
    """Mine and those that ended are left alone, and other jobs' where one is named; who was only slow still ends."""
    old, ended = store.start_run("pull", "old"), store.start_run("pull", "old")
    store.end_run(ended, "done", None)
    store.start_run("trace", "old")
    store.start_run("pull", "new")
    assert store.abandon_runs("new", "pull") == 1
    assert [run.result for run in store.runs()] == [None, None, "done", "abandoned"]
    assert store.abandon_runs("new") == 1
    assert store.abandon_runs("new") == 0
    store.end_run(old, "done", None)
    assert store.runs()[-1].result == "done"
