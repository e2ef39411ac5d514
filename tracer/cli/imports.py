"""`tracer import`: take files in. A bad row is named; nothing of its file is stored."""

from __future__ import annotations

import typer

from tracer.actions import intake
from tracer.cli.terminal import AsJson, File, SkipBad, answer, say, show, the_app

import_app = typer.Typer(no_args_is_help=True, help="Take files in. A bad row is named; nothing of its file is stored.")


def _imported(made: intake.Imported, as_json: bool) -> None:
    remarks = {"refused": made.refused, "cut": made.cut, "repeated": made.repeated, "left_out": made.left_out}
    if as_json:
        said = {name: [{"line": row.line, "reason": row.reason} for row in some.rows] for name, some in remarks.items()}
        answer("imported", {**made.counts(), "quarantined": made.held, "added": dict(made.added), "remarks": said})
        return
    for name, some in remarks.items():
        show(f"line {row.line}: {name.replace('_', ' ')}: {row.reason}" for row in some.rows)
        if some.total > len(some.rows):
            show([f"… and {some.total - len(some.rows)} more {name.replace('_', ' ')}"])
    added = ", ".join(f"{count} {name}" for name, count in made.added.items())
    show([f"{made.rows} rows read; new to the store: {added}"])
    if made.held:
        show([f"{made.held} line{'s' if made.held != 1 else ''} held until a person looks: tracer reports list"])


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
