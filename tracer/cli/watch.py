"""`tracer pull`, `tracer screen`: read the chain for what is watched; answer for an address."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tracer.actions.pull import due
from tracer.actions.pull import pull as pull_addresses
from tracer.actions.screen import Answer, asked, lines
from tracer.actions.screen import screen as screen_addresses
from tracer.chains import parse_caip10
from tracer.cli.terminal import AsJson, answer, emit, say, show, the_app
from tracer.errors import ConfigError, InputError, SourceError
from tracer.exports.person import short, when
from tracer.model import Address, CaseState
from tracer.sources.base import Page


def pull(
    what: Annotated[
        str | None, typer.Argument(metavar="CASE|CHAIN:ADDRESS", help="What to read for; default: every open case.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read new transfers from the sources in tracer.toml; interrupted, the next pull goes on."""
    with the_app() as made:
        if not made.sources:
            raise ConfigError("no source is set: write one under [[tracer.sources]] in tracer.toml")
        if what is not None and ":" in what:
            addresses = [parse_caip10(what)]
        else:
            cases = [made.store.case(what)] if what else made.store.cases()
            open_cases = [case for case in cases if what or case.state is CaseState.OPEN]
            addresses = list(dict.fromkeys(address for case in open_cases for address in due(made.store, case)))
        threads = made.settings.jobs.threads
        done = pull_addresses(made.store, made.sources, addresses, made.actor, threads=threads, progress=_progress)
    if as_json:
        failed = [{"what": name, "why": why} for name, why in done.failed]
        counts = {"pages": done.pages, "transactions": done.transactions, "transfers": done.transfers}
        answer("pull", {**counts, "withdrawn": done.gone, "failed": failed})
    else:
        new = f"{done.transactions} transactions new, {done.gone} withdrawn"
        show([f"{len(addresses)} addresses, {done.pages} pages: {new}"])
        show(f"failed: {name}: {why}" for name, why in done.failed)
    if done.failed:
        raise SourceError(f"{len(done.failed)} of {len(addresses)} failed; what was read is kept, pull again to go on")


def _progress(address: Address, page: Page) -> None:
    say(
        f"{short(address.text)}: to block {page.checkpoint.block} of {page.head}, {len(page.transactions)} transactions"
    )


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
    texts = addresses or (sys.stdin if str(file) == "-" else lines(file or Path()))
    wanted = asked(texts)
    with the_app() as made:
        for one in screen_addresses(made.store, wanted, made.actor):
            if as_json or file is not None:
                emit(json.dumps(one, ensure_ascii=False))
            else:
                show(_lines(one))


def _lines(one: Answer) -> list[str]:
    found = [f"{one['address_submitted']}: {one['known'].upper()}"]
    for label in one["labels"]:
        found.append(f"  label     {label['entity']} ({label['category']}), {label['confidence']} by {label['source']}")
    for exposure in one["exposures"]:
        found.append(f"  exposure  case {exposure['case']}, {exposure['exposure_type']}, {exposure['hops']} hops")
        for amount in exposure["amounts"]:
            found.append(f"    {amount['method']:12} {amount['amount']} base units of {amount['asset']}")
        for hop in exposure["path"]:
            ends = f"{short(hop['sender'])} -> {short(hop['recipient'])}"
            found.append(f"    {when(hop['at'])}  {ends}  tx {hop['tx_hash']}")
    return [*found, f"  coverage  {', '.join(one['coverage'])}"]
