"""`tracer verify`, `ledger`: what an auditor asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tracer.actions.ledger import address_ledger
from tracer.actions.verify import Difference, Verified, verify_case, verify_file
from tracer.chains import parse_caip10
from tracer.cli.terminal import AsJson, CaseName, answer, say, show, the_app
from tracer.exports.ledger import ledger_text

SHOWN = 10  # differences that a person is shown; --json lists more
LETTERS = 300  # of a value
EVERY = 100  # pages between two lines of progress


def verify(
    what: Annotated[str, typer.Argument(metavar="CASE|FILE", help="A case's name or id, an exported JSON file, or -.")],
    as_json: AsJson = False,
) -> None:
    """Work a case out again; name the first page, transfer, label, fact or limit that differs. FILE needs no store."""
    if what == "-" or Path(what).suffix == ".json" or Path(what).is_file():
        found = verify_file(what)
    else:
        with the_app() as made:
            found = verify_case(made.store, what, _progress)
    if as_json:
        answer("verify", {"same": not found.differences} | asdict(found))
    else:
        show(_lines(found))
    if found.differences:
        raise typer.Exit(1)


def ledger(
    name: CaseName,
    address: Annotated[str, typer.Argument(metavar="CHAIN:ADDRESS", help="Whose ledger.")],
    asset: Annotated[
        str | None, typer.Option(help="native or a contract; default: all that tainted money is in.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Another method than the case's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every line of an address's books, each with its transaction: in, out, fees, what is held, and the balance."""
    where = parse_caip10(address)
    with the_app() as made:
        found, document = address_ledger(made.store, name, where, asset=asset, method=method)
    if as_json:
        answer("ledger", found)
    else:
        show(ledger_text(found, document))


def _progress(what: str, number: int) -> None:
    if number % EVERY == 0:
        say(f"{what}: {number}")


def _lines(found: Verified) -> Iterator[str]:
    yield f"case      {found.case}"
    yield f"looked at {_counts(found)}"
    yield f"digest    {found.digest}"
    if not found.differences:
        yield "same      everything was worked out again and is the same"
    else:
        yield f"worked out {found.recomputed}"
        first, *others = found.differences
        yield f"DIFFERENT first: {_what(first)}"
        yield from (f"          then:  {_what(one)}" for one in others[: SHOWN - 1])
        if len(others) >= SHOWN:
            yield f"          and {len(others) + 1 - SHOWN} more: --json"
    yield found.proves


def _what(one: Difference) -> str:
    return f"{one.what} at {one.where}: recorded {_value(one.recorded)}, found {_value(one.found)}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"


def _counts(found: Verified) -> str:
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in found.counts.items() if number)
