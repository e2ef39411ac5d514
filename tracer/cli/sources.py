"""`tracer sources`, `tracer reparse`: what chain data comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tracer.actions.reparse import reparse as reparse_pages
from tracer.actions.sources import sources as every_source
from tracer.cli.terminal import AsJson, answer, say, show, the_app
from tracer.errors import ConfigError, SourceError
from tracer.exports.plain import moment

EVERY = 100  # pages between two lines of progress


def sources(
    check: Annotated[
        bool, typer.Option("--check", help="Make the calls of a pull now and say what each came to.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Each source: what it can do, calls today and left, last error; and where two of them did not agree."""
    with the_app() as made:
        rows = every_source(made, check=check)
        differ = [asdict(one) | {"recorded_at": moment(one.recorded_at)} for one in made.store.disagreements()]
    if as_json:
        answer("sources", {"items": rows, "next": None, "disagreements": differ})
    else:
        show(line for row in rows for line in _lines(row))
        show(_differ(one) for one in differ)
        if not rows:
            show(["no source is set: write one under [[tracer.sources]] in tracer.toml"])
    if failed := [row["name"] for row in rows for one in row.get("checks", ()) if not one["ok"]]:
        raise SourceError(f"{', '.join(dict.fromkeys(failed))}: a pull would fail now")


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    can, last = row["capabilities"], row["last_error"]
    yield f"{row['name']}: {row['kind']} of {row['chain']}"
    if can["as_of"]:
        window = f", {can['window_rows']:,} rows at most" if can["window_rows"] else ""
        yield f"  reads     {', '.join(can['reads'])}; {can['page_rows']:,} rows a reply{window}; plan {can['plan']}"
        yield f"            as of {can['as_of']}: {can['read_in'][0]}"
    where = f"block {row['final_block']:,} at {row['final_at']}" if row["final_block"] is not None else "not pulled yet"
    yield f"  final     {where}; {can['confirmations']} blocks deep where it names no final one"
    rate = f"{row['calls_per_second']:g} a second" if row["calls_per_second"] else "no limit a second"
    left = f"{row['calls_left']:,} of {row['calls_per_day']:,} left" if row["calls_per_day"] else "no limit a day"
    yield f"  calls     {row['calls_today']:,} today, {left}; {rate}; budget {row['budget']}"
    if row["range_blocks"]:
        yield f"  range     {row['range_blocks']:,} blocks at once, as it turned out"
    if row["start_block"]:
        yield f"  start     block {row['start_block']:,}: nothing older is read"
    yield f"  error     {last['at']} {last['error']}" if last else "  error     none"
    for one in row.get("checks", ()):
        yield f"  {'ok  ' if one['ok'] else 'FAIL'}      {one['call']}: {one['says']}"


def _differ(one: Mapping[str, Any]) -> str:
    sides = f"{one['one']} says {one['one_says']}; {one['other']} says {one['other_says']}"
    return f"DISAGREEMENT {one['recorded_at']} {one['chain']} {one['kind']} {one['subject']}: {sides}"


def reparse(
    source: Annotated[str | None, typer.Option(help="Only what was read from this source.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read every kept page again, without a call, and add or withdraw what this version reads otherwise."""
    with the_app() as made:
        if source is not None and not made.store.page_ids(source, kind="reply"):
            raise ConfigError(f"no page of a source {source!r} is kept: `tracer sources` names those that are set")
        done = reparse_pages(made.store, made.actor, source=source, progress=_progress)
    if as_json:
        answer("reparse", asdict(done))
        return
    new = f"{done.transactions_added} transactions and {done.transfers_added} transfers new"
    gone = f"{done.transactions_withdrawn} and {done.transfers_withdrawn} withdrawn"
    show([f"{done.pages} pages read again, {done.unread} cannot be: {new}, {gone}"])


def _progress(done: int, pages: int) -> None:
    if done % EVERY == 0 or done == pages:
        say(f"{done} of {pages} pages read again")
