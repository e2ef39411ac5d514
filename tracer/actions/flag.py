"""Make a case's flags say what its newest trace found; what it no longer finds is withdrawn with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tracer.model import Address, Severity
from tracer.store.rows import Flag, FlagBody
from tracer.store.store import Store
from tracer.store.work import Work


def flag(store: Store, case_name: str, actor: str) -> int:
    """Write the flags of the newest trace; -> how many versions were written. Nothing to say writes nothing."""
    case = store.case(case_name)
    newest = store.latest_trace(case.id)
    if newest is None:
        return 0
    found = json.loads(newest.result)["flags"]
    gone = withdrawing(store, case.id)
    with store.act(actor, "flag", case.name, digest=newest.digest) as work:
        return put(work, case.id, found, gone)


def put(work: Work, case_id: str, found: list[Mapping[str, Any]], gone: Callable[[Flag], str]) -> int:
    """The findings of a document as flags, within an act."""
    bodies = {(one["rule"], Address(one["chain"], one["address"])): body(one) for one in found}
    return work.put_flags(case_id, bodies, gone=gone)


def body(one: Mapping[str, Any]) -> FlagBody:
    """A finding of the document as the store keeps it."""
    return FlagBody(one, Severity(one["severity"]), one["rule_version"], one["entity"])


def withdrawing(store: Store, case_id: str) -> Callable[[Flag], str]:
    """Why a flag that is no longer found is withdrawn: the block that is gone, where that is why."""
    keys = {key for known in store.flags(case_id) for key in _carried(known)}
    lost = store.withdrawn(keys) if keys else {}

    def why(known: Flag) -> str:
        for chain, tx_hash in _carried(known):
            if (chain, tx_hash) in lost:
                block, reason, _ = lost[(chain, tx_hash)]
                return f"transaction {tx_hash} of block {block} is gone: {reason}"
        return "the newest trace no longer finds it"

    return why


def _carried(known: Flag) -> list[tuple[str, str]]:
    """The transactions a flag rests on: its arrivals, then the hops of its paths."""
    body = known.now.body
    hops = [hop for path in body.get("paths", ()) for hop in path["hops"]]
    return [(one["chain"], one["tx_hash"]) for one in (*body.get("arrivals", ()), *hops)]
