"""What issuers froze, and how far each token's events were read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from tracer.model import Address, AssetId, Checkpoint, Freeze
from tracer.store.bulk import Interner, add, addresses_by_id, among, ids_or_all
from tracer.store.rows import FreezeHead
from tracer.store.tables import assets, freeze_heads, freezes

_SAME = (
    freezes.c.asset_id == bindparam("asset"),
    freezes.c.address_id == bindparam("who"),
    freezes.c.tx_hash == bindparam("tx"),
    freezes.c.state == bindparam("said"),
)
_KNOWN = select(freezes.c.id, freezes.c.withdrawn_at).where(*_SAME)
_STANDING = select(freezes, assets.c.chain, assets.c.contract).join(assets).where(freezes.c.withdrawn_at.is_(None))
_HEADS = select(freeze_heads, assets.c.chain, assets.c.contract).join(assets)


def add_freezes(db: Connection, intern: Interner, at: datetime, source: str, given: Iterable[Freeze]) -> int:
    """Keep events; how many were new. One that was withdrawn and is read again stands again, and counts."""
    given = list(dict.fromkeys(given))
    intern.learn_addresses(one.address for one in given)
    intern.learn_assets(one.asset for one in given)
    new, again = [], []
    for one in given:
        keys = {"asset": intern.asset(one.asset), "who": intern.address(one.address), "tx": one.tx_hash}
        known = db.execute(_KNOWN, {**keys, "said": one.state}).one_or_none()
        if known is None:
            new.append(_row(one, intern) | {"source": source, "recorded_at": at, "withdrawn_at": None})
        elif known.withdrawn_at is not None:
            again.append(known.id)
    add(db, freezes, new)
    for number in again:
        db.execute(update(freezes).where(freezes.c.id == number).values(withdrawn_at=None, recorded_at=at))
    return len(new) + len(again)


def _row(one: Freeze, intern: Interner) -> dict[str, object]:
    return {
        "asset_id": intern.asset(one.asset),
        "address_id": intern.address(one.address),
        "tx_hash": one.tx_hash,
        "state": one.state,
        "at": one.at,
        "block": one.block,
        "amount": one.amount,
    }


def set_head(db: Connection, intern: Interner, source: str, head: FreezeHead) -> None:
    """Keep how far a source read a token's events."""
    intern.learn_assets([head.asset])
    here = (freeze_heads.c.asset_id == intern.asset(head.asset), freeze_heads.c.source == source)
    reached = head.checkpoint
    row = {
        "cursor": reached.cursor,
        "block": reached.block,
        "block_hash": reached.block_hash,
        "since": head.since,
        "done": head.done,
        "at": head.at,
    }
    if not db.execute(update(freeze_heads).where(*here).values(row)).rowcount:
        add(db, freeze_heads, [{"asset_id": intern.asset(head.asset), "source": source, **row}])


def withdraw(db: Connection, intern: Interner, at: datetime, source: str, asset: AssetId) -> int:
    """The chain that a source read a token's events from is gone: withdraw them all, to be read anew; how many."""
    intern.learn_assets([asset])
    here = (freezes.c.asset_id == intern.asset(asset), freezes.c.source == source, freezes.c.withdrawn_at.is_(None))
    return db.execute(update(freezes).where(*here).values(withdrawn_at=at)).rowcount


def of_addresses(db: Connection, wanted: Collection[Address] | None) -> list[Freeze]:
    """The standing events of these addresses, or all, oldest first."""
    rows = list(among(db, _STANDING, freezes.c.address_id, ids_or_all(db, wanted)))
    places = addresses_by_id(db, {row.address_id for row in rows})
    found = (
        Freeze(
            places[row.address_id],
            AssetId(row.chain, row.contract),
            row.state,
            row.tx_hash,
            row.at,
            row.block,
            row.amount,
        )
        for row in rows
    )
    return sorted(found, key=lambda one: (one.at, one.block or 0, one.tx_hash, one.address, one.asset, one.state))


def heads(db: Connection, chain: str | None) -> list[FreezeHead]:
    """How far the tokens of a chain, or of all, were read, by token and source."""
    query = _HEADS if chain is None else _HEADS.where(assets.c.chain == chain)
    found = (
        FreezeHead(
            AssetId(row.chain, row.contract),
            row.source,
            Checkpoint(row.cursor, row.block, row.block_hash),
            row.since,
            row.done,
            row.at,
        )
        for row in db.execute(query)
    )
    return sorted(found, key=lambda one: (one.asset, one.source))
