"""Transactions with their transfers: written so that the same one again adds nothing, read as it was given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    rows_among,
)
from tracer.store.rows import Added
from tracer.store.tables import pages, transactions, transfers

BATCH = 5000  # transactions written at once
_ALL = select(transactions)
_NUMBERS = select(transactions.c.id, transactions.c.chain, transactions.c.tx_hash)
_KEYS = select(transfers.c.key, transfers.c.withdrawn_at)
_HEADS = select(*list(transactions.c)[:10]).where(transactions.c.withdrawn_at.is_(None))  # what _transaction takes
_ENDS = (transfers.c.asset_id, transfers.c.sender_id, transfers.c.recipient_id)
_WHAT = (transfers.c.kind, transfers.c.amount, transfers.c.n, transfers.c.index, transfers.c.outpoint)
_MOVED = select(transfers.c.transaction_id, *_ENDS, *_WHAT).where(transfers.c.withdrawn_at.is_(None))
_TOUCHED = select(transfers.c.transaction_id).where(transfers.c.withdrawn_at.is_(None))
_PAID = select(transfers.c.recipient_id).where(transfers.c.withdrawn_at.is_(None)).distinct()
_KINDS = {kind.value: kind for kind in Kind}
TxKey = tuple[str, str]  # chain, tx_hash
T = TypeVar("T")


class _Stored(NamedTuple):
    """A stored transaction: its number, what is known of it but its transfers, whether a reorg withdrew it."""

    number: int
    head: Transaction
    withdrawn: bool


def recipients(db: Connection, wanted: Collection[Address]) -> list[Address]:
    """Which of these addresses anything was paid to."""
    numbers = {number: address for address, number in address_ids(db, wanted).items()}
    rows = among(db, _PAID, transfers.c.recipient_id, numbers)
    return sorted({numbers[row.recipient_id] for row in rows})


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
        "key": _key(transfer.id),
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


def numbers_of(db: Connection, keys: Collection[TxKey]) -> dict[TxKey, int]:
    """The numbers of those of these transactions that are stored, withdrawn or not."""
    found = among_pairs(db, _NUMBERS, transactions.c.chain, transactions.c.tx_hash, keys)
    return {(row.chain, row.tx_hash): row.id for row in found}


def _stored(db: Connection, keys: Collection[TxKey]) -> dict[TxKey, _Stored]:
    rows = list(among_pairs(db, _ALL, transactions.c.chain, transactions.c.tx_hash, keys))
    heads = _transactions(db, rows)
    return {(row.chain, row.tx_hash): _Stored(row.id, heads[row.id], row.withdrawn_at is not None) for row in rows}


def _key(name: str) -> bytes:
    return sha256(name.encode()).digest()[:16]


def withdraw(db: Connection, at: datetime, keys: Collection[TxKey], reason: str) -> int:
    """Withdraw standing transactions (chain, tx_hash) with their transfers; how many there were."""
    numbers = list(numbers_of(db, keys).values())
    withdrawn = 0
    for piece in pieces(numbers):
        moved = transfers.c.transaction_id.in_(piece), transfers.c.withdrawn_at.is_(None)
        db.execute(update(transfers).where(*moved).values(withdrawn_at=at))
        gone = transactions.c.id.in_(piece), transactions.c.withdrawn_at.is_(None)
        change = update(transactions).where(*gone).values(withdrawn_at=at, withdrawn_reason=reason)
        withdrawn += db.execute(change).rowcount
    return withdrawn


def withdraw_transfers(db: Connection, at: datetime, ids: Iterable[str]) -> int:
    """Withdraw standing transfers, of transactions that stand; how many there were."""
    withdrawn = 0
    for piece in pieces(map(_key, ids)):
        gone = transfers.c.key.in_(piece), transfers.c.withdrawn_at.is_(None)
        withdrawn += db.execute(update(transfers).where(*gone).values(withdrawn_at=at)).rowcount
    return withdrawn


# --- reading ----------------------------------------------------------------------------------------------------------


def touching(db: Connection, wanted: Collection[Address]) -> list[Transaction]:
    """The standing transactions, each with all its standing transfers, in which one of these sends or receives."""
    numbers = list(address_ids(db, wanted).values())
    ends = (transfers.c.sender_id, transfers.c.recipient_id)
    return _load(db, {number for end in ends for (number,) in rows_among(db, _TOUCHED, end, numbers)})


def named(db: Connection, wanted: Collection[TxKey]) -> list[Transaction]:
    """Those of these (chain, tx_hash) that are stored and stand."""
    return _load(db, numbers_of(db, wanted).values())


def read_from(db: Connection, source: str | None) -> list[TxKey]:
    """The standing transactions that rest on a reply of a source, or of any, by (chain, tx_hash)."""
    query = select(transactions.c.chain, transactions.c.tx_hash).join(pages, pages.c.id == transactions.c.page_id)
    query = query.where(transactions.c.withdrawn_at.is_(None), pages.c.kind == "reply")
    rows = db.execute(query if source is None else query.where(pages.c.source == source))
    return sorted((row.chain, row.tx_hash) for row in rows)


def withdrawn(db: Connection, wanted: Collection[TxKey]) -> dict[TxKey, tuple[int | None, str, datetime]]:
    """Those of these (chain, tx_hash) that a reorg withdrew: the block each was in, why, and when that was found."""
    query = select(transactions).where(transactions.c.withdrawn_at.is_not(None))
    found = among_pairs(db, query, transactions.c.chain, transactions.c.tx_hash, wanted)
    return {(row.chain, row.tx_hash): (row.block, row.withdrawn_reason, row.withdrawn_at) for row in found}


def _load(db: Connection, numbers: Collection[int]) -> list[Transaction]:
    heads = list(rows_among(db, _HEADS, transactions.c.id, numbers))
    rows: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    ends: set[int | None] = {end for head in heads for end in head[6:8]}
    kinds: set[int] = set()
    for number, asset_id, sender_id, recipient_id, *rest in rows_among(
        db, _MOVED, transfers.c.transaction_id, [head[0] for head in heads]
    ):
        rows[number].append((asset_id, sender_id, recipient_id, *rest))
        ends.update((sender_id, recipient_id))
        kinds.add(asset_id)
    places, assets = addresses_by_id(db, ends), assets_by_id(db, kinds)
    found = (_transaction(head, places, _transfers(head, rows[head[0]], places, assets)) for head in heads)
    return sorted(found, key=lambda t: (t.order, t.tx_hash))


def _transactions(db: Connection, rows: Collection[Row[Any]]) -> dict[int, Transaction]:
    places = addresses_by_id(db, {end for row in rows for end in (row.initiator_id, row.to_id)})
    return {row.id: _transaction(row, places) for row in rows}


def _transaction(row: Sequence[Any], places: Mapping[int | None, Any], moved: tuple[Transfer, ...] = ()) -> Transaction:
    """From a row of the table, whose first columns these are."""
    _, chain, tx_hash, at, block, tx_index, initiator_id, to_id, ok, whole = row[:10]
    initiator, to = places[initiator_id], places[to_id]
    return Transaction(chain, tx_hash, at, block, tx_index, initiator, to, ok, whole, moved)


def _transfers(
    head: Sequence[Any],
    rows: Iterable[tuple[Any, ...]],
    places: Mapping[int | None, Any],
    kinds: Mapping[int | None, Any],
) -> tuple[Transfer, ...]:
    """From rows of _MOVED, without their transaction; in order of their ids."""
    _, chain, tx_hash, *_ = head
    made = []
    for asset_id, sender_id, recipient_id, named, amount, n, index, outpoint in rows:
        kind, asset, sender, recipient = _KINDS[named], kinds[asset_id], places[sender_id], places[recipient_id]
        id_ = transfer_id(chain, tx_hash, kind, asset, sender, recipient, amount, n)
        made.append(Transfer(id_, kind, asset, amount, sender, recipient, index, outpoint))
    if len(made) > 1:
        made.sort(key=lambda transfer: transfer.id)
    return tuple(made)
