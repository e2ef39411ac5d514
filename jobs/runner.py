"""Runs the schedule. APScheduler only ticks; the truth is in the tables: who may act (a lease), what ran and how."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

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

    It acts while it holds the lease, which it renews three times within its length. A second process stands by and
    takes over at most one lease length after the first fell silent.
    """

    def __init__(self, desk: Desk, holder: str) -> None:
        self.desk = desk
        self.holder = holder
        self.acting = False

    def stop(self) -> None:
        """Finish what is in hand, then return from `forever` or `once`."""
        self.desk.stop.set()

    def forever(self) -> None:
        """Run the schedule until stopped."""
        pace, seconds = self.desk.app.settings.jobs.pace, self.desk.app.settings.jobs.lease_seconds
        pools = {"default": ThreadPoolExecutor(1), "lease": ThreadPoolExecutor(1)}
        ticking = BackgroundScheduler(
            executors=pools,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        now = datetime.now(UTC)
        self._hold()
        ticking.add_job(self._hold, "interval", seconds=seconds / 3, executor="lease", next_run_time=now)
        for name, job in SCHEDULE.items():
            ticking.add_job(self._tick, "interval", [name], seconds=job.every_seconds * pace, next_run_time=now)
        ticking.start()
        try:
            self.desk.stop.wait()
        finally:
            ticking.shutdown(wait=True)
            self.desk.app.store.release(LEASE, self.holder)
            LOG.info("stopped")

    def once(self, names: list[str]) -> int:
        """Run these jobs now, in order; -> 0, or 5 if one failed. Raises Standby if another scheduler acts."""
        self._hold()
        if not self.acting:
            holder = self.desk.app.store.lease_of(LEASE)
            raise Standby(holder[0] if holder else "it has just left")
        try:
            return 0 if all([self.run(name) for name in names if not self.desk.stop.is_set()]) else 5
        finally:
            self.desk.app.store.release(LEASE, self.holder)

    def _hold(self) -> None:
        """Take or renew the lease; the first moment it is ours, unfinished runs of those before are closed."""
        try:
            held = self.desk.app.store.lease(LEASE, self.holder, self.desk.app.settings.jobs.lease_seconds)
        except TracerError as error:
            LOG.warning("the lease cannot be renewed: %s", error)
            held = False
        if held and not self.acting:
            LOG.info("acting as %s", self.holder)
            self.desk.app.store.abandon_runs(self.holder)
        if self.acting and not held:
            LOG.warning("another scheduler took over: standing by")
        self.acting = held

    def _tick(self, name: str) -> None:
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
        except Exception:
            store.end_run(number, "", "unexpected: see the log")
            LOG.exception("%s broke", name)
            raise
        store.end_run(number, result, error)
        if error is not None:
            LOG.warning("%s failed after %.1f s: %s", name, time.monotonic() - started, error)
        elif result:
            LOG.info("%s: %s (%.1f s)", name, result, time.monotonic() - started)
        return error is None
