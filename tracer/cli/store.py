"""`tracer db`, `tracer demo`, `tracer settings`: the store, the sample case, what is set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tracer.actions import demo as demo_action
from tracer.cli.terminal import AsJson, answer, given, say, show, the_app, urgency
from tracer.exports.person import assets_of, case_lines, flag_lines
from tracer.settings import Settings, shown
from tracer.taint.methods import METHODS

db_app = typer.Typer(no_args_is_help=True, help="The store: bring it up to date, look at it.")


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
        for flag in sorted(flags, key=urgency):
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


def settings(as_json: AsJson = False) -> None:
    """What is set, secrets hidden, and where each value came from."""
    named = given.get({})
    rows = list(shown(Settings.load(**named), named))
    if as_json:
        items = [{"name": row.name, "value": row.value, "came_from": row.came_from} for row in rows]
        answer("settings", {"items": items, "next": None})
    else:
        show(f"{row.name:28} {row.value:40} {row.came_from}" for row in rows)
