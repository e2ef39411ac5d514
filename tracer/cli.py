"""One command an action. A command reads its words, calls the action and shows the answer; it adds nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from tracer import __version__
from tracer.actions import demo as demo_action
from tracer.actions import intake
from tracer.actions.case import close_case, open_case
from tracer.actions.export import case_document, export, flag_row, save
from tracer.actions.review import review as review_flag
from tracer.actions.trace import Round
from tracer.actions.trace import trace as trace_case
from tracer.app import App, opened
from tracer.chains import parse_caip10
from tracer.errors import (
    BadRows,
    ConfigError,
    Conflict,
    Denied,
    InputError,
    NotFound,
    SourceError,
    StoreError,
    TracerError,
)
from tracer.exports.person import assets_of, case_lines, flag_lines, plain_text
from tracer.exports.plain import moment, place, text
from tracer.model import Case, FlagState, Limits, Severity
from tracer.settings import Settings
from tracer.taint.methods import METHODS

EXITS: dict[type[TracerError], int] = {
    InputError: 2,
    NotFound: 3,
    Conflict: 4,
    Denied: 4,
    SourceError: 5,
    ConfigError: 6,
    StoreError: 6,
}
INTERRUPTED = 130
SEVERITIES = [str(severity) for severity in reversed(Severity)]
_given: ContextVar[dict[str, str]] = ContextVar("given")  # settings named on the command line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Follow the money; flag where it stops.",
)
db_app = typer.Typer(no_args_is_help=True, help="The store: bring it up to date, look at it.")
import_app = typer.Typer(no_args_is_help=True, help="Take files in. A bad row is named; nothing of its file is stored.")
case_app = typer.Typer(no_args_is_help=True, help="Cases: what is reported and worked on.")
app.add_typer(db_app, name="db")
app.add_typer(import_app, name="import")
app.add_typer(case_app, name="case")

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A file, or - for standard input.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Store the good rows and list what was left.")]
CaseName = Annotated[str, typer.Argument(metavar="CASE", help="A case's name or id.")]


def exit_code(error: TracerError) -> int:
    """The exit code of an error: that of the nearest class in EXITS."""
    return next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)


def main() -> None:
    """Run the command; every error becomes a sentence on standard error and an exit code."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except TracerError as error:
        complain(error)
        sys.exit(exit_code(error))
    except TyperException as usage:
        getattr(usage, "show", lambda: say("error: the command's words are off, see --help"))()
        sys.exit(EXITS[InputError])
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted: nothing of the unfinished act was kept; run the command again to go on")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def complain(error: TracerError) -> None:
    """An error as a person reads it."""
    if isinstance(error, BadRows):
        for row in error.rows:
            say(f"line {row.line}: {row.reason}")
        if error.total > len(error.rows):
            say(f"… and {error.total - len(error.rows)} more")
        say(f"error: {error}: nothing of the file was stored; mend the rows, or leave them out with --skip-bad")
    else:
        say(f"error: {error}")


def say(line: str) -> None:
    """Progress and errors go to standard error."""
    typer.echo(plain_text([line]), err=True)


def show(lines: Iterable[str]) -> None:
    """Answers go to standard output, with nothing in them that a terminal obeys."""
    for line in lines:
        typer.echo(plain_text([line]))


def answer(schema: str, members: Mapping[str, Any]) -> None:
    """One JSON object with its schema."""
    typer.echo(json.dumps({"schema": f"tracer.{schema}/1", **members}, ensure_ascii=False))


@contextmanager
def the_app() -> Iterator[App]:
    """The app as the settings say."""
    with opened(Settings.load(**_given.get({}))) as made:
        yield made


@app.callback()
def root(
    database: Annotated[str | None, typer.Option(help="The store's URL [env: TRACER_DATABASE_URL].")] = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
) -> None:
    """Follow the money of a report, and flag with proof where it can be stopped."""
    if version:
        typer.echo(f"tracer {__version__}")
        raise typer.Exit
    _given.set({"database_url": database} if database else {})


