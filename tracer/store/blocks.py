"""The blocks that were read from, and what is done when the chain drops some: withdraw and go back, delete nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from tracer.errors import Conflict
from tracer.store.bulk import add, among
from tracer.store.tables import addresses, blocks, coverage, pages, transactions, transfers


def add_blocks(db: Connection, chain: str, given: Mapping[int, str]) -> int:
    """Keep blocks by number; how many were new. Raises Conflict where another hash is kept for a number."""
    known = {row.number: row.hash for row in among(db, _of(chain), blocks.c.number, given)}
    for number, before in known.items():
        if before != given[number]:
            raise Conflict(
                f"block {chain}:{number} is stored as {before}, the new data says {given[number]!a}: rewind first"
            )
    return add(db, blocks, [{"chain": chain, "number": n, "hash": h} for n, h in given.items() if n not in known])


def newest(db: Connection, chain: str, limit: int) -> list[tuple[int, str]]:
    """The number and hash of so many blocks of a chain, the highest first."""
    rows = db.execute(_of(chain).order_by(blocks.c.number.desc()).limit(limit))
    return [(row.number, row.hash) for row in rows]


def rewind(db: Connection, at: datetime, source: str, *, chain: str, ancestor: int, reason: str) -> tuple[int, bool]:
    """Withdraw what a source read above a block, forget the blocks above it, and set its checkpoints back to it.

    How many transactions were withdrawn, and whether anything changed. `ancestor` -1: no block is left.
    """
    withdrawn = _withdraw(db, at, source, chain=chain, ancestor=ancestor, reason=reason)
    moved = _set_back(db, at, source, chain=chain, ancestor=ancestor)
    forgotten = db.execute(delete(blocks).where(blocks.c.chain == chain, blocks.c.number >= ancestor + 1)).rowcount
    return withdrawn, bool(withdrawn or moved or forgotten)


def _withdraw(db: Connection, at: datetime, source: str, *, chain: str, ancestor: int, reason: str) -> int:
    gone = (
        transactions.c.chain == chain,
        transactions.c.block >= ancestor + 1,
        transactions.c.page_id.in_(select(pages.c.id).where(pages.c.source == source)),
        transactions.c.withdrawn_at.is_(None),
    )
    numbers = select(transactions.c.id).where(*gone)
    moved = (transfers.c.transaction_id.in_(numbers), transfers.c.withdrawn_at.is_(None))
    db.execute(update(transfers).where(*moved).values(withdrawn_at=at))
    return db.execute(update(transactions).where(*gone).values(withdrawn_at=at, withdrawn_reason=reason)).rowcount


def _set_back(db: Connection, at: datetime, source: str, *, chain: str, ancestor: int) -> int:
    block = ancestor if ancestor >= 0 else None
    found = db.execute(_of(chain).where(blocks.c.number == block)).one_or_none()
    above = (
        coverage.c.source == source,
        coverage.c.block >= ancestor + 1,
        coverage.c.address_id.in_(select(addresses.c.id).where(addresses.c.chain == chain)),
    )
    back = {"cursor": str(ancestor + 1), "block": block, "block_hash": found.hash if found else None, "at": at}
    return db.execute(update(coverage).where(*above).values(back)).rowcount


@lru_cache(maxsize=100)
def _of(chain: str) -> Select[Any]:
    return select(blocks.c.number, blocks.c.hash).where(blocks.c.chain == chain)
