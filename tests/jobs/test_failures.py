"""What fails is told and recorded with its run, and stops none of the others."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest
from zstandard import ZstdCompressor

from jobs import tasks
from jobs.runner import Runner
from jobs.schedule import SCHEDULE
from jobs.tasks import Desk
from tests.anvil import Anvil
from tests.jobs.story import CHAIN, Office, Played, play, running, settings
from tracer.actions.case import open_case
from tracer.actions.pull import due
from tracer.app import opened
from tracer.chains import parse_address, parse_caip10
from tracer.errors import TracerError
from tracer.model import Address, Checkpoint
from tracer.settings import JobsSettings, Settings
from tracer.sources import SourceSettings
from tracer.sources.base import Page
from tracer.sources.evm import Evm
from tracer.store.store import Store

ELSEWHERE = "eip155:137"


@pytest.fixture
def story(anvil: Anvil) -> Played:
    """The case, played."""
    return play(anvil)


@pytest.fixture
def office(tmp_path: Path, story: Played) -> Office:
    """An office with the case."""
    made = Office(tmp_path, f"sqlite:///{tmp_path / 'tracer.db'}", settings(story.chain.url))
    made.open(story)
    return made


@contextmanager
def desk(office: Office, monkeypatch: pytest.MonkeyPatch, batch: int = 500) -> Iterator[Desk]:
    """The tasks' desk in this process."""
    monkeypatch.chdir(office.folder)
    with opened(Settings.load(database_url=office.database_url, jobs=JobsSettings(batch=batch))) as app:
        yield Desk(app)


def rounds(made: Desk, count: int) -> None:
    """So many rounds of the schedule, whatever fails."""
    for _ in range(count):
        Runner(made, "test").once(list(SCHEDULE))


def more_cases(office: Office, *names: str) -> dict[str, str]:
    """Cases with the same reports, under these names; their ids."""
    with Store.open(office.database_url) as store:
        reports = [report.report_id for report in store.reports()]
        return {name: open_case(store, name, "test", report_ids=reports).id for name in names}


def execute(office: Office, script: str) -> None:
    """Change the database behind everybody's back."""
    with closing(sqlite3.connect(office.folder / "tracer.db")) as db:
        db.executescript(script)


def errors(office: Office) -> dict[str, str | None]:
    """The error of each job's newest run."""
    with Store.open(office.database_url) as store:
        return {run.job: run.error for run in reversed(store.runs())}


