"""Model values as plain JSON: amounts as digit strings, times as ISO-8601 UTC, chain and address as two members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tracer.chains import is_listed, is_on_chain
from tracer.model import (
    Address,
    Arrival,
    Asset,
    AssetId,
    Crossing,
    Entity,
    Fact,
    Finding,
    Gap,
    Hop,
    Kind,
    Label,
    OriginSpec,
    Path,
    Role,
    Sum,
    Transaction,
    Transfer,
)

Plain = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """ISO-8601 in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def decimal(value: Decimal) -> str:
    """A decimal number as text, one number one text: 0.90 is 0.9."""
    return format(value.normalize(), "f")


def share(worth: Fraction) -> str:
    """A share as a decimal string of eighteen places, cut, not rounded."""
    return f"{int(worth)}.{int(worth % 1 * 10**18):018d}"


def unread(document: Mapping[str, Any]) -> list[Plain]:
    """What a trace left unread, in reading order: worthiest first, then by address."""
    rows = [one for one in document["addresses"] if one["role"] == Role.FRONTIER]
    rows.sort(key=lambda one: (-Decimal(one["worth"]), one["chain"], one["address"]))
    return [{key: one[key] for key in ("chain", "address", "worth", "hops", "coverage")} for one in rows]


def place(address: Address | None) -> Plain:
    """Chain and address as two members."""
    return {"chain": address.chain, "address": address.text} if address else {"chain": None, "address": None}


def text(address: Address | None) -> str | None:
    """The address alone, where the chain stands beside it."""
    return address.text if address else None


def label(one: Label) -> Plain:
    """A claim with who says so and how sure."""
    return {
        **place(one.address),
        "entity": one.entity,
        "category": str(one.category),
        "confidence": decimal(one.confidence),
        "source": one.source,
        "valid_from": moment(one.valid_from),
        "valid_to": moment(one.valid_to),
    }


def reported(one: OriginSpec) -> Plain:
    """What a case says is dirty, as it was reported."""
    return {
        **place(one.address),
        "asset": one.asset.contract if one.asset else None,
        "tx_hash": one.tx_hash,
        "amount": None if one.amount is None else str(one.amount),
        "since": moment(one.since),
        "report_id": list(one.report_ids),
    }


def entity(one: Entity, names: Mapping[str, str]) -> Plain:
    """An entity, and the texts by which the labels that were met name it."""
    named = sorted(text for text, id_ in names.items() if id_ == one.id)
    return {"id": one.id, "name": one.name, "successor_of": one.successor_of, "names": named}


def fact(one: Fact, entity: Entity | None = None) -> Plain:
    """A dated statement with its source, quote and the day it was read."""
    limit = one.limit
    return {
        "entity": one.entity,
        "entity_name": entity.name if entity else None,
        "kind": one.kind,
        "level": one.level,
        "limit": {"amount": format(limit.amount, "f"), "asset": limit.asset, "period": limit.period} if limit else None,
        "authority": one.authority,
        "instrument": one.instrument,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "source_url": one.source_url,
        "source_kind": one.source_kind,
        "source_date": one.source_date,
        "date_basis": one.date_basis,
        "quote": one.quote,
        "read_on": one.read_on,
        "confidence": one.confidence,
        "cites_aml_kyc_failure": one.cites_aml_kyc_failure,
        "note": one.note,
        "id": one.id,
    }


def asset(one: Asset) -> Plain:
    """An asset; `decimals` is null where nobody said, `verified` false for unlisted ones and for bare values."""
    return {
        "chain": one.id.chain,
        "asset": one.id.contract,
        "symbol": one.symbol,
        "decimals": one.decimals,
        "listed": one.listed,
        "on_chain": one.on_chain,
    }


def transaction(one: Transaction) -> Plain:
    """What a chain settles as one, without its transfers."""
    return {
        "chain": one.chain,
        "tx_hash": one.tx_hash,
        "block": one.block,
        "tx_index": one.tx_index,
        "at": moment(one.at),
        "initiator": text(one.initiator),
        "ok": one.ok,
        "whole": one.whole,
    }


def transfer(one: Transfer, within: Transaction, dropped: str | None) -> Plain:
    """One movement; `dropped` is why it moves no value, or null.

    `unverified`: a token on nobody's list, and it is not known who made the transaction: it could be anybody's forgery.
    """
    unlisted = one.kind is Kind.TOKEN and is_on_chain(one.asset) and not is_listed(one.asset)
    return {
        "id": one.id,
        "chain": one.asset.chain,
        "tx_hash": within.tx_hash,
        "kind": str(one.kind),
        "sender": text(one.sender),
        "recipient": text(one.recipient),
        "asset": one.asset.contract,
        "amount": str(one.amount),
        "index": one.index,
        "outpoint": one.outpoint,
        "dropped": dropped,
        "unverified": unlisted and within.initiator is None and dropped is None,
    }


