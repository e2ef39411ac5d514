"""`tracer pull`, `tracer screen`: read the chain for what is watched; answer for an address."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated

import typer

from tracer.actions.pull import Step, due
from tracer.actions.pull import pull as pull_addresses
from tracer.actions.screen import Answer, asked, streamed
from tracer.actions.screen import screen as screen_addresses
from tracer.app import App
from tracer.chains import parse_caip10
from tracer.cli.terminal import INTERRUPTED, AsJson, Unconfirmed, answer, emit, one_line, say, show, the_app
from tracer.errors import BadRow, ConfigError, InputError, SourceError
from tracer.exports.person import money, origin_name, share, short, when
from tracer.model import CaseState

SAY_SECONDS = 1.0  # between two lines of progress


def pull(
    what: Annotated[
        str | None, typer.Argument(metavar="CASE|CHAIN:ADDRESS", help="What to read for; default: every open case.")
    ] = None,
    include_unconfirmed: Unconfirmed = False,
    as_json: AsJson = False,
) -> None:
    """Read new transfers from the sources in tracer.toml; interrupted, the next pull goes on."""
    with the_app(include_unconfirmed=include_unconfirmed or None) as made:
        if not made.sources:
            raise ConfigError("no source is set: write one under [[tracer.sources]] in tracer.toml")
        if what is not None and ":" in what:
            addresses = [parse_caip10(what)]
        else:
            cases = [made.store.case(what)] if what else made.store.cases()
            open_cases = [case for case in cases if what or case.state is CaseState.OPEN]
            addresses = list(dict.fromkeys(address for case in open_cases for address in due(made.store, case)))
        threads = made.settings.jobs.threads
        with _interruptible() as stop:
            done = pull_addresses(
                *(made.store, made.sources, addresses, made.actor), threads=threads, stop=stop, progress=Said(made)
            )
    if as_json:
        failed = [{"what": name, "why": why} for name, why in done.failed]
        counts = {"pages": done.pages, "transactions": done.transactions, "transfers": done.transfers}
        handed = [{"what": name, "why": why} for name, why in done.handed]
        more = {"withdrawn": done.gone, "failed": failed, "handed": handed, "disagreements": done.differ}
        answer("pull", {**counts, **more})
    else:
        new = f"{done.transactions} transactions new, {done.gone} withdrawn"
        show([f"{len(addresses)} addresses, {done.pages} pages: {new}"])
        show(f"next source: {name}: {why}" for name, why in done.handed)
        show(f"DISAGREEMENT: {what}" for what in done.differ)
        show(f"failed: {name}: {why}" for name, why in done.failed)
    if stop.is_set():
        raise typer.Exit(INTERRUPTED)
    if done.failed:
        raise SourceError(f"{len(done.failed)} of {len(addresses)} failed; what was read is kept, pull again to go on")


@contextmanager
def _interruptible() -> Iterator[Event]:
    """What is set by the first Ctrl-C, so that the pages in hand are finished; the second one ends the command."""
    stop = Event()

    def stopped(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()
        say("stopping: the pages in hand are kept; pull again to go on")

    before = signal.signal(signal.SIGINT, stopped)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class Said:
    """Says how far a pull is: each address when it is done, and every second how far all of it is."""

    def __init__(self, app: App) -> None:
        self._app, self._began, self._last = app, time.monotonic(), 0.0

    def __call__(self, step: Step) -> None:
        """A page was kept."""
        now = time.monotonic()
        if step.page.done:
            upto = f"to block {step.page.checkpoint.block} of {step.page.head}, {step.page.coverage}"
            say(f"{short(step.address.text)}: {upto}, by {step.page.source}")
        if step.left and now - self._last < SAY_SECONDS:
            return
        self._last = now
        each = (now - self._began) / step.done if step.done else None
        left = f", about {timedelta(seconds=round(each * step.left))} left" if each and step.left else ""
        of = f"{step.done} of {step.done + step.left} addresses"
        say(f"{of}, {step.pages} pages, {step.transfers} transfers{self._budget(step)}{left}")

    def _budget(self, step: Step) -> str:
        budget = self._app.budgets.get(step.page.source)
        spent = self._app.store.spent().get(budget.name) if budget else None
        if budget is None or spent is None:
            return ""
        left = f", {budget.calls_per_day - spent.calls:,} left" if budget.calls_per_day else ""
        return f", {spent.calls:,} calls to {step.page.source} today{left}"


def screen(
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="CHAIN:ADDRESS...", help="What to answer for.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file with one CHAIN:ADDRESS a line; - for standard input.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What is known of addresses: labels, exposure to open cases with its path, coverage; else `unknown`."""
    if bool(addresses) == (file is not None):
        raise InputError("name addresses, or a file of them with --file")
    bad = 0

    def refused(row: BadRow) -> None:
        nonlocal bad
        bad += 1
        say(f"line {row.line}: {row.reason}")

    pieces = [asked(addresses)] if addresses else streamed(file or Path(), refused)
    with the_app() as made:
        for one in screen_addresses(made.store, pieces, made.actor):
            if as_json or file is not None:
                emit(one_line(one))
            else:
                show(_lines(one))
    if bad:
        raise InputError(f"{bad} bad line{'s' if bad != 1 else ''}: all others were answered")


def _lines(one: Answer) -> list[str]:
    found = [f"{one['address_submitted']}: {one['known'].upper()}"]
    for report in one["reported"]:
        found.append(
            f"  reported  {report['report_id'] or 'by hand'}{', case ' + report['case'] if report['case'] else ''}"
        )
    for label in one["labels"]:
        name = label["entity_name"] or label["entity"]
        sanctioned = " SANCTIONED NOW" if label["sanctioned"] == "yes" else ""
        found.append(
            f"  label     {name} ({label['category']}){sanctioned}, {label['confidence']} by {label['source']}"
        )
    for issuer in one["freezes"]:
        if issuer["state"] in ("frozen", "destroyed"):
            found.append(
                f"  issuer    {issuer['symbol']} {issuer['state'].upper()} {when(issuer['at'])}, tx {issuer['tx_hash']}"
            )
    for exposure in one["exposures"]:
        found += _exposure(exposure, one["chain"])
    return [*found, f"  coverage  {', '.join(one['coverage'])}"]


def _exposure(exposure: Answer, chain: str) -> list[str]:
    hops = f"{exposure['hops']} hop{'s' if exposure['hops'] != 1 else ''}"
    found = [f"  exposure  case {exposure['case']}, {exposure['exposure_type']}, {hops} at the least"]
    for amount in exposure["amounts"]:
        found.append(f"    {money(amount['amount'], (chain, amount['asset']), {}):>28}  {amount['method']}")
    path = exposure["path"] or {"method": "", "hops": []}
    found += _whose(exposure, path["method"], chain)
    for hop in path["hops"]:
        ends = f"{short(hop['sender'])} -> {short(hop['recipient'])}"
        found.append(
            f"    {when(hop['at'])}  {ends}  {money(hop['amount'], (chain, hop['asset']), {})}  tx {hop['tx_hash']}"
        )
    return found


def _whose(exposure: Answer, method: str, chain: str) -> Iterator[str]:
    """In words: how much of all that arrived is whose, under the method of the path."""
    names = " and ".join(f"report {name}" for name in exposure["report_ids"]) or origin_name(exposure["origin"])
    for one in exposure["arrived"]:
        asset = (chain, one["asset"])
        yield f"    {share(one['amount'], one['whole'], one['transactions'], asset, {})} from {names}, under {method}"
