"""SCHEDULE: what runs by itself, how often, and which task it is. To add a job is to add a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.tasks import Desk, events, flag, notify, pull, trace


@dataclass(frozen=True, slots=True)
class Job:
    """A row of SCHEDULE. The task gets the desk and says in a few words what it did; "" if there was nothing to do."""

    every_seconds: float
    says: str
    task: Callable[[Desk], str]


SCHEDULE: dict[str, Job] = {
    "pull": Job(60, "new transfers of the addresses that open cases watch, frontier first", pull),
    "events": Job(600, "what issuers of stablecoins froze, and the notes of mixers that cases' money met", events),
    "trace": Job(60, "cases whose inputs changed", trace),
    "flag": Job(60, "what the newest traces found becomes flags; what they lost is withdrawn", flag),
    "notify": Job(60, "new and changed flags, to the log", notify),
}
