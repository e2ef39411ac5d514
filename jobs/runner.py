"""Runs the schedule. APScheduler only ticks; the truth is in the tables: who may act (a lease), what ran and how."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from jobs.schedule import SCHEDULE
from jobs.tasks import Desk
from tracer.errors import TracerError

LEASE = "scheduler"
LOG = logging.getLogger("tracer.jobs")


class Standby(Exception):  # noqa: N818 - not an error: another scheduler acts
    """Another scheduler holds the lease."""


class Runner:
    """The scheduler of one process.

    It acts while it holds the lease, which it renews three times within its length as long as anything is in hand. A
    second process stands by and takes over at most a lease and a third of one after the first fell silent; who lost the
    lease, because it slept through it, finishes the page in hand and stands by.
    """

    def __init__(self, desk: Desk, holder: str) -> None:
        self.desk = desk
        self.holder = holder
        self.acting = False
        self._over = Event()
        self._holding = Lock()

    def stop(self) -> None:
        """Finish what is in hand, then return from `forever` or `once`."""
        self._over.set()
        self.desk.stop.set()

    def forever(self) -> None:
        """Run the schedule until stopped."""
        pace, now = self.desk.app.settings.jobs.pace, datetime.now(UTC)
        ticking = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        for place, (name, job) in enumerate(SCHEDULE.items()):  # due in this order: a round brings news to the end
            due = now + timedelta(milliseconds=place)
            ticking.add_job(self._tick, "interval", [name], seconds=job.every_seconds * pace, next_run_time=due)
        with self._leased():
            if not self.acting:
                LOG.info("standing by as %s", self.holder)
            ticking.start()
            self._over.wait()
            ticking.shutdown(wait=True)
        LOG.info("stopped")

    def once(self, names: list[str]) -> int:
        """Run these jobs now, in order; -> 0, or 5 if one failed. Raises Standby if another scheduler acts."""
        with self._leased():
            if not self.acting:
                holder = self.desk.app.store.lease_of(LEASE)
                raise Standby(holder[0] if holder else "it has just left")
            return 0 if all([self.run(name) for name in names if not self.desk.stop.is_set()]) else 5

    @contextmanager
    def _leased(self) -> Iterator[None]:
        """Hold the lease, or try to, until all is done; then give it back."""
        done = Event()
        beat = Thread(target=self._beat, args=(done,), name="lease")
        self._hold()
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()
            self.desk.app.store.release(LEASE, self.holder)

    def _beat(self, done: Event) -> None:
        while not done.wait(self.desk.app.settings.jobs.lease_seconds / 3):
            self._hold()

    def _hold(self) -> None:
        """Take or renew the lease; the first moment it is ours, unfinished runs of those before are closed."""
        with self._holding:
            try:
                held = self.desk.app.store.lease(LEASE, self.holder, self.desk.app.settings.jobs.lease_seconds)
                if held and not self.acting:
                    self._take_over()
            except TracerError as error:
                LOG.warning("the lease cannot be renewed: %s", error)
                held = False
            if self.acting and not held:
                LOG.warning("the lease is lost: standing by")
                self.desk.stop.set()
            self.acting = held

    def _take_over(self) -> None:
        self.desk.app.store.abandon_runs(self.holder)
        self.desk.forget()
        self.desk.stop.clear()
        if self._over.is_set():  # it was said meanwhile
            self.desk.stop.set()
        LOG.info("acting as %s", self.holder)

    def _tick(self, name: str) -> None:
        self._hold()  # this process may have slept since the last beat
        if self.acting and not self.desk.stop.is_set():
            self.run(name)

    def run(self, name: str) -> bool:
        """Run one job and record it: started, ended, result, error. True if it did not fail."""
        store = self.desk.app.store
        number = store.start_run(name, self.holder)
        started = time.monotonic()
        try:
            result, error = SCHEDULE[name].task(self.desk), None
        except TracerError as failure:
            result, error = "", str(failure)
        except Exception:  # a defect in one job stops none of the others
            LOG.exception("%s broke", name)
            result, error = "", "unexpected: see the log"
        store.end_run(number, result, error)
        if error is not None:
            LOG.warning("%s failed after %.1f s: %s", name, time.monotonic() - started, error)
        elif result:
            LOG.info("%s: %s (%.1f s)", name, result, time.monotonic() - started)
        return error is None
