"""Killed at twenty random moments, while three in ten replies of every explorer are faults, the jobs lose nothing."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock, Timer

import pytest

from jobs.runner import LEASE, Runner
from jobs.tasks import Desk
from tests.actions.test_bad_days import START, Provider, providers, stored, truth
from tests.jobs.story import Office
from tests.servers.serve import Answers, Asked, Given, Served, Spoil, Weather, serving
from tracer.app import opened
from tracer.model import Case, OriginSpec
from tracer.settings import Settings
from tracer.store.store import Store

KILLS, SHARE, SEED = 20, 0.3, 20_261_128
LONG = {"daily_quota", "rate", "suspended"}  # faults that ask for more silence than a test has
FAST = "[tracer.jobs]\npace = 0.001\nlease_seconds = 0.3\nthreads = 2\n"


def settings(made: Sequence[Provider], served: Mapping[str, Served]) -> str:
    """tracer.toml that names them."""
    sources = [
        f"""[[tracer.sources]]
name = "{one.kind}"
kind = "{one.kind}"
chain = "{one.world.chain}"
url = "{served[one.kind].url}"
key = "k3y-of-bad-days"
calls_per_second = 2000
calls_per_day = 1000000
timeout_seconds = 5
"""
        for one in made
    ]
    return "\n".join([FAST, *sources])


def short(faults: Mapping[str, Spoil]) -> Mapping[str, Spoil]:
    """Those after which a provider may be asked again soon."""
    return {name: spoil for name, spoil in faults.items() if not any(long in name for long in LONG)}


class Reaper:
    """Kills a process when the n-th request comes in, wherever it comes in."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.left, self.lock = 0, Lock()

    def beside(self, answers: Answers) -> Answers:
        """The same answers, counted."""

        def counted(asked: Asked) -> Given:
            with self.lock:
                self.left -= 1
                if self.left <= 0 and self.process is not None:
                    self.process.kill()
            return answers(asked)

        return counted

    def run(self, office: Office, requests: int) -> None:
        """A life of the jobs, as many requests long."""
        with office.start("jobs") as process:
            with self.lock:
                self.process, self.left = process, requests
            watchdog = Timer(90, process.terminate)
            watchdog.start()
            process.communicate()
            watchdog.cancel()
            self.process = None
        assert -signal.SIGKILL == process.returncode


def calm(office: Office, served: Mapping[str, Served], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of the jobs in fair weather until one changes nothing."""
    monkeypatch.chdir(office.folder)
    for one in served.values():
        one.weather.share = 0
    with opened(Settings.load(database_url=office.database_url)) as app:
        if (held := app.store.lease_of(LEASE)) is not None:  # who was killed cannot give its lease back
            app.store.release(LEASE, held[0])
        before = ""
        for _ in range(8):
            code = Runner(Desk(app), "calm").once(["pull"])
            now = app.store.inputs_version()
            if (code, before) == (0, now):
                return
            before = now
    raise AssertionError("it does not settle")


def test_killed_twenty_times_nothing_is_missing_doubled_or_invented(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was being asked, read or written when the process died, the store ends as the world is."""
    chance, made, reaper = random.Random(SEED), list(providers()), Reaper()
    with Store.open(sqlite_url) as store, store.act("test", "case", "open") as work:
        work.open_case(Case("1", "bad days", tuple(OriginSpec(at) for one in made for at in one.wanted), START))
    with ExitStack() as stack:
        served = {
            one.kind: stack.enter_context(
                serving(reaper.beside(one.answers), Weather(SHARE, SEED + n, short(one.faults)))
            )
            for n, one in enumerate(made)
        }
        office = Office(tmp_path, sqlite_url, "")
        (tmp_path / "tracer.toml").write_text(settings(made, served))
        for _ in range(KILLS):
            reaper.run(office, chance.randint(1, 80))
        calm(office, served, monkeypatch)

    assert all(one.weather.drawn for one in served.values())
    with Store.open(sqlite_url) as store:
        for one in made:
            assert truth(one) == stored(store, one)
        assert store.verify_audit() is None
