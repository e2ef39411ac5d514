"""Make a case's flags say what its newest trace found; what it no longer finds is withdrawn with the reason."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tracer.model import Address, Label, Severity
from tracer.store.rows import Flag, FlagBody, Stated
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
    """Why a flag is withdrawn or changed: the block that is gone, or the labels and facts that were taken back since
    it was written; "" where it is neither.
    """
    known = store.flags(case_id)
    keys = {key for flag_ in known for key in _carried(flag_)}
    lost = store.withdrawn(keys) if keys else {}
    labels = _withdrawn_labels(store, known)
    facts = _withdrawn_facts(store, known)

    def why(known: Flag) -> str:
        for chain, tx_hash in _carried(known):
            if (chain, tx_hash) in lost:
                block, reason, _ = lost[(chain, tx_hash)]
                return f"transaction {tx_hash} of block {block} is gone: {reason}"
        since = known.now.recorded_at
        gone = [label for label in labels[known.address] if _after(label.withdrawn_at, since)]
        back = [one for one in facts if one.fact.id in _cited(known) and _after(one.withdrawn_at, since)]
        said = [f"the label {one.entity}, by {one.source}, was withdrawn: {one.withdrawn_reason}" for one in gone]
        said += [f"the fact {one.fact.id} ({one.fact.kind}) was withdrawn: {one.withdrawn_reason}" for one in back]
        return "; ".join(said)

    return why


def _withdrawn_labels(store: Store, known: list[Flag]) -> dict[Address, list[Label]]:
    """By address, the claims of the flags' addresses that nobody makes any more."""
    found: dict[Address, list[Label]] = defaultdict(list)
    for label in store.labels(sorted({one.address for one in known}), history=True) if known else ():
        if label.withdrawn_at is not None:
            found[label.address].append(label)
    return found


def _withdrawn_facts(store: Store, known: list[Flag]) -> list[Stated]:
    ids = {fact["entity"] for one in known for fact in one.now.body.get("facts", ())}
    return [one for one in store.facts(sorted(ids)) if one.withdrawn_at is not None] if ids else []


def _cited(known: Flag) -> set[str]:
    return {fact.get("id", "") for fact in known.now.body.get("facts", ())}


def _after(at: datetime | None, since: datetime) -> bool:
    return at is not None and at >= since


def _carried(known: Flag) -> list[tuple[str, str]]:
    """The transactions a flag rests on: its arrivals, then the hops of its paths."""
    body = known.now.body
    hops = [hop for path in body.get("paths", ()) for hop in path["hops"]]
    return [(one["chain"], one["tx_hash"]) for one in (*body.get("arrivals", ()), *hops)]
