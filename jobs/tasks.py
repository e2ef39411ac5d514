"""Each task calls one action for every open case; a case or source that fails is told and stops none of the others."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from tracer.actions.flag import flag as flag_case
from tracer.actions.notify import news
from tracer.actions.pull import due
from tracer.actions.pull import pull as pull_addresses
from tracer.actions.trace import trace as trace_case
from tracer.app import App
from tracer.errors import TracerError
from tracer.model import Address, Case, CaseState

ACTOR = "jobs"
LOG = logging.getLogger("tracer.jobs")


@dataclass(slots=True)
class Desk:
    """What tasks share: the app, a bell that says stop, and what each case looked like when it was traced last."""

    app: App
    stop: Event = field(default_factory=Event)
    traced: dict[str, str] = field(default_factory=dict)


def pull(desk: Desk) -> str:
    """Pull the due addresses of all open cases, each case's worthiest first."""
    app = desk.app
    watched = [due(app.store, case) for case in _open(desk)]
    turns = [address for turn in _by_turns(watched) for address in turn]
    addresses = list(dict.fromkeys(turns))[: app.settings.jobs.batch]
    threads = app.settings.jobs.threads
    pulled = pull_addresses(app.store, app.sources, addresses, ACTOR, threads=threads, stop=desk.stop)
    for what, why in pulled.failed:
        LOG.warning("pull of %s failed: %s", what, why)
    if pulled.failed and not pulled.pages:
        raise TracerError(f"{len(pulled.failed)} failed, first: {pulled.failed[0][0]}: {pulled.failed[0][1]}")
    if not pulled.changed:
        return ""
    return f"{pulled.transactions} transactions, {pulled.transfers} transfers, {pulled.gone} withdrawn"


def trace(desk: Desk) -> str:
    """Trace the cases whose inputs changed since they were traced last."""
    version = desk.app.store.inputs_version()

    def one(case: Case) -> bool:
        if desk.traced.get(case.id) == version:
            return False
        settings = desk.app.settings
        limits, policy = settings.limits.value(), settings.policy.value()
        made = trace_case(
            *(desk.app.store, case.name, ACTOR), limits=limits, policy=policy, live=desk.app.chains, flags=False
        )
        desk.traced[case.id] = version
        return made.new

    return _each(desk, one, "traced")


def flag(desk: Desk) -> str:
    """Make the flags of every open case say what its newest trace found."""
    return _each(desk, lambda case: flag_case(desk.app.store, case.name, ACTOR) > 0, "flagged")


def notify(desk: Desk) -> str:
    """Tell the log of every flag version that was not told yet."""
    results = [run.result for run in desk.app.store.runs("notify", 1000) if run.error is None and run.result]
    told = next((json.loads(result)["told"] for result in results if result.startswith("{")), None)
    items = news(desk.app.store, told)
    for item in items:
        LOG.info("flag %s", item.line)
    return json.dumps({"told": items[-1].mark, "flags": len(items)}) if items else ""


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
    if failed:
        raise TracerError("; ".join(failed))
    return f"{did} {', '.join(changed)}" if changed else ""


def _by_turns(groups: list[list[Address]]) -> list[list[Address]]:
    """First of each, second of each: no case starves another."""
    return [
        [group[place] for group in groups if place < len(group)] for place in range(max(map(len, groups), default=0))
    ]
