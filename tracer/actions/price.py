"""Ask what a case's arrivals were worth in US dollars when they arrived. Prices stand beside amounts, in no digest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tracer.actions.export import case_document
from tracer.exports.person import Assets
from tracer.exports.plain import Plain
from tracer.exports.usd import by_key, keys, valued
from tracer.model import FlagState
from tracer.store.store import Store

if TYPE_CHECKING:
    from tracer.sources.prices import Prices


def price(store: Store, source: Prices, case_name: str, actor: str) -> dict[str, Any]:
    """What the arrivals of the case's newest trace were worth, a flag an item; what is known already is not asked for.

    What a reply said is kept at once, so that a failure half-way loses none of it. Raises NotFound, SourceError.
    """
    document = case_document(store, case_name)
    flags = [flag for flag in document["flags"] if flag["state"] != FlagState.WITHDRAWN]
    wanted = {key for flag in flags for key in keys(flag)}
    missing, found = store.prices_to_ask(source.name, wanted), 0
    for said in source.read(missing):
        with store.pages() as work:
            work.add_prices(said)
        found += sum(one.usd is not None for one in said)
    if missing:
        with store.act(actor, "price", document["case"], source=source.name, asked=len(missing), found=found) as work:
            work.changed = True
    assets = {(one["chain"], one["asset"]): one for one in document["assets"]}
    items = [_item(flag, worth) for flag, worth in zip(flags, worths(store, flags, assets), strict=True)]
    return {"case": document["case"], "digest": document["digest"], "asked": len(missing), "flags": items}


def _item(flag: Plain, worth: Plain) -> dict[str, Any]:
    head = {name: flag[name] for name in ("id", "rule", "severity", "chain", "address", "entity")}
    return head | dict(worth)


def worths(store: Store, flags: Iterable[Plain], assets: Assets) -> list[dict[str, Any]]:
    """What each flag's arrivals were worth, by what was asked before; nobody is asked now."""
    flags = list(flags)
    kept = by_key(store.prices({asset for flag in flags for asset, _ in keys(flag)}))
    return [valued(flag, kept, assets) for flag in flags]
