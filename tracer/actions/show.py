"""All that is stored of one address: who says what, what moved, what was left out and why, and how far it was read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tracer.actions.freezes import Freezes
from tracer.detect.poisoning import dropped, thefts
from tracer.exports import plain
from tracer.exports.plain import Plain
from tracer.model import Address, AssetId, CaseState, Kind, Transaction, Transfer
from tracer.store.rows import Read
from tracer.store.store import Store

UNREAD: Plain = {"source": None, "state": "unread", "reason": "", "block": None, "at": None}
FILE = UNREAD | {"state": "partial", "reason": "file"}


def show(store: Store, address: Address) -> Plain:
    """Everything known of an address; an address that nobody mentioned is `unread`, which says nothing about it.

    `moved`: per asset what came in and went out, of what counts. `dropped`: movements that are shown on chain and are
    none of value, each with its reason. `thefts`: payments it made to a look-alike of somebody it knew; they count.
    """
    found = store.transactions_of([address])
    assets = {transfer.asset for one in found for transfer in one.transfers}
    symbols = {asset.id: asset.symbol for asset in store.assets(assets)}
    reasons = dropped(found, symbols, {address})
    mine = [(one, transfer) for one in found for transfer in one.transfers if _touches(address, transfer)]
    counting = [(one, transfer) for one, transfer in mine if transfer.id not in reasons]
    meant = thefts(found, symbols, {address})
    return {
        **plain.place(address),
        "coverage": [_read(one) for one in store.coverage([address])] or [FILE if found else UNREAD],
        "labels": [plain.label(label) for label in store.labels([address])],
        "reports": _reports(store, address),
        "freezes": Freezes.of(store).every_token(address),
        "transactions": len({one.tx_hash for one, _ in counting}),
        "first": plain.moment(min((one.at for one, _ in counting), default=None)),
        "last": plain.moment(max((one.at for one, _ in counting), default=None)),
        "moved": _moved(address, counting),
        "thefts": [_row(one, t, meant_for=plain.text(meant[t.id])) for one, t in counting if t.id in meant],
        "dropped": [_row(one, t, reason=reasons[t.id]) for one, t in mine if t.id in reasons],
        "reasons": dict(sorted(Counter(reasons[t.id] for _, t in mine if t.id in reasons).items())),
        "assets": [
            {"chain": asset.id.chain, "asset": asset.id.contract, "symbol": asset.symbol, "decimals": asset.decimals}
            for asset in store.assets(assets)
        ],
    }


def _touches(address: Address, transfer: Transfer) -> bool:
    return address in (transfer.sender, transfer.recipient)


def _read(one: Read) -> Plain:
    return {
        "source": one.source,
        "state": one.coverage.state,
        "reason": one.coverage.reason,
        "block": one.checkpoint.block,
        "at": plain.moment(one.at),
    }


def _reports(store: Store, address: Address) -> list[Plain]:
    """Who reported it, and which open or closed case starts there."""
    said = [
        {"report_id": one.report_id, "tx_hash": one.tx_hash, "case": None}
        for one in store.reports()
        if one.address == address
    ]
    for case in store.cases():
        specs = [spec for spec in case.origins if spec.address == address]
        named = f"{case.name}{'' if case.state is CaseState.OPEN else ' (closed)'}"
        said += [{"report_id": None, "tx_hash": spec.tx_hash, "case": named} for spec in specs]
    return said


def _moved(address: Address, counting: Sequence[tuple[Transaction, Transfer]]) -> list[Plain]:
    sums: dict[AssetId, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])  # in, out, fees, how often in, how often out
    for _, transfer in counting:
        row = sums[transfer.asset]
        if transfer.recipient == address:
            row[0] += transfer.amount
            row[3] += 1
        if transfer.sender == address:
            row[2 if transfer.kind is Kind.FEE else 1] += transfer.amount
            row[4] += transfer.kind is not Kind.FEE
    names = ("in", "out", "fees")
    return [
        {"asset": asset.contract, **{name: str(row[n]) for n, name in enumerate(names)}, "ins": row[3], "outs": row[4]}
        for asset, row in sorted(sums.items())
    ]


def _row(one: Transaction, transfer: Transfer, **more: Any) -> Plain:
    return {
        "at": plain.moment(one.at),
        "tx_hash": one.tx_hash,
        "kind": str(transfer.kind),
        "sender": plain.text(transfer.sender),
        "recipient": plain.text(transfer.recipient),
        "asset": transfer.asset.contract,
        "amount": str(transfer.amount),
        "id": transfer.id,
        **more,
    }
