"""Each task calls one action for every open case. A case or source that fails stops none of the others: what failed is
told at the end, by the error that the run is recorded with.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from tracer.actions.events import read_events
from tracer.actions.flag import flag as flag_case
from tracer.actions.notify import news
from tracer.actions.pull import due
from tracer.actions.pull import pull as pull_addresses
from tracer.actions.trace import trace as trace_case
from tracer.app import App
from tracer.errors import TracerError
from tracer.model import Address, Case, CaseState

ACTOR = "jobs"
EVER = 10**9  # runs: all that there were
NEVER = datetime.min.replace(tzinfo=UTC)
LOG = logging.getLogger("tracer.jobs")


@dataclass(slots=True)
class Desk:
    """What tasks share: the app, a bell that says stop, and what this process need not find out again: what each case
    looked like when it was traced last, when each address was asked for last, the mark of the newest flag told.
    """

    app: App
    stop: Event = field(default_factory=Event)
    traced: dict[str, str] = field(default_factory=dict)
    asked: dict[Address, datetime] = field(default_factory=dict)
    told: str | None = None

    def forget(self) -> None:
        """Find out again what was traced and told: another process may have acted meanwhile."""
        self.traced, self.told = {}, None


def pull(desk: Desk) -> str:
    """Pull the due addresses of all open cases, each case's worthiest first; of too many, those that wait longest."""
    app = desk.app
    addresses = _longest_waiting(desk, [due(app.store, case) for case in _open(desk)])[: app.settings.jobs.batch]
    desk.asked.update(dict.fromkeys(addresses, datetime.now(UTC)))
    threads = app.settings.jobs.threads
    pulled = pull_addresses(app.store, app.sources, addresses, ACTOR, threads=threads, stop=desk.stop)
    for what, why in pulled.failed:
        LOG.warning("pull of %s failed: %s", what, why)
    for what, why in pulled.handed:
        LOG.info("pull of %s went on with the next source: %s", what, why)
    for what in pulled.differ:
        LOG.warning("pull: %s", what)
    counts = f"{pulled.transactions} transactions, {pulled.transfers} transfers, {pulled.gone} withdrawn"
    did = counts if pulled.changed else ""
    return _said(did, [f"{what}: {why}" for what, why in pulled.failed])


def events(desk: Desk) -> str:
    """Read what watched contracts said since the last time."""
    done = read_events(desk.app.store, desk.app.sources, ACTOR, stop=desk.stop)
    return _said(f"{done.new} new events" if done.new else "", [f"{what}: {why}" for what, why in done.failed])


def trace(desk: Desk) -> str:
    """Trace the cases whose inputs changed since they were traced last."""
    version = desk.app.store.inputs_version()

    def one(case: Case) -> bool:
        if desk.traced.get(case.id) == version:
            return False
        settings = desk.app.settings
        limits, policy = settings.limits.value(), settings.policy.value()
        made = trace_case(
            *(desk.app.store, case.name, ACTOR),
            limits=limits,
            policy=policy,
            live=desk.app.chains,
            include_unconfirmed=settings.include_unconfirmed,
            flags=False,
        )
        desk.traced[case.id] = version
        return made.new

    return _each(desk, one, "traced")


def flag(desk: Desk) -> str:
    """Make the flags of every open case say what its newest trace found."""
    return _each(desk, lambda case: flag_case(desk.app.store, case.name, ACTOR) > 0, "flagged")


def notify(desk: Desk) -> str:
    """Tell the log of every flag version that was not told yet."""
    if desk.told is None:
        results = [run.result for run in desk.app.store.runs("notify", EVER) if run.error is None and run.result]
        desk.told = next((json.loads(result)["told"] for result in results if result.startswith("{")), "")
    items = news(desk.app.store, desk.told)
    if not items:
        return ""
    for item in items:
        LOG.info("flag %s", item.line)
    desk.told = items[-1].mark
    return json.dumps({"told": desk.told, "flags": len(items)})


def _open(desk: Desk) -> list[Case]:
    return [case for case in desk.app.store.cases() if case.state is CaseState.OPEN]


def _each(desk: Desk, task: Callable[[Case], bool], did: str) -> str:
    """Run a task for every open case; -> what changed. Raises TracerError naming the cases that failed, at the end."""
    changed, failed = [], []
    for case in _open(desk):
        if desk.stop.is_set():
            break
        try:
            if task(case):
                changed.append(case.name)
        except TracerError as error:
            LOG.warning("case %s: %s", case.name, error)
            failed.append(f"{case.name}: {error}")
        except Exception:
            LOG.exception("case %s broke", case.name)
            failed.append(f"{case.name}: unexpected: see the log")
    return _said(f"{did} {', '.join(changed)}" if changed else "", failed)


def _said(did: str, failed: Sequence[str]) -> str:
    """What was done. Raises TracerError where something failed: how much, what first, and what was done besides."""
    if failed:
        raise TracerError("; ".join([f"{len(failed)} failed, first {failed[0]}", *([did] if did else [])]))
    return did


def _longest_waiting(desk: Desk, watched: list[list[Address]]) -> list[Address]:
    """What was never asked for first, then what was asked for longest ago; the same time: in turns."""
    addresses = list(dict.fromkeys(address for turn in _by_turns(watched) for address in turn))
    last = {read.address: read.at for read in desk.app.store.coverage(addresses)} | desk.asked
    return sorted(addresses, key=lambda address: last.get(address, NEVER))


def _by_turns(groups: list[list[Address]]) -> list[list[Address]]:
    """First of each, second of each: no case starves another."""
    return [
        [group[place] for group in groups if place < len(group)] for place in range(max(map(len, groups), default=0))
    ]
