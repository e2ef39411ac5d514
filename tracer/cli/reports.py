"""`tracer reports`: those that wait for a person, because they would taint somebody else's money."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tracer.actions.reports import review_reports
from tracer.chains import parse_caip10
from tracer.cli.terminal import AsJson, answer, show, the_app
from tracer.exports.plain import moment, place
from tracer.store.rows import Hold

reports_app = typer.Typer(no_args_is_help=True, help="Reports that wait for a person before they taint anything.")
Name = Annotated[str, typer.Argument(metavar="REPORT", help="A report's id.")]
Reason = Annotated[str, typer.Option(help="Why; kept for ever.")]
Only = Annotated[str | None, typer.Option(help="Only its lines on this CHAIN:ADDRESS.")]


@reports_app.command("list")
def reports_list(
    everything: Annotated[bool, typer.Option("--all", help="Those that were released, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Reports in quarantine: which line, why, since when, by whom."""
    with the_app() as made:
        found = [one for one in made.store.holds() if everything or one.held]
    _shown(found, as_json)


@reports_app.command("release")
def reports_release(name: Name, reason: Reason, address: Only = None, as_json: AsJson = False) -> None:
    """Let a report originate taint: you have looked, and it is not somebody else's place."""
    _review(name, reason, address, as_json, held=False)


@reports_app.command("quarantine")
def reports_quarantine(name: Name, reason: Reason, address: Only = None, as_json: AsJson = False) -> None:
    """Keep a report from originating taint until it is released."""
    _review(name, reason, address, as_json, held=True)


def _review(name: str, reason: str, address: str | None, as_json: bool, *, held: bool) -> None:
    only = None if address is None else parse_caip10(address)
    with the_app() as made:
        _shown(review_reports(made.store, name, made.actor, reason, held=held, address=only), as_json)


def _shown(found: list[Hold], as_json: bool) -> None:
    if as_json:
        answer("quarantine", {"items": [hold_row(one) for one in found], "next": None})
        return
    for one in found:
        state = "held" if one.held else "released"
        where = f"{one.report.address.chain}:{one.report.address.text}"
        show([f"{one.report.report_id} {where}: {state} {moment(one.at)} by {one.actor}: {one.reason}"])
    show([] if found else ["no report is in quarantine"])


def hold_row(one: Hold) -> dict[str, Any]:
    """What holds of a line of a report, without who made it."""
    said = {"report_id": one.report.report_id, **place(one.report.address), "tx_hash": one.report.tx_hash}
    return said | {"held": one.held, "reason": one.reason, "actor": one.actor, "at": moment(one.at)}
