"""Transactions with their transfers: written so that the same one again adds nothing, read as it was given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, select, update

from tracer.errors import Conflict, InputError
from tracer.model import Address, Kind, Transaction, Transfer, transfer_id
from tracer.store.bulk import (
    Interner,
    add,
    address_ids,
    addresses_by_id,
    among,
    among_pairs,
    assets_by_id,
    pieces,
)
from tracer.store.rows import Added
from tracer.store.tables import transactions, transfers

BATCH = 5000  # transactions written at once
TxKey = tuple[str, str]  # chain, tx_hash
T = TypeVar("T")


# --- writing ----------------------------------------------------------------------------------------------------------


def write(db: Connection, intern: Interner, given: Iterable[Transaction], page_id: int | None) -> tuple[Added, bool]:
    """Add what is new of these transactions: how many, and whether anything changed. Raises Conflict, InputError."""
    added, changed = Added(), False
    for batch in pieces(given, BATCH):
        new, touched = _write_batch(db, intern, _one_each(batch), page_id)
        added = Added(added.transactions + new.transactions, added.transfers + new.transfers)
        changed |= touched
    return added, changed


def _one_each(batch: Iterable[Transaction]) -> dict[TxKey, Transaction]:
    merged: dict[TxKey, Transaction] = {}
    for given in batch:
        key = given.chain, given.tx_hash
        merged[key] = _merge(merged[key], given) if key in merged else given
    return merged


def _write_batch(
    db: Connection, intern: Interner, given: Mapping[TxKey, Transaction], page_id: int | None
) -> tuple[Added, bool]:
    _learn(intern, given.values())
    stored = _stored(db, given)
    new = [transaction for key, transaction in given.items() if key not in stored]
    add(db, transactions, [{**_head(intern, t), "page_id": page_id} for t in new])
    changes = [(stored[key][0], t) for key, t in _changes(given, stored)]
    for number, transaction in changes:
        db.execute(update(transactions).where(transactions.c.id == number).values(_head(intern, transaction)))
    numbers = _numbers(db, given)
    known = _known_keys(db, [number for number, _ in stored.values()])
    rows: dict[bytes, dict[str, Any]] = {}
    for key, transaction in given.items():
        rows |= _transfer_rows(intern, numbers[key], transaction)
    fresh = [row for key, row in rows.items() if key not in known]
    add(db, transfers, fresh)
    return Added(len(new), len(fresh)), bool(new or changes or fresh)


def _learn(intern: Interner, given: Collection[Transaction]) -> None:
    moved = [transfer for transaction in given for transfer in transaction.transfers]
    intern.learn_addresses(end for t in given for end in (t.initiator, t.to))
    intern.learn_addresses(end for t in moved for end in (t.sender, t.recipient))
    intern.learn_assets(t.asset for t in moved)


def _changes(
    given: Mapping[TxKey, Transaction], stored: Mapping[TxKey, tuple[int, Transaction]]
) -> Iterable[tuple[TxKey, Transaction]]:
    for key, (_, before) in stored.items():
        after = replace(_merge(before, given[key]), transfers=())
        if after != before:
            yield key, after


def _merge(old: Transaction, new: Transaction) -> Transaction:
    """What both say together. Raises Conflict where they cannot both be right. A failure said once stands."""
    for name, before, after in (("time", old.at, new.at), ("block", old.block, new.block)):
        if before is not None and after is not None and before != after:
            raise Conflict(f"transaction {old.chain}:{old.tx_hash}: {name} is {before}, the new data says {after}")
    return replace(
        old,
        block=_first(old.block, new.block),
        tx_index=_first(old.tx_index, new.tx_index),
        initiator=_first(old.initiator, new.initiator),
        to=_first(old.to, new.to),
        ok=old.ok and new.ok,
        whole=old.whole or new.whole,
        transfers=old.transfers + new.transfers,
    )


def _first(old: T | None, new: T | None) -> T | None:
    return new if old is None else old


def _head(intern: Interner, given: Transaction) -> dict[str, Any]:
    return {
        "chain": given.chain,
        "tx_hash": given.tx_hash,
        "at": given.at,
        "block": given.block,
        "tx_index": given.tx_index,
        "initiator_id": intern.address(given.initiator),
        "to_id": intern.address(given.to),
        "ok": given.ok,
        "whole": given.whole,
    }


def _transfer_rows(intern: Interner, number: int, given: Transaction) -> dict[bytes, dict[str, Any]]:
    return {
        sha256(transfer.id.encode()).digest()[:16]: {
            "key": sha256(transfer.id.encode()).digest()[:16],
            "transaction_id": number,
            "kind": transfer.kind.value,
            "asset_id": intern.asset(transfer.asset),
            "sender_id": intern.address(transfer.sender),
            "recipient_id": intern.address(transfer.recipient),
            "amount": transfer.amount,
            "n": _ordinal(given, transfer),
            "index": transfer.index,
            "outpoint": transfer.outpoint,
        }
        for transfer in given.transfers
    }


def _ordinal(given: Transaction, transfer: Transfer) -> int:
    """The last part of the id, after proof that the rest can be built from the fields. Raises InputError."""
    tail = transfer.id.rpartition(":")[2]
    n = int(tail) if tail.isdecimal() and len(tail) < 20 else -1
    if _id(given.chain, given.tx_hash, transfer, n) != transfer.id:
        raise InputError(f"transfer id {transfer.id!a} does not say what the transfer says: use model.transfer_id")
    if any(part is not None and part.chain != given.chain for part in (transfer.asset, transfer.sender, transfer.recipient)):
        raise InputError(f"transfer {transfer.id!a}: its asset and addresses must be of its transaction's chain")
    return n


def _id(chain: str, tx_hash: str, t: Transfer, n: int) -> str:
    return transfer_id(chain, tx_hash, t.kind, t.asset, t.sender, t.recipient, t.amount, n)


def _numbers(db: Connection, keys: Collection[TxKey]) -> dict[TxKey, int]:
    query = select(transactions.c.id, transactions.c.chain, transactions.c.tx_hash)
    found = among_pairs(db, query, transactions.c.chain, transactions.c.tx_hash, keys)
    return {(row.chain, row.tx_hash): row.id for row in found}


def _stored(db: Connection, keys: Collection[TxKey]) -> dict[TxKey, tuple[int, Transaction]]:
    heads = _heads(db, _numbers(db, keys).values())
    return {(head.chain, head.tx_hash): (number, head) for number, head in heads.items()}


def _known_keys(db: Connection, numbers: Collection[int]) -> set[bytes]:
    return {row.key for row in among(db, select(transfers.c.key), transfers.c.transaction_id, numbers)}


# --- reading ----------------------------------------------------------------------------------------------------------


def touching(db: Connection, wanted: Collection[Address]) -> list[Transaction]:
    """The stored transactions, each with all its stored transfers, in which one of these sends or receives."""
    numbers = list(address_ids(db, wanted).values())
    query = select(transfers.c.transaction_id)
    ends = (transfers.c.sender_id, transfers.c.recipient_id)
    return _load(db, {row.transaction_id for end in ends for row in among(db, query, end, numbers)})


def named(db: Connection, wanted: Collection[TxKey]) -> list[Transaction]:
    """Those of these (chain, tx_hash) that are stored."""
    return _load(db, _numbers(db, wanted).values())


def _load(db: Connection, numbers: Collection[int]) -> list[Transaction]:
    heads = _heads(db, numbers)
    rows = list(among(db, select(transfers), transfers.c.transaction_id, heads))
    places = addresses_by_id(db, {end for row in rows for end in (row.sender_id, row.recipient_id)})
    kinds = assets_by_id(db, {row.asset_id for row in rows})
    moved: dict[int, list[Transfer]] = defaultdict(list)
    for row in rows:
        head = heads[row.transaction_id]
        moved[row.transaction_id].append(_transfer(head, row, places, kinds))
    found = (replace(head, transfers=tuple(sorted(moved[n], key=lambda t: t.id))) for n, head in heads.items())
    return sorted(found, key=lambda t: (t.order, t.tx_hash))


def _heads(db: Connection, numbers: Collection[int]) -> dict[int, Transaction]:
    rows = list(among(db, select(transactions), transactions.c.id, numbers))
    places = addresses_by_id(db, {end for row in rows for end in (row.initiator_id, row.to_id)})
    return {row.id: _transaction(row, places) for row in rows}


def _transaction(row: Row[Any], places: Mapping[int | None, Address | None]) -> Transaction:
    return Transaction(
        chain=row.chain,
        tx_hash=row.tx_hash,
        at=row.at,
        block=row.block,
        tx_index=row.tx_index,
        initiator=places[row.initiator_id],
        to=places[row.to_id],
        ok=row.ok,
        whole=row.whole,
    )


def _transfer(
    head: Transaction, row: Row[Any], places: Mapping[int | None, Address | None], kinds: Mapping[Any, Any]
) -> Transfer:
    bare = Transfer(
        id="",
        kind=Kind(row.kind),
        asset=kinds[row.asset_id],
        amount=row.amount,
        sender=places[row.sender_id],
        recipient=places[row.recipient_id],
        index=row._mapping["index"],
        outpoint=row.outpoint,
    )
    return replace(bare, id=_id(head.chain, head.tx_hash, bare, row.n))