# --- demo and store ---------------------------------------------------------------------------------------------------


@app.command()
def demo(
    graph: Annotated[Path, typer.Option(help="Where the graph is written.")] = Path("demo.graphml"),
    as_json: AsJson = False,
) -> None:
    """Run the invented sample case offline: flags with paths, every method's amounts, checked against its answer."""
    made = demo_action.run(graph, say)
    flags = made.document["flags"]
    if as_json:
        answer("demo", {"flags": flags, "differences": made.differences, "graph": str(graph)})
    else:
        assets = assets_of(made.document)
        for flag in sorted(flags, key=_urgency):
            show([*flag_lines(flag, assets), ""])
        show(case_lines(made.document, METHODS))
        counts = ", ".join(f"{count} {rule}" for rule, count in made.counts.items())
        show(["", f"{len(flags)} flags: {counts}. Everything above is invented.", f"graph written to {graph}"])
        show(_verdict(made))
    if made.differences:
        raise typer.Exit(1)


def _verdict(made: demo_action.Demo) -> Iterator[str]:
    if made.differences:
        yield f"NOT as the answer says, {len(made.differences)} differences:"
        yield from made.differences
        return
    yield f"checked: all {made.compared} amounts are those of the sample's answer, worked out without the engine."
    yield "next: tracer import transfers FILE; tracer import labels FILE; tracer case open NAME --report FILE;"
    yield "      tracer trace NAME --offline; tracer flags NAME; tracer export NAME --format graphml --out case.graphml"


@db_app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the store to this version's schema (it is also done whenever the store is opened)."""
    status(as_json)


@db_app.command()
def status(as_json: AsJson = False) -> None:
    """The schema's revision, how much is stored, and whether the audit chain is whole."""
    with the_app() as made:
        found, broken = made.store.status(), made.store.verify_audit()
    if as_json:
        answer("status", {"revision": found.revision, "counts": dict(found.counts), "audit_broken_at": broken})
    else:
        show([f"schema {found.revision}", *(f"{name:16} {count}" for name, count in found.counts.items())])
        show(["audit chain whole" if broken is None else f"AUDIT CHAIN BROKEN at row {broken}"])
    if broken is not None:
        raise typer.Exit(1)


# --- intake -----------------------------------------------------------------------------------------------------------


def _imported(made: intake.Imported, as_json: bool) -> None:
    remarks = {"refused": made.refused, "cut": made.cut, "repeated": made.repeated, "left_out": made.left_out}
    if as_json:
        said = {name: [{"line": row.line, "reason": row.reason} for row in some.rows] for name, some in remarks.items()}
        answer("imported", {**made.counts(), "added": dict(made.added), "remarks": said})
        return
    for name, some in remarks.items():
        show(f"line {row.line}: {name.replace('_', ' ')}: {row.reason}" for row in some.rows)
        if some.total > len(some.rows):
            show([f"… and {some.total - len(some.rows)} more {name.replace('_', ' ')}"])
    added = ", ".join(f"{count} {name}" for name, count in made.added.items())
    show([f"{made.rows} rows read; new to the store: {added}"])


def _progress(what: str, count: int) -> None:
    say(f"{count} {what}")


@import_app.command()
def transfers(file: File, skip_bad: SkipBad = False, as_json: AsJson = False) -> None:
    """Transfers CSV: chain,tx_hash,block,tx_index,index,time,kind,sender,recipient,asset,symbol,decimals,amount,…"""
    with the_app() as made:
        _imported(intake.import_transfers(made.store, file, made.actor, skip_bad=skip_bad, progress=_progress), as_json)


@import_app.command()
def labels(file: File, skip_bad: SkipBad = False, as_json: AsJson = False) -> None:
    """Labels CSV (chain,address,entity,category,confidence,source[,valid_from,valid_to]) or a GraphSense TagPack."""
    with the_app() as made:
        _imported(intake.import_labels(made.store, file, made.actor, skip_bad=skip_bad), as_json)


