"""`tracer show`: all that is stored of an address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tracer.actions.show import show as show_address
from tracer.chains import CHAINS, parse_caip10
from tracer.cli.terminal import AsJson, answer, the_app
from tracer.cli.terminal import show as print_lines
from tracer.exports.person import Assets, assets_of, money, short, when

WHY = {
    "zero_amount": "nothing was moved",
    "failed": "the transaction failed",
    "mimics_verified": "the token bears the symbol of a verified one and is another",
    "unlisted_unsolicited": "an unlisted token that its initiator neither sent nor got in an exchange",
    "lookalike_dust": "dust from an address that looks like a known one",
}


def show(
    address: Annotated[str, typer.Argument(metavar="CHAIN:ADDRESS", help="Which address.")],
    dropped: Annotated[bool, typer.Option("--dropped", help="List what was recorded and never followed.")] = False,
    as_json: AsJson = False,
) -> None:
    """All that is stored of an address: labels, reports, what moved, what was left out and why, how far it was read."""
    where = parse_caip10(address)
    with the_app() as made:
        found = show_address(made.store, where)
    if as_json:
        answer("show", found)
    else:
        print_lines(_lines(found, listing=dropped))


def _lines(found: dict[str, Any], *, listing: bool) -> Iterator[str]:
    assets, chain = assets_of(found), found["chain"]
    yield f"{CHAINS[chain].alias}:{found['address']}"
    yield from _said(found)
    if found["transactions"]:
        span = f"{when(found['first'])} to {when(found['last'])} UTC"
        yield f"  moved     in {_times(found['transactions'], 'transaction')}, {span}"
    for one in found["moved"]:
        yield from _moved(one, chain, assets)
    for one in found["thefts"]:
        yield f"  DECEIVED  {_movement(one, chain, assets)}"
        yield f"            the recipient looks like {one['meant_for']}, whom it knew; the payment is real and followed"
    for reason, count in found["reasons"].items():
        yield f"  dropped   {_times(count, 'movement')}: {reason}, {WHY[reason]}"
    if listing:
        yield from (f"    {_movement(one, chain, assets)}   {one['reason']}" for one in found["dropped"])
    elif found["dropped"]:
        yield "  next      --dropped lists them"


def _said(found: dict[str, Any]) -> Iterator[str]:
    """What people, lists and sources say of it."""
    for label in found["labels"]:
        yield f"  label     {label['entity']} ({label['category']}), {label['confidence']} by {label['source']}"
    for (report, case), count in Counter((one["report_id"], one["case"]) for one in found["reports"]).items():
        yield f"  reported  {'report ' + report if report else 'origin of case ' + case}, {_times(count, 'line')}"
    for one in found["freezes"]:
        yield from _freeze(one, found["chain"])
    for read in found["coverage"]:
        yield f"  coverage  {_coverage(read)}"


def _freeze(one: dict[str, Any], chain: str) -> Iterator[str]:
    """What a token's issuer did; that it never did anything only where that was read, and not where nobody asked."""
    if one["state"] == "none":
        since = f" from block {one['since']} on" if one["since"] else ""
        yield f"  issuer    {one['symbol']}: never frozen{since}, as of {when(one['as_of'])}"
    elif one["state"] != "unknown":
        amount = f" {money(one['amount'], (chain, one['asset']), {})}" if one["amount"] else ""
        word = one["state"].upper() if one["state"] != "unfrozen" else "unfrozen"
        yield f"  issuer    {one['symbol']}: {word}{amount} {when(one['at'])}, transaction {one['tx_hash']}"


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _coverage(read: dict[str, Any]) -> str:
    if read["state"] == "unread":
        return "unread: that nothing is known here proves nothing"
    if read["source"] is None:
        return "partial(file): what was imported; what the files leave out is not seen"
    reason = f"({read['reason']})" if read["reason"] else ""
    block = f", to block {read['block']}" if read["block"] is not None else ""
    return f"{read['state']}{reason} by {read['source']}{block}, {when(read['at'])}"


def _moved(one: dict[str, Any], chain: str, assets: Assets) -> Iterator[str]:
    asset = chain, one["asset"]
    for word, amount, count in (("in", one["in"], one["ins"]), ("out", one["out"], one["outs"])):
        if count:
            yield f"    {word:4} {money(amount, asset, assets):>28}   {_times(count, 'time')}"
    if int(one["fees"]):
        yield f"    fees {money(one['fees'], asset, assets):>28}"


def _movement(one: dict[str, Any], chain: str, assets: Assets) -> str:
    ends = f"{short(one['sender'] or 'nobody')} -> {short(one['recipient'] or 'nobody')}"
    return f"{when(one['at'])}  {money(one['amount'], (chain, one['asset']), assets)}  {ends}  tx {one['tx_hash']}"
