"""What each source can do, what it was asked today, what went wrong, and whether it does now what a pull needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tracer.app import App
from tracer.chains import parse_address
from tracer.errors import TracerError
from tracer.exports.plain import moment
from tracer.model import Address
from tracer.settings import SourceSettings
from tracer.sources import Source
from tracer.sources.providers import confirmations, provider

# Addresses that everybody has paid, to try a source with: they are asked for one page.
WELL_KNOWN: Mapping[str, str] = {
    "eip155": "0x000000000000000000000000000000000000dEaD",
    "tron": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",  # the contract of USDT
    "bip122": "1BitcoinEaterAddressDontSendf59kuE",  # few hundred transactions: some sources read from the newest back
}


@dataclass(frozen=True, slots=True)
class Check:
    """One call that a pull would make, and what it came to."""

    call: str
    ok: bool
    says: str


def sources(app: App, *, check: bool = False) -> list[dict[str, Any]]:
    """One row a source, in the order in which they are asked; `check`: make the calls of a pull now.

    A row that was checked has `checks`: each call, whether it went well, and what it said.
    """
    rows = [
        _row(app, named, source, checks=list(_checks(source)) if check else None)
        for named, source in zip(app.settings.sources, app.sources, strict=True)
    ]
    spent, failures = app.store.spent(), app.store.failures()  # after the calls
    today = datetime.now(UTC).date().isoformat()
    for row in rows:
        budget = app.budgets[row["name"]]
        counted = spent.get(budget.name)
        calls = counted.calls if counted and counted.day >= today else 0
        row["calls_today"] = calls
        row["calls_left"] = None if budget.calls_per_day is None else max(0, budget.calls_per_day - calls)
        found = [failures[name] for name in (row["name"], budget.name) if name in failures]
        last = max(found, key=lambda one: one.at, default=None)
        row["last_error"] = {"at": moment(last.at), "error": last.error} if last else None
    return rows


def _row(app: App, named: SourceSettings, source: Source, *, checks: list[Check] | None) -> dict[str, Any]:
    heads = {one.source: one for one in app.store.heads(source.chain)}
    head, budget = heads.get(named.name), app.budgets[named.name]
    row = {
        "name": named.name,
        "kind": named.kind,
        "chain": source.chain,
        "start_block": named.start_block,
        "final_block": head.final if head else None,
        "final_at": moment(head.at) if head else None,
        "budget": budget.name,
        "calls_per_second": budget.calls_per_second,
        "calls_per_day": budget.calls_per_day,
        "range_blocks": budget.learnt(),
        "capabilities": _capabilities(named, source.chain),
    }
    return (
        row
        if checks is None
        else row | {"checks": [{"call": one.call, "ok": one.ok, "says": one.says} for one in checks]}
    )


def _capabilities(named: SourceSettings, chain: str) -> dict[str, Any]:
    """What is known of the provider, with the day it was read; of a node of one's own only the depth of finality."""
    if named.kind == "evm":
        depth = confirmations(chain) if named.confirmations is None else named.confirmations
        return {"as_of": None, "plan": None, "reads": None, "confirmations": depth}
    known = provider(named.kind)
    support = known.support(chain)
    return {
        "as_of": known.as_of.isoformat(),
        "read_in": list(known.read_in),
        "plan": support.plan,
        "reads": list(known.reads),
        "page_rows": known.page_rows,
        "window_rows": known.window_rows,
        "confirmations": support.confirmations if named.confirmations is None else named.confirmations,
    }


# --- the very calls ---------------------------------------------------------------------------------------------------


def known_address(chain: str) -> Address:
    """An address of a chain that everybody has paid."""
    return parse_address(chain, WELL_KNOWN[chain.partition(":")[0]])


def _checks(source: Source) -> Iterator[Check]:
    """What a pull asks for: a page of an address, the hash of a block, a whole transaction."""
    address = known_address(source.chain)
    what = f"pull {address}"
    try:
        page = source.pull(address, None)
    except TracerError as error:
        yield Check(what, ok=False, says=f"{type(error).__name__}: {error}")
        return
    upto = f"to block {page.checkpoint.block} of {page.head}"
    yield Check(what, ok=True, says=f"{len(page.transactions)} transactions, {upto}, coverage {page.coverage}")
    number = max(page.blocks, default=page.head)
    yield _asked(f"block_hash {number}", lambda: source.block_hash(number) or "no such block")
    if page.transactions:
        tx_hash = page.transactions[-1].tx_hash
        yield _asked(f"transaction {tx_hash}", lambda: _whole(source, tx_hash))
    else:
        yield Check("transaction", ok=True, says="not asked: the page holds none")


def _whole(source: Source, tx_hash: str) -> str:
    page = source.transaction(tx_hash)
    moved = sum(len(one.transfers) for one in page.transactions)
    return f"{moved} transfers, coverage {page.coverage}" if page.transactions else "unknown to it"


def _asked(what: str, call: Any) -> Check:
    try:
        return Check(what, ok=True, says=call())
    except TracerError as error:
        return Check(what, ok=False, says=f"{type(error).__name__}: {error}")
