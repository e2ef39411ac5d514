"""The blocks that were read from, and what is done when the chain drops some: withdraw and go back, delete nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, case, delete, select, update

from tracer.errors import Conflict
from tracer.store.bulk import add, among
from tracer.store.tables import addresses, blocks, coverage, heads, pages, transactions, transfers


def add_blocks(db: Connection, chain: str, source: str, given: Mapping[int, str]) -> int:
    """Keep blocks by number; how many were new. Raises Conflict where the source gave another hash before."""
    known = {row.number: row.hash for row in among(db, _of(chain, source), blocks.c.number, given)}
    for number, before in known.items():
        if before != given[number]:
            raise Conflict(
                f"block {chain}:{number} is stored as {before}, the new data says {given[number]!a}: rewind first"
            )
    head = {"chain": chain, "source": source}
    return add(db, blocks, [{**head, "number": n, "hash": h} for n, h in given.items() if n not in known])


def newest(db: Connection, chain: str, source: str, limit: int, upto: int | None = None) -> list[tuple[int, str]]:
    """The number and hash of so many blocks that a source gave, the highest first; `upto`: none above it."""
    query = _of(chain, source).order_by(blocks.c.number.desc()).limit(limit)
    rows = db.execute(query if upto is None else query.where(blocks.c.number <= upto))
    return [(row.number, row.hash) for row in rows]


def by_source(db: Connection, chain: str, numbers: Collection[int]) -> list[tuple[str, int, str]]:
    """Which source gave which hash to each of these blocks, by source and number."""
    query = select(blocks.c.source, blocks.c.number, blocks.c.hash).where(blocks.c.chain == chain)
    return sorted((row.source, row.number, row.hash) for row in among(db, query, blocks.c.number, numbers))


def sources(db: Connection, chain: str) -> list[str]:
    """Who gave blocks of a chain."""
    return sorted(db.execute(select(blocks.c.source).where(blocks.c.chain == chain).distinct()).scalars())


def rewind(db: Connection, at: datetime, source: str, *, chain: str, ancestor: int, reason: str) -> tuple[int, bool]:
    """Withdraw what a source read above a block, forget its blocks above it, and set all checkpoints back to it.

    How many transactions were withdrawn, and whether anything changed. `ancestor` -1: no block is left. Other sources'
    checkpoints go back, too, so that whoever is asked next gives what was withdrawn again.
    """
    withdrawn = _withdraw(db, at, source, chain=chain, ancestor=ancestor, reason=reason)
    moved = _set_back(db, at, source, chain=chain, ancestor=ancestor)
    above = (blocks.c.chain == chain, blocks.c.source == source, blocks.c.number >= ancestor + 1)
    forgotten = db.execute(delete(blocks).where(*above)).rowcount
    below = update(heads).where(heads.c.chain == chain, heads.c.source == source, heads.c.read >= ancestor + 1)
    db.execute(below.values(read=max(ancestor, 0)))
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
    found = db.execute(_of(chain, source).where(blocks.c.number == block)).one_or_none()
    live = select(blocks.c.source).where(blocks.c.chain == chain)
    above = (
        (coverage.c.source == source) | coverage.c.source.in_(live),
        coverage.c.block >= ancestor + 1,
        coverage.c.address_id.in_(select(addresses.c.id).where(addresses.c.chain == chain)),
    )
    own = case((coverage.c.source == source, found.hash if found else None), else_=None)  # of that block it said so
    back = {"cursor": str(ancestor + 1), "block": block, "block_hash": own, "at": at}
    return db.execute(update(coverage).where(*above).values(back)).rowcount


@lru_cache(maxsize=100)
def _of(chain: str, source: str) -> Select[Any]:
    return select(blocks.c.number, blocks.c.hash).where(blocks.c.chain == chain, blocks.c.source == source)
