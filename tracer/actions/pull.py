"""Read what the chains say of the addresses a case watches, page by page, each from the first source that gives it.

Page, transfers and checkpoint are one commit: killed at any moment, a pull repeats work and never doubles or loses it.
Chains are read at the same time, and of each chain several addresses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event
from typing import Any

from tracer.actions.keeping import Progress, Pulled, Run, Step
from tracer.actions.reading import Chain
from tracer.exports.plain import unread
from tracer.model import Address, Case
from tracer.sources.base import Source
from tracer.store.store import Store

FOLLOWED = frozenset({"origin", "transit"})


def pull(
    store: Store,
    sources: Iterable[Source],
    addresses: Sequence[Address],
    actor: str,
    *,
    threads: int = 4,
    stop: Event | None = None,
    progress: Progress = lambda _step: None,
) -> Pulled:
    """Pull every address from the first source of its chain; what that does not give, from the next one, in order.

    `threads`: calls at once to each source. `stop`: finish the pages in hand and return. What fails is named in the
    result and stops none of the others.
    """
    by_chain: dict[str, list[Source]] = {}
    for source in sources:
        by_chain.setdefault(source.chain, []).append(source)
    wanted = [address for address in dict.fromkeys(addresses) if address.chain in by_chain]
    due = {chain: [address for address in wanted if address.chain == chain] for chain in by_chain}
    run = Run(store, actor, threads, stop or Event(), progress, left=len(wanted))
    chains = [Chain(run, by_chain[chain]) for chain, some in due.items() if some]
    if chains:
        with ThreadPoolExecutor(len(chains), thread_name_prefix="chain") as pool:
            try:
                for reading in [pool.submit(one.pull, due[one.name]) for one in chains]:
                    reading.result()
            except BaseException:
                run.stop.set()  # the others finish the pages in hand
                raise
    pulled = run.pulled
    if pulled.changed:
        counts = {"transactions": pulled.transactions, "transfers": pulled.transfers, "withdrawn": pulled.gone}
        with store.act(actor, "pull", "chain data", **counts) as work:
            work.changed = True
    return pulled


def due(store: Store, case: Case) -> list[Address]:
    """What a case watches: the frontier by worth, then whom bridges are to pay, then what it follows already,
    then what was reported.

    Of the frontier, what the newest trace's limits leave out is not read, and what a source was asked for since that
    trace comes after what was not, so that an interrupted pull goes on where it was.
    """
    newest = store.latest_trace(case.id)
    reported = list(dict.fromkeys(spec.address for spec in case.origins))
    if newest is None:
        return reported
    traced = json.loads(newest.result)
    followed = [row for row in traced["addresses"] if row["role"] in FOLLOWED]
    followed.sort(key=lambda row: (-Decimal(row["worth"]), row["chain"], row["address"]))
    frontier = [row for row in unread(traced) if _within(traced["limits"], row)]
    left, known = ([Address(row["chain"], row["address"]) for row in rows] for rows in (frontier, followed))
    asked = {read.address for read in store.coverage(left)}
    left.sort(key=asked.__contains__)
    return list(dict.fromkeys([*left, *_awaited(traced), *known, *reported]))


def _awaited(traced: Mapping[str, Any]) -> list[Address]:
    """Whom bridges name that tainted money went into, and whose payout is not read yet."""
    paid = {row["id"]: (row["chain"], row["sender"]) for row in traced["transfers"]}
    tainted = {(row["chain"], row["address"]) for row in traced["addresses"]}
    rows = (row for row in traced["crossings"] if row["into"] is None and row["address"] is not None)
    return [Address(row["chain"], row["address"]) for row in rows if paid[row["out"]] in tainted]


def _within(limits: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return row["hops"] < limits["hops"] and Decimal(row["worth"]) >= Decimal(limits["worth"])


__all__ = ["Pulled", "Step", "due", "pull"]
