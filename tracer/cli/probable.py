"""`tracer probable`: where money that went into a mixer or a bridge may have come out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tracer.actions.probable import probable as probable_of
from tracer.chains import CHAINS
from tracer.cli.terminal import AsJson, CaseName, answer, show, the_app
from tracer.exports.person import money, when


def probable(
    name: CaseName,
    least: Annotated[float, typer.Option(min=0, max=1, help="Leave out what is less probable.")] = 0.01,
    as_json: AsJson = False,
) -> None:
    """Where money that went into a mixer or bridge may have come out: candidates, apart from what is exact."""
    with the_app() as made:
        found = probable_of(made.store, name)
    if as_json:
        answer("probable", found)
    else:
        show(_lines(found, least))


def _lines(found: dict[str, Any], least: float) -> Iterator[str]:
    yield f"case      {found['case']}: {len(found['notes'])} note(s) of mixers hold its money"
    for pool in found["unread"]:
        yield f"unread    {pool['chain']}:{pool['address']}: its events were not read, so nothing can be said of it"
    for note in found["notes"]:
        yield from _note(note, least)
    for one in found["recipients"]:
        asset = one["chain"], one["asset"]
        alias = CHAINS[one["chain"]].alias
        yield f"may have  {alias}:{one['recipient']}: at most {money(one['at_most'], asset, {})}"
        yield f"            weighted by probability {money(one['likely'], asset, {})}"
    yield from _exits(found, least)
    if found["recipients"] or found["payout_recipients"]:
        yield "these are leads, not sums: they are part of no exact amount and of no digest"


def _exits(found: dict[str, Any], least: float) -> Iterator[str]:
    for one in found["exits"]:
        amount = money(one["amount"], (one["chain"], one["asset"]), {})
        yield f"exit      {amount} into {one['bridge']}, {when(one['at'])}, transaction {one['tx_hash']}"
        for out in (out for out in one["payouts"] if float(out["probability"]) >= least):
            most = "at most " if one["unread"] else ""
            got = money(out["amount"], (out["chain"], out["asset"]), {})
            yield f"  {most}{out['probability'][:6]}  {got} to {CHAINS[out['chain']].alias}:{out['recipient']}"
            yield f"          one of {out['candidates']}, {when(out['at'])}, tx {out['tx_hash']}"
        if not one["payouts"]:
            yield "  nothing that is stored fits"
        if one["unread"]:
            yield f"  not read: {', '.join(one['unread'])}"
    for one in found["payout_recipients"]:
        asset = one["chain"], one["asset"]
        yield f"may have  {CHAINS[one['chain']].alias}:{one['address']}: at most {money(one['at_most'], asset, {})}"
        yield f"            weighted by probability {money(one['likely'], asset, {})}"


def _note(note: dict[str, Any], least: float) -> Iterator[str]:
    yield f"note      {note['name']}, {when(note['at'])}, transaction {note['tx_hash']}"
    outs = [out for out in note["withdrawals"] if float(out["probability"]) >= least]
    for out in sorted(outs, key=lambda out: (-float(out["probability"]), out["at"], out["tx_hash"])):
        most = "at most " if out["at_most"] else ""
        yield f"  {most}{out['probability'][:6]}  to {out['recipient']}, {when(out['at'])}, tx {out['tx_hash']}"
        yield f"          one of {out['candidates']}, of {out['before']} before: {', '.join(out['heuristics'])}"
        if out["contradict"]:
            yield "          they contradict each other: at least one of them is wrong"
    if not outs:
        yield f"  nothing links it with a withdrawal (or with less than {least})"
