"""`tracer deposits`: which addresses are taken for an exchange's deposit addresses, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tracer.actions.deposits import known_deposits
from tracer.chains import parse_caip10
from tracer.cli.terminal import AsJson, answer, show, the_app
from tracer.detect.deposits import Deposit
from tracer.exports.plain import decimal, place

SHOWN = 5  # pieces of evidence that a person is shown; --json lists all


def deposits(
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="[CHAIN:ADDRESS]...", help="Which; default: all that were found.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Addresses on no list that are an exchange's deposit addresses by what they did, with rule and evidence."""
    wanted = [parse_caip10(text) for text in addresses or ()]
    with the_app() as made:
        found = known_deposits(made.store, wanted)
    if as_json:
        answer("deposits", {"items": [_row(one) for one in found], "next": None})
    else:
        show(line for one in found for line in _lines(one))
        show([f"{len(found)} deposit address{'es' if len(found) != 1 else ''} found by rule"])


def _row(one: Deposit) -> dict[str, Any]:
    return {
        **place(one.address),
        "entity": one.entity,
        "method": one.method,
        "parameters": dict(one.parameters),
        "confidence": decimal(one.confidence),
        "evidence": list(one.evidence),
        "says": one.says,
        "source": one.label.source,
    }


def _lines(one: Deposit) -> Iterator[str]:
    yield f"{one.entity}   {one.address}"
    yield f"  by        {one.label.source}, confidence {decimal(one.confidence)}: {one.says}"
    yield f"  limits    {', '.join(f'{name} {value}' for name, value in one.parameters.items())}"
    yield from (f"  evidence  {key}" for key in one.evidence[:SHOWN])
    if len(one.evidence) > SHOWN:
        yield f"  and       {len(one.evidence) - SHOWN} more: --json"
