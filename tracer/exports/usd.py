"""What a flag's arrivals were worth in US dollars, as far as prices are known. No part of a trace or its digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from tracer.exports.person import Assets, Plain, decimals_of, money, short, when
from tracer.exports.plain import moment
from tracer.model import AssetId, Price

Key = tuple[AssetId, datetime]  # an asset, and the hour in which it is priced
NOT_ASKED, NOT_KNOWN, NO_DECIMALS = "not asked", "no price known", "its decimals are not known"


def hour(at: datetime) -> datetime:
    """The full hour that a moment falls into, UTC: what prices are asked for."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def keys(flag: Plain) -> Iterator[Key]:
    """What has to be known to price a flag: for each arrival its asset and its hour."""
    for arrival in flag["arrivals"]:
        yield AssetId(arrival["chain"], arrival["asset"]), hour(datetime.fromisoformat(arrival["at"]))


def by_key(prices: Iterable[Price]) -> dict[Key, Price]:
    """Prices by what was asked for; a known one before one that is not."""
    found: dict[Key, Price] = {}
    for one in prices:
        key = one.asset, one.asked
        if key not in found or found[key].usd is None:
            found[key] = one
    return found


def valued(flag: Plain, prices: Mapping[Key, Price], assets: Assets) -> dict[str, Any]:
    """What a flag's arrivals were worth under the method of its paths: `usd` in all, and of each, by which price.

    Exact decimal text; `usd` is None where no price is known, `why` says why; `unpriced`: how many arrivals have none.
    """
    method = flag["paths"][0]["method"]
    rows = []
    for arrival, key in zip(flag["arrivals"], keys(flag), strict=True):
        amount = sum(int(one["amount"]) for one in arrival["amounts"] if one["method"] == method)
        if amount:
            head = {name: arrival[name] for name in ("chain", "tx_hash", "at", "asset")}
            rows.append({**head, "amount": str(amount), **_worth(amount, key, prices.get(key), assets)})
    known = [row["usd"] for row in rows if row["usd"] is not None]
    with localcontext(prec=200):
        total = _text(sum(map(Decimal, known), Decimal(0))) if known else None
    return {"method": method, "usd": total, "unpriced": len(rows) - len(known), "arrivals": rows}


def _worth(amount: int, key: Key, price: Price | None, assets: Assets) -> Plain:
    decimals = decimals_of(key[0], assets)
    if price is None or price.usd is None or decimals is None:
        why = NOT_ASKED if price is None else NOT_KNOWN if price.usd is None else NO_DECIMALS
        said = {"source": price.source if price else None}
        return {"usd": None, "why": why, "price": None, "price_at": None, "confidence": None, **said}
    with localcontext(prec=200):  # a uint256 times any price, exactly
        usd = Decimal(amount).scaleb(-decimals) * price.usd
    return {
        "usd": _text(usd),
        "why": None,
        "price": _text(price.usd),
        "price_at": moment(price.at),
        "confidence": None if price.confidence is None else _text(price.confidence),
        "source": price.source,
    }


def _text(value: Decimal) -> str:
    return f"{value:f}"


# --- in words ---------------------------------------------------------------------------------------------------------


def usd_line(worth: Plain) -> str:
    """In one line: about how much, at the prices of when, by whom; "" where nobody asked."""
    rows = worth["arrivals"]
    if all(row["why"] == NOT_ASKED for row in rows):
        return ""
    if worth["usd"] is None:
        return NOT_KNOWN
    priced = [row for row in rows if row["usd"] is not None]
    first, *_, last = sorted([row["price_at"] for row in priced] * 2)
    span = when(first) if first == last else f"prices of {when(first)} to {when(last)}"
    sources = ", ".join(sorted({row["source"] for row in priced}))
    rest = f"; {worth['unpriced']} of {len(rows)} arrivals without a known price" if worth["unpriced"] else ""
    return f"about {dollars(worth['usd'])} at {span} by {sources}, under {worth['method']}{rest}"


def arrival_lines(worth: Plain, assets: Assets) -> Iterator[str]:
    """Each arrival with its price, when that was, who says so, and how sure they are."""
    for row in worth["arrivals"]:
        amount = money(row["amount"], (row["chain"], row["asset"]), assets)
        said = row["why"]
        if row["usd"] is not None:
            sure = f", confidence {row['confidence']}" if row["confidence"] is not None else ""
            unit = f"{row['price']} USD each at {when(row['price_at'])} by {row['source']}{sure}"
            said = f"about {dollars(row['usd'])}: {unit}"
        yield f"    {when(row['at'])}  {amount}  {said}  tx {short(row['tx_hash'])}"


def dollars(usd: str) -> str:
    """An amount of dollars, rounded: to whole ones from a hundred on, else to cents."""
    with localcontext(prec=200):
        value = Decimal(usd)
        return f"{value:,.0f} USD" if value >= 100 else f"{value:,.2f} USD"