def test_a_source_that_refuses_stops_no_other(office: Office, story: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node of another chain than the settings say, asked first: the run names it, the others are pulled and traced.

    The refusal comes with the first page, when no block was read yet.
    """
    with Store.open(office.database_url) as store:
        open_case(store, "abroad", "test", origins=[parse_caip10(f"{ELSEWHERE}:{story.victims[0]}")])
    wrong = f'[[tracer.sources]]\nname = "wrong"\nkind = "evm"\nchain = "{ELSEWHERE}"\nurl = "{story.chain.url}"\n'
    jobs, right = settings(story.chain.url).split("[[", 1)
    (office.folder / "tracer.toml").write_text(f"{jobs}{wrong}[[{right}")

    said = office.run("jobs", "--once", "all", code=5)
    with desk(office, monkeypatch) as made:
        rounds(made, 2)

    assert f"is a node of {CHAIN}, not of {ELSEWHERE}" in said
    told = errors(office)
    assert all(f"is a node of {CHAIN}" in (told.pop(job) or "") for job in ("pull", "events"))
    assert {"trace": None, "flag": None, "notify": None} == told
    with Store.open(office.database_url) as store:
        assert ["low_kyc_arrival", "victim_convergence"] == [flag.rule for flag in store.flags()]


def test_a_case_that_fails_stops_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """One the store refuses, one that is closed while others are traced: both are named, the last is flagged."""
    ids = more_cases(office, "alpha", "beta", "gamma")
    execute(
        office,
        f"""
        CREATE TRIGGER full BEFORE INSERT ON traces WHEN NEW.case_id = '{ids["alpha"]}'
            BEGIN SELECT RAISE(ABORT, 'no room for alpha'); END;
        CREATE TRIGGER meanwhile AFTER INSERT ON traces WHEN NEW.case_id = '{ids["beta"]}'
            BEGIN UPDATE cases SET state = 'closed' WHERE name = 'gamma'; END;
        """,
    )

    said = office.run("jobs", "--once", "all", code=5)
    with desk(office, monkeypatch) as made:
        rounds(made, 2)

    assert "case alpha: the store refused it: no room for alpha" in said
    assert "case gamma: case gamma is closed" in said
    assert "no room for alpha" in (errors(office)["trace"] or "")
    with Store.open(office.database_url) as store:
        flagged = {flag.case_id for flag in store.flags()}
        assert {ids["beta"], store.case("played").id} == flagged
        (first,) = (run for run in store.runs("trace", 10**6) if run.error and run.error.startswith("2 failed"))
    assert "traced beta, played" in (first.error or "")


@pytest.mark.parametrize(
    ("kept", "said"), [(b"\0", "what is kept is damaged"), (ZstdCompressor().compress(b"{"), "unexpected")]
)
def test_a_case_that_breaks_stops_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch, kept: bytes, said: str
) -> None:
    """Where a kept trace cannot be read any more, the other cases' flags are made all the same."""
    ids = more_cases(office, "alpha")
    with desk(office, monkeypatch) as made:
        rounds(made, 3)
        damage = f"UPDATE traces SET result = x'{kept.hex()}' WHERE case_id = '{ids['alpha']}'"
        execute(office, f"DELETE FROM flags; {damage};")
        with pytest.raises(TracerError, match=rf"1 failed, first alpha: {said}.*flagged played"):
            tasks.flag(made)
        assert {made.app.store.case("played").id} == {flag.case_id for flag in made.app.store.flags()}


class Defective(Evm):
    """A source with a defect of ours: it cannot read one address, or not compare blocks."""

    unreadable: Address | None = None

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """As ever, but for that address."""
        if address == self.unreadable:
            raise ZeroDivisionError
        return super().pull(address, checkpoint)

    def block_hash(self, number: int) -> str | None:
        """As ever, unless no address is wrong: then it is this."""
        if self.unreadable is None:
            raise ZeroDivisionError
        return super().block_hash(number)


def test_a_defect_in_reading_an_address_stops_no_other(
    office: Office, story: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays due and is named with what went wrong; the other reported address is read, and the case traced."""
    collector, victim = parse_address(CHAIN, story.collector), parse_address(CHAIN, story.victims[0])
    with Store.open(office.database_url) as store:
        open_case(store, "another", "test", origins=[parse_caip10(str(victim))])
    with desk(office, monkeypatch) as made:
        source = Defective(SourceSettings(kind="evm", chain=CHAIN, url=story.chain.url, name="node"))
        source.unreadable = collector
        rounds(Desk(replace(made.app, sources=(source,))), 1)

    assert f"{collector}: unexpected ZeroDivisionError" in (errors(office)["pull"] or "")
    with Store.open(office.database_url) as store:
        assert victim in store.checkpoints("node", CHAIN)
        assert collector not in store.checkpoints("node", CHAIN)
        assert store.latest_trace(store.case("another").id)


def test_a_job_that_breaks_stops_no_other(office: Office, story: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is recorded with the run, and the jobs after it run."""
    with desk(office, monkeypatch) as made:
        rounds(made, 1)
        source = Defective(SourceSettings(kind="evm", chain=CHAIN, url=story.chain.url, name="node"))
        assert 5 == Runner(Desk(replace(made.app, sources=(source,))), "test").once(list(SCHEDULE))

    fine = dict.fromkeys(("events", "trace", "flag", "notify"))
    assert {"pull": "unexpected: see the log", **fine} == errors(office)


def test_the_list_says_how_each_job_went_last(office: Office, story: Played) -> None:
    """Never run, done, with nothing to do, failed with the error; it waits for nobody."""
    listed = office.run("jobs", "--list").splitlines()
    expected = [f"{name:8} every {job.every_seconds:g} s" for name, job in SCHEDULE.items()]
    assert expected == [line[: len(start)] for line, start in zip(listed, expected, strict=True)]
    assert all(line.endswith("; never run") for line in listed)

    office.run("jobs", "--once", "all")
    story.chain.mine(3)
    (office.folder / "tracer.toml").write_text(settings("http://127.0.0.1:1"))
    office.run("jobs", "--once", "pull", code=5)
    pull, events, trace, _, notify = office.run("jobs", "--list").splitlines()
    assert "cannot be reached" in pull
    assert trace.endswith(": traced played")
    assert '"flags": 1' in notify
    assert events.endswith(": nothing to do")


def test_more_addresses_than_a_batch_are_read_in_turn(
    office: Office, story: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one address a pull each has its turn, though the worthiest fails whenever it is asked for."""
    stuck = parse_address(CHAIN, story.collector)
    its = f"(SELECT id FROM addresses WHERE text = '{stuck.text}')"
    with desk(office, monkeypatch, batch=1) as made:
        rounds(made, 6)
        store = made.app.store
        watched = due(store, store.case("played"))
        story.chain.mine(5)
        refusal = "BEGIN SELECT RAISE(ABORT, 'stuck'); END"
        execute(office, f"CREATE TRIGGER stuck BEFORE UPDATE ON coverage WHEN OLD.address_id = {its} {refusal};")
        rounds(made, 2 * len(watched))

        reached = {each: at.block for each, at in store.checkpoints("node", CHAIN).items()}
        assert len(watched) == 3
        assert [stuck] == [each for each in watched if reached[each] != story.chain.final]
        assert 2 == sum("stuck" in (run.error or "") for run in store.runs("pull"))


def test_a_flag_is_told_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many runs had nothing to tell since, and by whichever process."""
    with desk(office, monkeypatch) as made:
        rounds(made, 3)
    execute(
        office,
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO runs (job, holder, started_at, ended_at, result)
        SELECT 'notify', 'old', '2024-01-01 00:00:00.000000', '2024-01-01 00:00:00.000000', '' FROM n;
        """,
    )
    with Store.open(office.database_url) as store:
        told = [run.result for run in store.runs("notify", 10**6) if run.result]
    assert [1, 1] == [json.loads(result)["flags"] for result in told]  # the collector's, then the exchange's

    with desk(office, monkeypatch) as made:
        assert "" == tasks.notify(made)
        made.forget()
        assert "" == tasks.notify(made)


def test_who_watches_is_told_of_new_flags_only(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tracer flags --watch` prints a line as each flag comes, not those of before, until Ctrl-C."""
    with desk(office, monkeypatch) as made, ExitStack() as watchers:
        early = watchers.enter_context(running(office, "tracer", "flags", "--watch"))
        early.says("watching")
        rounds(made, 3)
        late = watchers.enter_context(running(office, "tracer", "flags", "--watch", "--json"))
        late.says("watching")
        watchdog = Timer(60, early.process.kill)  # a line that never comes ends the test all the same
        watchdog.start()
        assert early.process.stdout
        for rule in ("victim_convergence", "low_kyc_arrival"):
            assert rule in early.process.stdout.readline()
        for each in (early, late):
            assert 130 == each.kill(signal.SIGINT)
        watchdog.cancel()
        assert late.process.stdout
        assert "" == late.process.stdout.read()
