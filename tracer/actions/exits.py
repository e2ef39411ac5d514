"""What of a case went into bridges and is not followed, and what may have come out of it: leads, never exact sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from tracer.detect.bridges import PROTOCOLS
from tracer.detect.payouts import HEURISTIC, Exit, Payout, likely, payouts
from tracer.exports import plain
from tracer.exports.plain import Plain
from tracer.model import Address, AssetId
from tracer.store.store import Store

RULE = "bridge_exit"


def exits(store: Store, document: Mapping[str, Any]) -> tuple[list[Plain], list[Plain]]:
    """-> (every payment of a traced case's money into a bridge that is not followed, each with its candidates; what may
    have come to each recipient). Candidates are looked for among what is stored.
    """
    found = list(_exits(document))
    told = [payouts(one, store.transactions_of(one.hands())) for one in found]
    read = {one.address for one in store.coverage([hand for one in found for hand in one.hands()])}
    read |= {Address(row["chain"], row["address"]) for row in document["read"]}
    sums = [
        {**plain.place(who), "asset": asset.contract, "at_most": str(most), "likely": str(weighted)}
        for (who, asset), (most, weighted) in likely(told).items()
    ]
    rows = [_row(one, each, read) for one, each in zip(found, told, strict=True)]
    return rows, sorted(sums, key=lambda row: (-int(row["likely"]), row["chain"], row["address"], row["asset"]))


def edges(rows: list[Plain]) -> Iterator[Plain]:
    """The same as edges from who paid it in to who may have got it, for those who draw it."""
    for row in rows:
        for one in row["payouts"]:
            ends = {"from_chain": row["chain"], "sender": row["payer"], "note": row["tx_hash"]}
            yield {**one, **ends, "before": row["payments"], "heuristics": [HEURISTIC]}


def _exits(document: Mapping[str, Any]) -> Iterator[Exit]:
    """Transfers by which tainted money went into a bridge: those of flags, and those that bridges tell of."""
    said = {row["out"]: row for row in document["crossings"]}
    tainted = {(row["chain"], row["address"]) for row in document["addresses"]}
    flagged = {
        (flag["chain"], flag["address"], arrival["tx_hash"]): flag["entity"]
        for flag in document["flags"]
        if flag["rule"] == RULE
        for arrival in flag["arrivals"]
    }
    times = {(one["chain"], one["tx_hash"]): one["at"] for one in document["transactions"]}
    for row in document["transfers"]:
        crossing = said.get(row["id"], {})
        entity = flagged.get((row["chain"], row["recipient"], row["tx_hash"]))
        is_open = crossing.get("into", "") is None and (row["chain"], row["sender"]) in tainted
        if row["dropped"] is None and row["sender"] and not crossing.get("into") and (entity or is_open):
            named = Address(crossing["chain"], crossing["address"]) if crossing.get("address") else None
            who = PROTOCOLS[crossing["protocol"]].entity if crossing else entity or ""
            at = datetime.fromisoformat(times[row["chain"], row["tx_hash"]])
            asset = AssetId(row["chain"], row["asset"])
            payer = Address(row["chain"], row["sender"])
            yield Exit(row["chain"], row["tx_hash"], at, asset, int(row["amount"]), payer, named, who)


def _row(one: Exit, found: list[Payout], read: set[Address]) -> Plain:
    hands = one.hands()
    return {
        "chain": one.chain,
        "bridge": one.entity,
        "tx_hash": one.tx_hash,
        "at": plain.moment(one.at),
        "payer": one.payer.text,
        "asset": one.asset.contract,
        "amount": str(one.amount),
        "named": str(one.named) if one.named else None,
        "window_seconds": int(one.allowance.window.total_seconds()),
        "keeps": plain.share(one.allowance.keeps),
        "unread": sorted(str(hand) for hand in hands if hand not in read),  # there may be more candidates
        "payments": 1,
        "payouts": [_payout(each, len(found)) for each in found],
    }


def _payout(one: Payout, candidates: int) -> Plain:
    assert one.transfer.recipient is not None  # noqa: S101 - it was paid to somebody
    return {
        "chain": one.transfer.recipient.chain,
        "recipient": one.transfer.recipient.text,
        "tx_hash": one.transaction.tx_hash,
        "at": plain.moment(one.transaction.at),
        "asset": one.transfer.asset.contract,
        "amount": str(one.transfer.amount),
        "probability": said(one.probability),
        "candidates": candidates,
    }


def said(probability: Fraction) -> str:
    """Six places, cut."""
    return f"{int(probability)}.{int(probability % 1 * 10**6):06d}"