@import_app.command()
def reports(file: File, skip_bad: SkipBad = False, as_json: AsJson = False) -> None:
    """Reports CSV: report_id,chain,address,tx_hash,asset,amount,time,reporter,note."""
    with the_app() as made:
        _imported(intake.import_reports(made.store, file, made.actor, skip_bad=skip_bad), as_json)


@import_app.command()
def entities(file: File, as_json: AsJson = False) -> None:
    """Entities YAML: who a label names, with dated and sourced facts."""
    with the_app() as made:
        _imported(intake.import_entities(made.store, file, made.actor), as_json)


# --- cases ------------------------------------------------------------------------------------------------------------


def _case(case: Case) -> dict[str, Any]:
    origins = [
        {
            **place(spec.address),
            "asset": spec.asset.contract if spec.asset else None,
            "tx_hash": spec.tx_hash,
            "since": moment(spec.since),
            "report_ids": list(spec.report_ids),
        }
        for spec in case.origins
    ]
    head = {"id": case.id, "name": case.name, "state": str(case.state), "method": case.method}
    return head | {"opened_at": moment(case.opened_at), "origins": origins}


def _case_line(case: Case) -> str:
    return f"{case.name:24} {case.state:7} {case.id}  opened {case.opened_at:%Y-%m-%d}  {len(case.origins)} origins"


@case_app.command("open")
def case_open(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name no other case has.")],
    origin: Annotated[list[str], typer.Option(help="A reported address, CHAIN:ADDRESS; may be repeated.")] = [],  # noqa: B006
    report: Annotated[Path | None, typer.Option(help="A reports CSV: its payments and addresses are origins.")] = None,
    report_id: Annotated[list[str], typer.Option(help="An imported report; may be repeated.")] = [],  # noqa: B006
    method: Annotated[str, typer.Option(help="The method for headlines and paths.")] = "fifo",
    as_json: AsJson = False,
) -> None:
    """Open a case from reported addresses and reports."""
    addresses = [parse_caip10(text) for text in origin]
    with the_app() as made:
        case = open_case(
            *(made.store, name, made.actor),
            origins=addresses,
            report_file=report,
            report_ids=report_id,
            method=method,
        )
    if as_json:
        answer("case", _case(case))
    else:
        show([f"opened case {case.name} with {len(case.origins)} origins", f"next: tracer trace {case.name} --offline"])


@case_app.command("list")
def case_list(as_json: AsJson = False) -> None:
    """All cases, by name."""
    with the_app() as made:
        found = made.store.cases()
    if as_json:
        answer("cases", {"items": [_case(case) for case in found], "next": None})
    else:
        show([_case_line(case) for case in found] or ["no case yet: tracer case open NAME --origin CHAIN:ADDRESS"])


@case_app.command("show")
def case_show(name: CaseName, as_json: AsJson = False) -> None:
    """A case, its origins, and where its money is as of the newest trace."""
    with the_app() as made:
        case = made.store.case(name)
        traced = made.store.latest_trace(case.id) is not None
        document = case_document(made.store, name) if traced else None
    if as_json:
        last = {"digest": document["digest"], "stopped": document["stopped"]} if document else None
        answer("case", _case(case) | {"trace": last, "ledger": document["ledger"] if document else None})
        return
    show([_case_line(case)])
    for one in _case(case)["origins"]:
        what = f"payment {one['tx_hash']}" if one["tx_hash"] else "address"
        show([f"  {what} to {one['address']}" if one["tx_hash"] else f"  {what} {one['chain']}:{one['address']}"])
    show(case_lines(document, METHODS) if document else [f"not traced yet: tracer trace {case.name} --offline"])


