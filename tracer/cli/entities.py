"""`tracer entities`: who is known, and what is stated of them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tracer.actions.entities import add_fact, entities, entity
from tracer.actions.withdraw import withdraw_fact
from tracer.cli.feeds import affected_lines, affected_rows
from tracer.cli.terminal import AsJson, answer, show, the_app
from tracer.cli.who import fact_line, moment_of
from tracer.errors import InputError

entities_app = typer.Typer(no_args_is_help=True, help="Who is known, and what is stated of them.")
Name = Annotated[str, typer.Argument(metavar="ENTITY", help="An entity's id, name or alias.")]
At = Annotated[str | None, typer.Option(help="The moment in the world, a day or an ISO time; default: now.")]


@entities_app.command("list")
def entities_list(
    at: At = None, kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None, as_json: AsJson = False
) -> None:
    """Every entity, with what the registry answers of its customer checks and of sanctions."""
    with the_app() as made:
        rows = entities(made.store, at=moment_of(at, "--at"), policy=made.settings.policy.value())
    rows = [row for row in rows if kind in (None, row["kind"])]
    if as_json:
        answer("entities", {"items": rows, "next": None})
        return
    for row in rows:
        answers = f"low-KYC {row['low_kyc']['answer']:8} sanctioned {row['sanctioned']['answer']:8}"
        show([f"{row['id']:28} {row['kind']:16} {answers} {row['fact_count']:3} facts  {row['name']}"])


@entities_app.command("show")
def entities_show(
    name: Name,
    at: At = None,
    known_at: Annotated[str | None, typer.Option(help="By what this store knew then; default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """An entity with every fact ever stated on it, its id, dates, source and history."""
    with the_app() as made:
        told = entity(made.store, name, at=moment_of(at, "--at"), known_at=moment_of(known_at, "--known-at"))
    if as_json:
        answer("entity", told)
        return
    show([f"{told['name']} ({told['kind']}), id {told['id']}"])
    for key in ("low_kyc", "sanctioned"):
        show([f"  {key.replace('_', '-'):10} {told[key]['answer']}: {told[key]['reason']}"])
    for one in told["predecessors"]:
        show([f"  succeeds   {one['name']}, sanctioned then: {one['sanctioned']['answer']}"])
    show(f"  fact       {fact_line(fact)}" for fact in told["facts"])


@entities_app.command("add-fact")
def entities_add_fact(
    name: Name,
    fact: Annotated[str, typer.Argument(metavar="JSON", help="The fact's fields, as in an entities file.")],
    as_json: AsJson = False,
) -> None:
    """State a fact: '{"kind": "kyc_policy", "level": "none", "source_url": …, "quote": …, "read_on": …}'."""
    try:
        said = json.loads(fact)
    except (ValueError, RecursionError) as wrong:
        raise InputError(f"the fact is no JSON object: {wrong}") from wrong
    if not isinstance(said, dict):
        raise InputError('the fact is no JSON object: write {"kind": …}')
    with the_app() as made:
        stated = add_fact(made.store, name, said, made.actor)
    _added({"id": stated.id, "entity": stated.entity, "kind": stated.kind}, as_json)


def _added(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        answer("fact", told)
    else:
        show([f"fact {told['id']} on {told['entity']}: {told['kind']}"])


@entities_app.command("withdraw-fact")
def entities_withdraw_fact(
    fact: Annotated[str, typer.Argument(metavar="FACT", help="A fact's id.")],
    reason: Annotated[str, typer.Option(help="Why; kept for ever.")],
    as_json: AsJson = False,
) -> None:
    """Take a fact back; it stays in the history. Cases that rest on it are named and traced again."""
    with the_app() as made:
        done = withdraw_fact(made.store, fact, made.actor, reason)
    if as_json:
        answer("withdrawn", {"withdrawn": done.count, "affected": affected_rows(done.affected)})
    else:
        show([f"fact {fact} withdrawn", *affected_lines(done.affected)])
