"""`tracer case`: what is reported and worked on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tracer.actions.case import close_case, open_case
from tracer.actions.export import case_document
from tracer.actions.links import Link, links
from tracer.chains import parse_caip10
from tracer.cli.terminal import AsJson, CaseName, answer, show, the_app
from tracer.exports.person import case_lines
from tracer.exports.plain import moment, place, share, unread
from tracer.model import Case
from tracer.taint.methods import METHODS

case_app = typer.Typer(no_args_is_help=True, help="Cases: what is reported and worked on.")


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
        answer("case_summary", _case(case))
    else:
        show([f"opened case {case.name}: {len(case.origins)} reported payments or addresses"])
        show([f"next: tracer trace {case.name} --offline"])


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
        linked = links(made.store, name)
    if as_json:
        last = (
            {key: document[key] for key in ("digest", "stopped")} | {"unread": unread(document)} if document else None
        )
        answer(
            "case_summary",
            _case(case)
            | {"trace": last, "ledger": document["ledger"] if document else None}
            | {"links": [_link(one) for one in linked]},
        )
        return
    show([_case_line(case)])
    for one in _case(case)["origins"]:
        what = f"payment {one['tx_hash']}" if one["tx_hash"] else "address"
        show([f"  {what} to {one['address']}" if one["tx_hash"] else f"  {what} {one['chain']}:{one['address']}"])
    show(case_lines(document, METHODS) if document else [f"not traced yet: tracer trace {case.name} --offline"])
    show(
        f"linked    {one.case}: {len(one.shared)} addresses are in both, {share(one.score)[:4]} of the smaller case, "
        f"{len(one.collectors)} where reports came together"
        for one in linked
    )


def _link(one: Link) -> dict[str, Any]:
    collectors = [place(address) for address in one.collectors]
    shared = [place(address) for address in one.shared]
    return {"case": one.case, "score": share(one.score), "shared": shared, "collectors": collectors}


@case_app.command("close")
def case_close(name: CaseName, as_json: AsJson = False) -> None:
    """Close a case; its traces and flags stay."""
    with the_app() as made:
        case = close_case(made.store, name, made.actor)
    if as_json:
        answer("case_summary", _case(case))
    else:
        show([f"closed case {case.name}"])