def crossing(one: Crossing) -> Plain:
    """A crossing: by which transfers it went in and was paid out, or why it is not followed; whom it is paid to."""
    head = {"protocol": one.protocol, "key": one.key, "out": one.out, "into": one.into}
    return {**head, **place(one.recipient), "why": one.why}


def off(sender: Address, chain: str) -> Plain:
    """The chain of what was paid, of hops in which it is not the transaction's: money that came over a bridge."""
    return {} if sender.chain == chain else {"from_chain": sender.chain}


def from_chain(hop: Mapping[str, Any]) -> str:
    """The chain of a hop's sender, and of what was paid."""
    return str(hop.get("from_chain") or hop["chain"])


def hop(one: Hop) -> Plain:
    """One step of a path."""
    return off(one.sender, one.chain) | {
        "chain": one.chain,
        "tx_hash": one.tx_hash,
        "block": one.block,
        "at": moment(one.at),
        "by": one.by,
        "sender": one.sender.text,
        "recipient": one.recipient.text,
        "asset": one.asset.contract,
        "amount": str(one.amount),
        "received_asset": one.received_asset.contract,
        "received": str(one.received),
        "origin_amount": str(one.origin_amount),
        "via": [address.text for address in one.via],
        "transfers": list(one.transfers),
    }


def path(one: Path) -> Plain:
    """The hops from an origin, oldest first, under a named method, with what went by them in the origin's own asset."""
    head = {"origin": one.origin, "method": one.method, "carried": str(one.carried), "spread": str(one.spread)}
    return head | {"hops": [hop(step) for step in one.hops]}


def arrival(one: Arrival) -> Plain:
    """What came in one transaction, per origin and method, and all that came with it, tainted or not (`whole`)."""
    return {
        "chain": one.chain,
        "tx_hash": one.tx_hash,
        "block": one.block,
        "at": moment(one.at),
        "asset": one.asset.contract,
        "whole": str(one.whole),
        "amounts": [amount(part) for part in one.sums],
    }


def amount(one: Sum) -> Plain:
    """Taint of one origin under one method, with the reports that name the origin."""
    return {
        "origin": one.origin,
        "method": one.method,
        "asset": one.asset.contract,
        "amount": str(one.amount),
        "origin_amount": str(one.origin_amount),
        "report_ids": list(one.report_ids),
    }


def totals(arrivals: Iterable[Arrival], methods: Iterable[str]) -> list[Plain]:
    """All arrivals together, per origin, asset and every method: 0 where a method brings nothing."""
    sums: dict[tuple[str, AssetId, tuple[str, ...]], dict[str, tuple[int, int]]] = defaultdict(dict)
    for one in (one for arrival in arrivals for one in arrival.sums):
        by_method = sums[(one.origin, one.asset, one.report_ids)]
        amount_, origin_amount = by_method.get(one.method, (0, 0))
        by_method[one.method] = (amount_ + one.amount, origin_amount + one.origin_amount)
    return [
        amount(Sum(origin, method, asset_id, *by_method.get(method, (0, 0)), report_ids))
        for (origin, asset_id, report_ids), by_method in sorted(sums.items())
        for method in methods
    ]


def finding(one: Finding, methods: Iterable[str]) -> Plain:
    """A flag's body: what a rule found, why, how much, when, and by which paths."""
    return {
        "rule": one.rule,
        "rule_version": one.rule_version,
        "severity": str(one.severity),
        **place(one.address),
        "entity": one.entity,
        "message": one.message,
        "label": label(one.label) if one.label else None,
        "facts": [fact(decided) for decided in one.facts],
        "amounts": totals(one.arrivals, methods),
        "first_at": moment(one.arrivals[0].at),
        "last_at": moment(one.arrivals[-1].at),
        "hops": one.hops,
        "arrivals": [arrival(each) for each in one.arrivals],
        "paths": [path(each) for each in one.paths],
        "evidence": list(one.evidence),
    }


def gap(one: Gap) -> Plain:
    """Something that is not known and could matter."""
    return {
        "kind": one.kind,
        "text": one.text,
        **place(one.address),
        "tx_hash": one.tx_hash,
        "asset": one.asset.contract if one.asset else None,
        "amount": None if one.amount is None else str(one.amount),
        "at": moment(one.at),
    }
