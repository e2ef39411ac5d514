"""`tracer trace`, `flags`, `review`, `export`: the main job and what people do with what it found."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tracer.actions.export import export, flag_row, save
from tracer.actions.notify import news
from tracer.actions.price import worths
from tracer.actions.review import review as review_flag
from tracer.actions.trace import Round
from tracer.actions.trace import trace as trace_case
from tracer.cli.terminal import AsJson, CaseName, Unconfirmed, answer, emit, say, show, the_app, urgency
from tracer.exports.person import case_lines, flag_lines
from tracer.exports.plain import moment, text, unread
from tracer.exports.usd import usd_line
from tracer.model import FlagState
from tracer.sources.cells import share

WATCH_SECONDS = 2  # how often new flags are looked for
MOST = 10**9  # more than there is to read; a number in JSON is exact far beyond it


def trace(
    name: CaseName,
    method: Annotated[str | None, typer.Option(help="For headlines and paths; all five are always computed.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Read imported files only, whatever is set.")] = False,
    addresses: Annotated[int | None, typer.Option(min=1, max=MOST, help="Read at most so many addresses.")] = None,
    hops: Annotated[int | None, typer.Option(min=0, max=MOST, help="Addresses so many hops away are not read.")] = None,
    min_confidence: Annotated[str | None, typer.Option(help="Hear labels of at least this confidence, 0 to 1.")] = None,
    include_unconfirmed: Unconfirmed = False,
    as_json: AsJson = False,
) -> None:
    """Follow a case's money and raise flags. Limits that are not given are those of the settings."""
    confidence = None if min_confidence is None else share(min_confidence, "--min-confidence")
    with the_app(include_unconfirmed=include_unconfirmed or None) as made:
        given: dict[str, Any] = {"addresses": addresses, "hops": hops, "min_confidence": confidence}
        limits = replace(made.settings.limits.value(), **{key: it for key, it in given.items() if it is not None})
        live = frozenset[str]() if offline else made.chains
        if not offline and not live:
            say("no live source is set in tracer.toml: reading what was imported, as with --offline")
        policy = made.settings.policy.value()
        traced = trace_case(
            *(made.store, name, made.actor),
            method=method,
            limits=limits,
            policy=policy,
            live=live,
            include_unconfirmed=made.settings.include_unconfirmed,
            progress=_round,
        )
        standing = [f for f in made.store.flags(made.store.case(name).id) if f.state is not FlagState.WITHDRAWN]
        flags = len(standing)
    document = traced.document
    if as_json:
        members = {key: document[key] for key in ("case", "digest", "stopped", "ledger", "as_of")}
        members["unread"] = unread(document)
        answer("trace", members | {"new": traced.new, "flags": flags, "flag_versions": traced.flags})
        return
    show(case_lines(document, [document["method"]]))
    known = "" if traced.new else " (the same result as before: nothing new was kept)"
    show([f"flags     {flags}, {traced.flags} new or changed{known}", f"next: tracer flags {document['case']}"])


def _round(done: Round) -> None:
    say(f"round {done.number}: {done.read} addresses read, {done.wanted} wanted, {done.transactions} transactions")


def flags(
    name: Annotated[str | None, typer.Argument(metavar="CASE", help="A case's name or id; default: all.")] = None,
    state: Annotated[FlagState | None, typer.Option(help="Only flags in this state.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on and print flag versions as they come.")] = False,
    paths: Annotated[int, typer.Option(min=0, help="How many paths to show of each flag.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Flags with their proof."""
    if watch:
        _watch(name, as_json)
        return
    with the_app() as made:
        cases = [made.store.case(name)] if name else made.store.cases()
        found = [(case, flag) for case in cases for flag in made.store.flags(case.id, state)]
        assets = {
            (one.id.chain, one.id.contract): {"symbol": one.symbol, "decimals": one.decimals}
            for one in made.store.assets()
        }
        rows = [{"case": case.name, **flag_row(flag)} for case, flag in found]
        worth = {row["id"]: one for row, one in zip(rows, worths(made.store, rows, assets), strict=True)}
    rows.sort(key=lambda row: (row["case"], *urgency(row)))
    if as_json:
        answer("flags", {"items": rows, "next": None})
        return
    for row in rows:
        show([*flag_lines(row, assets, paths=paths, usd=usd_line(worth[row["id"]])), ""])
    show([f"{len(rows)} flag{'s' if len(rows) != 1 else ''}" if rows else "no flags"])


def _watch(name: str | None, as_json: bool) -> None:
    """Every flag version written from now on, until interrupted."""
    with the_app() as made:
        if name is not None:
            made.store.case(name)
        told = news(made.store)
        mark = told[-1].mark if told else None
        say("watching: Ctrl-C ends it")
        while True:
            for item in news(made.store, mark):
                mark = item.mark
                if name in (None, item.flag["case"]):
                    typer.echo(json.dumps(item.flag, ensure_ascii=False)) if as_json else show([item.line])
            time.sleep(WATCH_SECONDS)


def review(
    flag: Annotated[str, typer.Argument(metavar="FLAG", help="A flag's id.")],
    state: Annotated[str, typer.Option(help="open, confirmed, dismissed or escalated.")],
    note: Annotated[str, typer.Option(help="Why; kept for ever.")],
    actor: Annotated[str | None, typer.Option(help="Who says so [default: the setting `actor`].")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what you make of a flag; earlier reviews stay."""
    with the_app() as made:
        reviewed = review_flag(made.store, flag, state, note, actor or made.actor)
    history = [
        {"version": one.version, "state": str(one.state), "note": one.note, "actor": one.actor, "at": moment(one.at)}
        for one in reviewed.reviews
    ]
    if as_json:
        answer("review", flag_row(reviewed) | {"reviews": history})
    else:
        show([f"flag {reviewed.id} at {text(reviewed.address)} is {reviewed.state}"])
        show(f"  {one['at']} {one['actor']}: {one['state']}, {one['note']}" for one in history)


def export_case(
    name: CaseName,
    file_format: Annotated[str, typer.Option("--format", help="json, graphml, csv or ledger.")] = "json",
    out: Annotated[Path | None, typer.Option(help="Where to write; default: standard output.")] = None,
) -> None:
    """Write a traced case for other tools."""
    with the_app() as made:
        content = export(made.store, name, file_format)
    if out is None or str(out) == "-":
        emit(content)
    else:
        save(content, out)
        say(f"wrote {len(content):,} bytes to {out}")