@case_app.command("close")
def case_close(name: CaseName, as_json: AsJson = False) -> None:
    """Close a case; its traces and flags stay."""
    with the_app() as made:
        case = close_case(made.store, name, made.actor)
    if as_json:
        answer("case", _case(case))
    else:
        show([f"closed case {case.name}"])


# --- the main job -----------------------------------------------------------------------------------------------------


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value <= 1:
        raise InputError(f"--min-confidence {text!r}: write a number from 0 to 1")
    return value


@app.command()
def trace(
    name: CaseName,
    method: Annotated[str | None, typer.Option(help="For headlines and paths; all five are always computed.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Read imported files only.")] = False,
    addresses: Annotated[int | None, typer.Option(min=1, help="Read at most so many addresses.")] = None,
    hops: Annotated[int, typer.Option(min=0, help="Read addresses at most so many hops away.")] = 20,
    min_confidence: Annotated[str, typer.Option(help="Hear labels of at least this confidence, 0 to 1.")] = "0",
    as_json: AsJson = False,
) -> None:
    """Follow a case's money and raise flags."""
    limits = Limits(hops=hops, addresses=addresses, min_confidence=_decimal(min_confidence))
    if not offline:
        say("no live source is set up in this version: reading what was imported, as with --offline")
    with the_app() as made:
        traced = trace_case(made.store, name, made.actor, method=method, limits=limits, progress=_round)
        flags = len(made.store.flags(made.store.case(name).id))
    document = traced.document
    if as_json:
        members = {key: document[key] for key in ("case", "digest", "stopped", "ledger", "as_of")}
        answer("trace", members | {"new": traced.new, "flags": flags, "flag_versions": traced.flags})
        return
    show(case_lines(document, [document["method"]]))
    known = "" if traced.new else " (the same result as before: nothing new was kept)"
    show([f"flags     {flags}, {traced.flags} new or changed{known}", f"next: tracer flags {document['case']}"])


def _urgency(flag: Mapping[str, Any]) -> tuple[int, str, str]:
    """What a person should look at first."""
    return (SEVERITIES.index(flag["severity"]), flag["rule"], flag["address"])


def _round(done: Round) -> None:
    say(f"round {done.number}: {done.read} addresses read, {done.wanted} wanted, {done.transactions} transactions")


@app.command()
def flags(
    name: Annotated[str | None, typer.Argument(metavar="CASE", help="A case's name or id; default: all.")] = None,
    state: Annotated[FlagState | None, typer.Option(help="Only flags in this state.")] = None,
    paths: Annotated[int, typer.Option(min=0, help="How many paths to show of each flag.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Flags with their proof."""
    with the_app() as made:
        cases = [made.store.case(name)] if name else made.store.cases()
        found = [(case, flag) for case in cases for flag in made.store.flags(case.id, state)]
        assets = {
            (one.id.chain, one.id.contract): {"symbol": one.symbol, "decimals": one.decimals}
            for one in made.store.assets()
        }
    rows = [{"case": case.name, **flag_row(flag)} for case, flag in found]
    rows.sort(key=lambda row: (row["case"], *_urgency(row)))
    if as_json:
        answer("flags", {"items": rows, "next": None})
        return
    for row in rows:
        show([*flag_lines(row, assets, paths=paths), ""])
    show([f"{len(rows)} flag{'s' if len(rows) != 1 else ''}" if rows else "no flags"])


@app.command()
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


@app.command("export")
def export_case(
    name: CaseName,
    file_format: Annotated[str, typer.Option("--format", help="json, graphml or csv.")] = "json",
    out: Annotated[Path | None, typer.Option(help="Where to write; default: standard output.")] = None,
) -> None:
    """Write a traced case for other tools."""
    with the_app() as made:
        content = export(made.store, name, file_format)
    if out is None or str(out) == "-":
        sys.stdout.buffer.write(content)
    else:
        save(content, out)
        say(f"wrote {len(content):,} bytes to {out}")
