"""What contracts said by events, and how far each was read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from tracer.model import Address, Checkpoint, Log
from tracer.store.bulk import Interner, add, address_ids, addresses_by_id, among, ids_or_all
from tracer.store.rows import LogHead
from tracer.store.tables import log_heads, logs

_LOGS = select(logs)


def add_logs(db: Connection, intern: Interner, at: datetime, source: str, given: Iterable[Log]) -> int:
    """Keep logs; how many were new. One that was withdrawn and is read again stands again, and counts."""
    wanted = {(one.contract, one.tx_hash, one.index): one for one in given}
    intern.learn_addresses(one.contract for one in wanted.values())
    intern.learn_addresses(one.initiator for one in wanted.values())
    contracts = {intern.address(contract) for contract, _, _ in wanted}
    rows = among(db, _LOGS.where(logs.c.contract_id.in_(contracts)), logs.c.tx_hash, {tx for _, tx, _ in wanted})
    known = {(row.contract_id, row.tx_hash, row.position): row for row in rows}
    new, again = [], []
    for one in wanted.values():
        before = known.get((intern.address(one.contract), one.tx_hash, one.index))
        if before is None:
            new.append(_row(one, intern) | {"source": source, "recorded_at": at, "withdrawn_at": None})
        elif before.withdrawn_at is not None:
            again.append((before.id, _row(one, intern)))
    add(db, logs, new)
    for number, row in again:
        db.execute(update(logs).where(logs.c.id == number).values(row | {"withdrawn_at": None, "recorded_at": at}))
    return len(new) + len(again)


def _row(one: Log, intern: Interner) -> dict[str, object]:
    return {
        "contract_id": intern.address(one.contract),
        "tx_hash": one.tx_hash,
        "position": one.index,
        "block": one.block,
        "at": one.at,
        "topics": json.dumps(one.topics),
        "data": one.data,
        "initiator_id": intern.address(one.initiator),
        "gas_price": one.gas_price,
    }


def set_head(db: Connection, intern: Interner, head: LogHead) -> None:
    """Keep how far a source read a contract's logs."""
    intern.learn_addresses([head.contract])
    here = {"contract_id": intern.address(head.contract), "source": head.source}
    reached = head.checkpoint
    row = {
        "cursor": reached.cursor,
        "block": reached.block,
        "block_hash": reached.block_hash,
        "since": head.since,
        "done": head.done,
        "at": head.at,
    }
    same = (log_heads.c.contract_id == here["contract_id"], log_heads.c.source == head.source)
    if not db.execute(update(log_heads).where(*same).values(row)).rowcount:
        add(db, log_heads, [here | row])


def withdraw(db: Connection, at: datetime, source: str, contract: Address) -> int:
    """The chain that a source read a contract's logs from is gone: withdraw them all, to be read anew; how many."""
    numbers = address_ids(db, [contract]).values()
    here = (logs.c.contract_id.in_(numbers), logs.c.source == source, logs.c.withdrawn_at.is_(None))
    return db.execute(update(logs).where(*here).values(withdrawn_at=at)).rowcount


def of_contracts(db: Connection, contracts: Collection[Address] | None) -> list[Log]:
    """The standing logs of these contracts, or all, in the order of the chain."""
    standing = _LOGS.where(logs.c.withdrawn_at.is_(None))
    rows = list(among(db, standing, logs.c.contract_id, ids_or_all(db, contracts)))
    places = addresses_by_id(
        db, {one for row in rows for one in (row.contract_id, row.initiator_id) if one is not None}
    )
    found = (
        Log(
            places[row.contract_id],
            row.tx_hash,
            row.position,
            row.block,
            row.at,
            tuple(json.loads(row.topics)),
            row.data,
            places[row.initiator_id] if row.initiator_id is not None else None,
            row.gas_price,
        )
        for row in rows
    )
    return sorted(found, key=lambda one: (one.at, one.contract.chain, one.block, one.index, one.tx_hash, one.contract))


def heads(db: Connection) -> list[LogHead]:
    """How far the logs of every contract were read, by contract and source."""
    rows = list(db.execute(select(log_heads)))
    places = addresses_by_id(db, {row.contract_id for row in rows})
    found = (
        LogHead(
            places[row.contract_id],
            row.source,
            Checkpoint(row.cursor, row.block, row.block_hash),
            row.since,
            row.done,
            row.at,
        )
        for row in rows
    )
    return sorted(found, key=lambda one: (one.contract, one.source))
