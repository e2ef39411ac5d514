"""Transactions with their transfers: written so that the same one again adds nothing, read as it was given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

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
    fresh_ids,
    pieces,
)
from tracer.store.rows import Added
from tracer.store.tables import transactions, transfers

BATCH = 5000  # transactions written at once
_ALL = select(transactions)
_NUMBERS = select(transactions.c.id, transactions.c.chain, transactions.c.tx_hash)
_KEYS = select(transfers.c.key, transfers.c.withdrawn_at)
TxKey = tuple[str, str]  # chain, tx_hash
T = TypeVar("T")


class _Stored(NamedTuple):
    """A stored transaction: its number, what is known of it but its transfers, whether a reorg withdrew it."""

    number: int
    head: Transaction
    withdrawn: bool


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
    new = [key for key in given if key not in stored]
    numbers = {key: before.number for key, before in stored.items()}
    numbers |= zip(new, fresh_ids(db, transactions, len(new)), strict=True)
    back = {key for key, before in stored.items() if before.withdrawn}
    add(db, transactions, [{"id": numbers[key], **_head(intern, given[key]), "page_id": page_id} for key in new])
    changed = _change(db, intern, given, stored, page_id)
    moved = (_transfer_row(intern, numbers[key], t, moved) for key, t in given.items() for moved in t.transfers)
    transfers_added = _put_transfers(db, {row["key"]: row for row in moved}, [one.number for one in stored.values()])
    return Added(len(new) + len(back), transfers_added), bool(new or changed or transfers_added)


def _put_transfers(db: Connection, rows: dict[bytes, dict[str, Any]], stored: Collection[int]) -> int:
    """Add transfers, by their key, that are new or withdrawn; how many. `stored`: the transactions that were there."""
    known = among(db, _KEYS, transfers.c.transaction_id, stored)
    before = [(rows.pop(row.key), row.withdrawn_at) for row in known if row.key in rows]
    back = [{"same": row["key"], "now": row["index"]} for row, withdrawn_at in before if withdrawn_at]
    if back:
        here = update(transfers).where(transfers.c.key == bindparam("same"))
        db.execute(here.values(index=bindparam("now"), withdrawn_at=None), back)
    return len(back) + add(db, transfers, list(rows.values()))


def _learn(intern: Interner, given: Collection[Transaction]) -> None:
    moved = [transfer for transaction in given for transfer in transaction.transfers]
    ends = [end for t in moved for end in (t.sender, t.recipient)]
    intern.learn_addresses(ends + [end for t in given for end in (t.initiator, t.to)])
    intern.learn_assets(t.asset for t in moved)


def _change(
    db: Connection,
    intern: Interner,
    given: Mapping[TxKey, Transaction],
    stored: Mapping[TxKey, _Stored],
    page_id: int | None,
) -> bool:
    """Bring stored transactions up to what is said now; whether any changed."""
    changed = False
    for key, before in stored.items():
        after = _again(before.head, given[key]) if before.withdrawn else _merge(before.head, given[key])
        if before.withdrawn or replace(after, transfers=()) != before.head:
            fresh = {"page_id": page_id, "withdrawn_at": None, "withdrawn_reason": None} if before.withdrawn else {}
            here = update(transactions).where(transactions.c.id == before.number)
            db.execute(here.values({**_head(intern, after), **fresh}))
            changed = True
    return changed


def _again(old: Transaction, new: Transaction) -> Transaction:
    """A withdrawn transaction, mined again: all is as the new block has it, but who signed it and to whom it was sent
    is fixed by its hash.
    """
    return replace(new, initiator=_first(new.initiator, old.initiator), to=_first(new.to, old.to))


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


def _transfer_row(intern: Interner, number: int, given: Transaction, transfer: Transfer) -> dict[str, Any]:
    return {
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


def _ordinal(given: Transaction, t: Transfer) -> int:
    """The last part of the id, after proof that the rest can be built from the fields. Raises InputError."""
    tail = t.id.rpartition(":")[2]
    n = int(tail) if tail.isdecimal() and len(tail) < 20 else -1
    if transfer_id(given.chain, given.tx_hash, t.kind, t.asset, t.sender, t.recipient, t.amount, n) != t.id:
        raise InputError(f"transfer id {t.id!a} is not what the transfer says: make it with model.transfer_id")
    if {part.chain for part in (t.asset, t.sender, t.recipient) if part} != {given.chain}:
        raise InputError(f"transfer {t.id!a}: its asset and addresses must be of its transaction's chain")
    return n


def _numbers(db: Connection, keys: Collection[TxKey]) -> dict[TxKey, int]:
    found = among_pairs(db, _NUMBERS, transactions.c.chain, transactions.c.tx_hash, keys)
    return {(row.chain, row.tx_hash): row.id for row in found}


def _stored(db: Connection, keys: Collection[TxKey]) -> dict[TxKey, _Stored]:
    rows = list(among_pairs(db, _ALL, transactions.c.chain, transactions.c.tx_hash, keys))
    heads = _transactions(db, rows)
    return {(row.chain, row.tx_hash): _Stored(row.id, heads[row.id], row.withdrawn_at is not None) for row in rows}


# --- reading ----------------------------------------------------------------------------------------------------------


def touching(db: Connection, wanted: Collection[Address]) -> list[Transaction]:
    """The standing transactions, each with all its standing transfers, in which one of these sends or receives."""
    numbers = list(address_ids(db, wanted).values())
    query = select(transfers.c.transaction_id).where(transfers.c.withdrawn_at.is_(None))
    ends = (transfers.c.sender_id, transfers.c.recipient_id)
    return _load(db, {row.transaction_id for end in ends for row in among(db, query, end, numbers)})


def named(db: Connection, wanted: Collection[TxKey]) -> list[Transaction]:
    """Those of these (chain, tx_hash) that are stored and stand."""
    return _load(db, _numbers(db, wanted).values())


def withdrawn(db: Connection, wanted: Collection[TxKey]) -> dict[TxKey, tuple[int | None, str, datetime]]:
    """Those of these (chain, tx_hash) that a reorg withdrew: the block each was in, why, and when that was found."""
    query = select(transactions).where(transactions.c.withdrawn_at.is_not(None))
    found = among_pairs(db, query, transactions.c.chain, transactions.c.tx_hash, wanted)
    return {(row.chain, row.tx_hash): (row.block, row.withdrawn_reason, row.withdrawn_at) for row in found}


def _load(db: Connection, numbers: Collection[int]) -> list[Transaction]:
    heads = _heads(db, numbers)
    standing = select(transfers).where(transfers.c.withdrawn_at.is_(None))
    rows = list(among(db, standing, transfers.c.transaction_id, heads))
    places = addresses_by_id(db, {end for row in rows for end in (row.sender_id, row.recipient_id)})
    kinds = assets_by_id(db, {row.asset_id for row in rows})
    moved: dict[int, list[Transfer]] = defaultdict(list)
    for row in rows:
        head = heads[row.transaction_id]
        moved[row.transaction_id].append(_transfer(head, row, places, kinds))
    found = (replace(head, transfers=tuple(sorted(moved[n], key=lambda t: t.id))) for n, head in heads.items())
    return sorted(found, key=lambda t: (t.order, t.tx_hash))


def _heads(db: Connection, numbers: Collection[int]) -> dict[int, Transaction]:
    standing = select(transactions).where(transactions.c.withdrawn_at.is_(None))
    return _transactions(db, list(among(db, standing, transactions.c.id, numbers)))


def _transactions(db: Connection, rows: Collection[Row[Any]]) -> dict[int, Transaction]:
    places = addresses_by_id(db, {end for row in rows for end in (row.initiator_id, row.to_id)})
    return {row.id: _transaction(row, places) for row in rows}


def _transaction(row: Row[Any], places: Mapping[int | None, Any]) -> Transaction:
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
    head: Transaction, row: Row[Any], places: Mapping[int | None, Any], kinds: Mapping[int | None, Any]
) -> Transfer:
    kind, asset, amount = Kind(row.kind), kinds[row.asset_id], row.amount
    sender, recipient = places[row.sender_id], places[row.recipient_id]
    name = transfer_id(head.chain, head.tx_hash, kind, asset, sender, recipient, amount, row.n)
    return Transfer(name, kind, asset, amount, sender, recipient, row._mapping["index"], row.outpoint)
