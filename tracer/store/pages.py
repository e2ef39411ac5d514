"""Raw pages, described assets, and how far each address was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, select, update

from tracer.chains import is_listed, mimics
from tracer.errors import NotFound
from tracer.model import Address, Asset, AssetId, Checkpoint, Coverage
from tracer.store.bulk import Interner, add, addresses_by_id, among, asset_ids, ids_or_all
from tracer.store.rows import Page, Read
from tracer.store.tables import (
    addresses,
    assets,
    coverage,
    disagreements,
    facts,
    heads,
    labels,
    pages,
    quarantine,
    transactions,
    transfers,
)
from tracer.store.types import clean

# --- pages ------------------------------------------------------------------------------------------------------------

_SAME = select(pages.c.id).where(
    pages.c.source == bindparam("source"),
    pages.c.sequence == bindparam("sequence"),
    pages.c.sha256 == bindparam("sha256"),
)
_NEW = insert(pages).returning(pages.c.id)


def add_page(
    db: Connection, at: datetime, raw: bytes, *, source: str, name: str, sequence: int, kind: str
) -> tuple[int, bool]:
    """The page's number, and whether it is new: the same content at the same place of a source is one page."""
    place = {"source": source, "sequence": sequence, "sha256": sha256(raw).hexdigest()}
    known = db.execute(_SAME, place).scalar_one_or_none()
    if known is not None:
        return known, False
    row = {**place, "name": name, "kind": kind, "recorded_at": at, "size": len(raw), "raw": raw}
    return db.execute(_NEW, row).scalar_one(), True


def page(db: Connection, page_id: int) -> Page:
    """A page with its raw content. Raises NotFound."""
    row = db.execute(select(pages).where(pages.c.id == page_id)).one_or_none()
    if row is None:
        raise NotFound(f"no page {page_id}")
    return Page(**row._mapping)


def page_ids(db: Connection, source: str | None, name: str | None, kind: str | None) -> list[int]:
    """The numbers of all pages, or of one source's, of that name, of that kind, oldest first."""
    query = select(pages.c.id)
    for column, wanted in ((pages.c.source, source), (pages.c.name, name), (pages.c.kind, kind)):
        if wanted is not None:
            query = query.where(column == wanted)
    return sorted(db.execute(query).scalars())


# --- assets -----------------------------------------------------------------------------------------------------------

_ASSETS = select(assets)


def add_assets(db: Connection, intern: Interner, given: Iterable[Asset]) -> int:
    """Describe assets: how many were new or got something that was unknown. What is known already stays."""
    wanted = {asset.id: asset for asset in given}
    new = intern.learn_assets(wanted)
    changed = 0
    for before in _described(db, [intern.asset(one) for one in wanted]):
        after = _describe(before, wanted[before.id])
        if after != before:
            known = {"symbol": after.symbol, "decimals": after.decimals, "on_chain": after.on_chain}
            db.execute(update(assets).where(assets.c.id == intern.asset(after.id)).values(known))
        changed += after != before or after.id in new
    return changed


def _describe(before: Asset, given: Asset) -> Asset:
    """What both say, whichever came first: of two symbols the one that mimics a listed token, else by text."""
    blank = not before.symbol and before.decimals is None
    return Asset(
        before.id,
        min(
            filter(None, (before.symbol, clean(given.symbol))), key=lambda s: (not mimics(before.id, s), s), default=""
        ),
        given.decimals if before.decimals is None else before.decimals,
        before.listed,
        given.on_chain if blank else before.on_chain,
    )


def described(db: Connection, ids: Collection[AssetId] | None) -> list[Asset]:
    """These assets, or all, by id. `listed` is what the chain's list says today, not what was given."""
    return _described(db, None if ids is None else asset_ids(db, ids).values())


def _described(db: Connection, numbers: Collection[int | None] | None) -> list[Asset]:
    rows = among(db, _ASSETS, assets.c.id, numbers)
    found = ((AssetId(row.chain, row.contract), row) for row in rows)
    made = (Asset(key, row.symbol, row.decimals, is_listed(key), row.on_chain) for key, row in found)
    return sorted(made, key=lambda asset: asset.id)


# --- coverage ---------------------------------------------------------------------------------------------------------

_HERE = and_(coverage.c.address_id == bindparam("where"), coverage.c.source == bindparam("by"))
_COVERAGE = select(coverage).where(_HERE)
_FURTHER = update(coverage).where(_HERE)


def set_coverage(db: Connection, intern: Interner, now: Read) -> bool:
    """Keep how far an address was read from a source; whether that is news (the time alone is none)."""
    intern.learn_addresses([now.address])
    here = {"where": intern.address(now.address), "by": now.source}
    before = db.execute(_COVERAGE, here).one_or_none()
    if before is not None and _same(before, now):
        return False
    row = {
        "state": now.coverage.state,
        "reason": now.coverage.reason,
        "cursor": now.checkpoint.cursor,
        "block": now.checkpoint.block,
        "block_hash": now.checkpoint.block_hash,
        "at": now.at,
    }
    if before is None:
        add(db, coverage, [{"address_id": intern.address(now.address), "source": now.source, **row}])
    else:
        db.execute(_FURTHER, {**here, **row})
    return True


def _same(before: Row[Any], now: Read) -> bool:
    given = Coverage(now.coverage.state, clean(now.coverage.reason))
    said = Coverage(before.state, before.reason), Checkpoint(before.cursor, before.block, before.block_hash)
    return said == (given, now.checkpoint)


def read(db: Connection, wanted: Collection[Address] | None) -> list[Read]:
    """What each source has said about these addresses, or all, by address and source."""
    rows = list(among(db, select(coverage), coverage.c.address_id, ids_or_all(db, wanted)))
    places = addresses_by_id(db, {row.address_id for row in rows})
    found = (
        Read(
            places[row.address_id],
            row.source,
            Coverage(row.state, row.reason),
            Checkpoint(row.cursor, row.block, row.block_hash),
            row.at,
        )
        for row in rows
    )
    return sorted(found, key=lambda item: (item.address, item.source))


def checkpoints(db: Connection, source: str, chain: str) -> dict[Address, Checkpoint]:
    """How far a source was read for each address of a chain, by address."""
    query = (
        select(addresses.c.text, coverage.c.cursor, coverage.c.block, coverage.c.block_hash)
        .join(addresses, addresses.c.id == coverage.c.address_id)
        .where(coverage.c.source == source, addresses.c.chain == chain)
    )
    return {
        Address(chain, text): Checkpoint(*rest) for text, *rest in sorted(db.execute(query), key=lambda row: row.text)
    }


# --- what a trace reads -----------------------------------------------------------------------------------------------


def inputs_version(db: Connection) -> str:
    """A text that changes whenever something a trace reads was added, withdrawn or read further."""
    questions = [
        select(func.count(transactions.c.id), func.count(transactions.c.withdrawn_at), func.sum(transactions.c.block)),
        select(func.count(transactions.c.id)).where(transactions.c.whole),
        select(func.count(transfers.c.key), func.count(transfers.c.withdrawn_at)),
        select(func.count(labels.c.id), func.count(labels.c.withdrawn_at)),
        select(func.count(facts.c.id), func.count(facts.c.withdrawn_at)),
        select(func.count(quarantine.c.id)),
        select(func.count(coverage.c.address_id)),
        select(func.count(coverage.c.address_id)).where(coverage.c.state == "complete"),
        select(func.sum(heads.c.final)).where(heads.c.read > heads.c.final),  # what was not final may be now
        select(func.count(disagreements.c.claim)),
    ]
    return " ".join(str(value) for question in questions for value in db.execute(question).one())
