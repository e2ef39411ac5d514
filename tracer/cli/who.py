"""`tracer who`, `tracer labels withdraw`: who is behind an address, and taking a claim back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from tracer.actions.who import who as who_is
from tracer.actions.withdraw import withdraw_labels
from tracer.chains import parse_caip10
from tracer.cli.feeds import affected_lines, affected_rows
from tracer.cli.terminal import AsJson, answer, emit, one_line, show, the_app
from tracer.sources.cells import maybe_day

labels_app = typer.Typer(no_args_is_help=True, help="Claims on addresses: take one back.")
Where = Annotated[str, typer.Argument(metavar="CHAIN:ADDRESS", help="The address.")]


def moment_of(text: str | None, what: str) -> datetime | None:
    """A time of an option; a day is its first moment."""
    return None if text is None else maybe_day(text, what)


def who(
    address: Where,
    at: Annotated[str | None, typer.Option(help="The moment in the world, a day or an ISO time; default: now.")] = None,
    known_at: Annotated[str | None, typer.Option(help="By what this store knew then; default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who is behind an address: every claim, which counts and why, the entity's facts, sanctions, customer checks."""
    place = parse_caip10(address)
    moments = {"at": moment_of(at, "--at"), "known_at": moment_of(known_at, "--known-at")}
    with the_app() as made:
        told = who_is(made.store, place, policy=made.settings.policy.value(), **moments)
    if as_json:
        emit(one_line(told))
    else:
        show(_lines(told))


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['chain']}:{told['address']} at {told['at']}, as known at {told['known_at']}"
    winner = told["winner"]
    says = f"{winner['entity']} ({winner['category']}), a trace's stop: {told['stop']}" if winner else "nobody known"
    yield f"  counts     {says}: {told['why']}"
    yield f"  sanctioned {told['sanctioned']['answer']}: {told['sanctioned']['reason']}"
    for one in told["claims"]:
        yield f"  claim      {_claim(one)}"
    for entity in told["entities"]:
        yield f"  entity     {entity['name']} ({entity['kind']}), id {entity['id']}"
        yield f"    low-KYC  {entity['low_kyc']['answer']}: {entity['low_kyc']['reason']}"
        for one in entity["predecessors"]:
            yield f"    succeeds {one['name']}, sanctioned then: {one['sanctioned']['answer']}"
        for fact in entity["facts"]:
            yield f"    fact     {fact_line(fact)}"


def _claim(one: dict[str, Any]) -> str:
    marks = [word for word, on in (("counts", one["counts"]), ("not valid then", not one["valid"])) if on]
    return (
        f"{one['entity']} ({one['category']}), {one['confidence']} by {one['source']}"
        f"{_dates(one)}{_history(one)}{'; ' + ', '.join(marks) if marks else ''}"
    )


def fact_line(one: dict[str, Any]) -> str:
    """A fact with its id, dates and history."""
    what = " ".join(str(one[key]) for key in ("kind", "level", "authority") if one[key])
    return f"{one['id']} {what}{_dates(one)}, {one['source_url']}{_history(one)}"


def _dates(one: dict[str, Any]) -> str:
    since = f" from {one['valid_from']}" if one["valid_from"] else ""
    return since + (f" until {one['valid_to']}" if one["valid_to"] else "")


def _history(one: dict[str, Any]) -> str:
    gone = f", withdrawn {one['withdrawn_at']}: {one['withdrawn_reason']}" if one["withdrawn_at"] else ""
    return f"; recorded {one['recorded_at']}{gone}"


@labels_app.command("withdraw")
def labels_withdraw(
    address: Where,
    reason: Annotated[str, typer.Option(help="Why; kept for ever.")],
    entity: Annotated[str | None, typer.Option(help="Only claims that name this entity.")] = None,
    source: Annotated[str | None, typer.Option(help="Only claims by this source.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take claims on an address back; they stay in the history. Cases that rest on them are named and traced again."""
    place = parse_caip10(address)
    with the_app() as made:
        done = withdraw_labels(made.store, place, made.actor, reason, entity=entity, source=source)
    if as_json:
        answer("withdrawn", {"withdrawn": done.count, "affected": affected_rows(done.affected)})
    else:
        show([f"{done.count} claim{'s' if done.count != 1 else ''} withdrawn", *affected_lines(done.affected)])
