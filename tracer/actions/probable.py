"""Where money that went into a mixer may have come out: a branch of its own, never added to what is exact.

The notes of the pools are read from stored events. Of each note into which tainted money went, the withdrawals are told
that a heuristic links with it, each with the probability of this link, the size of the set before and after, and who
says so.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from tracer.actions import exits
from tracer.detect.demixing import HEURISTICS, Scene, Together, links, together
from tracer.detect.payouts import HEURISTIC, SAYS
from tracer.detect.tornado import POOLS, Deposit, notes
from tracer.errors import NotFound
from tracer.exports import plain
from tracer.exports.plain import Plain
from tracer.model import Address
from tracer.store.store import Store

RULE = "mixer_entry"


def pools_touched(store: Store) -> list[Address]:
    """The pools whose events tell something of open cases: all of the chains on which tainted money went into one."""
    chains = {flag.address.chain for flag in store.flags() if flag.rule == RULE and flag.address in POOLS}
    return [pool for pool in POOLS if pool.chain in chains]


def probable(store: Store, case_name: str) -> Plain:
    """What may have come out of what a case's tainted money went into, and the sums of it, by recipient.

    `notes`: tainted deposits, each with its `withdrawals`; `recipients`: what may have come to each, at most. `exits`:
    payments into bridges that are not followed, each with its `payouts`; `payout_recipients` likewise. Raises NotFound
    for the case, and where it was not traced.
    """
    case = store.case(case_name)
    newest = store.latest_trace(case.id)
    if newest is None:
        raise NotFound(f"case {case.name} was not traced yet: `tracer trace {case.name} --offline`")
    document = json.loads(newest.result)
    entered = dict(_entered(document))
    pools = sorted({pool for pool, _ in entered})
    scene = _scene(store, document, [pool for pool in POOLS if pool.chain in {one.chain for one in pools}])
    answers = _by_deposit(together(links(scene)))
    read = {head.contract for head in store.log_heads() if head.done}
    found = [
        _note(one, entered[one.pool, one.tx_hash], answers.get((one.pool, one.tx_hash, one.leaf), []), document)
        for one in scene.deposits
        if (one.pool, one.tx_hash) in entered
    ]
    exits_, paid = exits.exits(store, document)
    return {
        "case": case.name,
        "digest": document["digest"],
        "method": document["method"],
        "notes": found,
        "recipients": _recipients(found),
        "unread": [plain.place(pool) for pool in pools if pool not in read],
        "exits": exits_,
        "payout_recipients": paid,
        "heuristics": {name: row.says for name, row in HEURISTICS.items()} | {HEURISTIC: SAYS},
    }


def edges(found: Mapping[str, Any]) -> Iterator[Plain]:
    """The branch as edges from pool or payer to recipient, for those who draw it."""
    yield from exits.edges(found["exits"])
    for note in found["notes"]:
        for out in note["withdrawals"]:
            yield {"chain": note["chain"], "sender": note["pool"], "note": note["tx_hash"], **out}


def _entered(document: Mapping[str, Any]) -> Iterator[tuple[tuple[Address, str], Plain]]:
    """Pool and transaction by which tainted money went in, with the arrival as the flag has it."""
    for flag in document["flags"]:
        pool = Address(flag["chain"], flag["address"])
        if flag["rule"] == RULE and pool in POOLS:
            yield from (((pool, arrival["tx_hash"]), arrival) for arrival in flag["arrivals"])


def _scene(store: Store, document: Mapping[str, Any], pools: Sequence[Address]) -> Scene:
    deposits, withdrawals = notes(store.logs(pools))
    return Scene(deposits, withdrawals, _met(document))


def _met(document: Mapping[str, Any]) -> Mapping[frozenset[Address], int]:
    """How many transactions moved something directly between two addresses, as far as the trace read."""
    pairs = {
        (one["tx_hash"], frozenset((Address(one["chain"], one["sender"]), Address(one["chain"], one["recipient"]))))
        for one in document["transfers"]
        if one["dropped"] is None and one["sender"] and one["recipient"]
    }
    return Counter(pair for _, pair in pairs)


def _by_deposit(answers: Iterable[Together]) -> Mapping[tuple[Address, str, int], list[Together]]:
    found: dict[tuple[Address, str, int], list[Together]] = defaultdict(list)
    for answer in answers:
        for one in answer.candidates:
            found[one.pool, one.tx_hash, one.leaf].append(answer)
    return found


def _note(one: Deposit, arrival: Plain, answers: Sequence[Together], document: Mapping[str, Any]) -> Plain:
    pool = POOLS[one.pool]
    read = {Address(row["chain"], row["address"]) for row in document["addresses"] if row["role"] != "frontier"}
    return {
        "chain": one.pool.chain,
        "pool": one.pool.text,
        "name": pool.name,
        "asset": pool.asset.contract,
        "denomination": str(pool.denomination),
        "tx_hash": one.tx_hash,
        "at": plain.moment(one.at),
        "leaf": one.leaf,
        "depositor": plain.text(one.depositor),
        "tainted": [
            {key: each[key] for key in ("origin", "report_ids", "method", "amount")} for each in arrival["amounts"]
        ],
        "withdrawals": [_out(answer, pool.denomination, read) for answer in answers],
    }


def _out(answer: Together, denomination: int, read: set[Address]) -> Plain:
    out = answer.withdrawal
    known = "linked_addresses" not in answer.heuristics or out.recipient in read
    return {
        "recipient": out.recipient.text,
        "tx_hash": out.tx_hash,
        "at": plain.moment(out.at),
        "amount": str(denomination - out.fee),
        "relayed": out.relayer is not None,
        "before": answer.before,
        "candidates": len(answer.candidates),
        "probability": exits.said(answer.probability),
        # who else dealt with a recipient that was not read is not known: then there may be more candidates
        "at_most": not known,
        "heuristics": list(answer.heuristics),
        "contradict": answer.contradict,
    }


def _recipients(found: Sequence[Plain]) -> list[Plain]:
    """What may have come to each recipient: each withdrawal once, whole; and weighted by probability, cut."""
    outs = {(note["chain"], note["asset"], out["recipient"], out["tx_hash"]): out for note, out in _pairs(found)}
    sure: dict[tuple[str, str, str, str], Fraction] = defaultdict(Fraction)
    for note, out in _pairs(found):
        sure[note["chain"], note["asset"], out["recipient"], out["tx_hash"]] += Fraction(1, out["candidates"])
    sums: dict[tuple[str, str, str], tuple[int, Fraction]] = {}
    for key, out in outs.items():
        most, likely = sums.get(key[:3], (0, Fraction()))
        amount = int(out["amount"])
        sums[key[:3]] = most + amount, likely + amount * min(Fraction(1), sure[key])
    rows = [
        {"chain": chain, "recipient": who, "asset": asset, "at_most": str(most), "likely": str(int(likely))}
        for (chain, asset, who), (most, likely) in sums.items()
    ]
    return sorted(rows, key=lambda row: (-int(row["likely"]), row["chain"], row["recipient"], row["asset"]))


def _pairs(found: Sequence[Plain]) -> Iterator[tuple[Plain, Plain]]:
    return ((note, out) for note in found for out in note["withdrawals"])
