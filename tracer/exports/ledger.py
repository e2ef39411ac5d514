"""Ledgers told: of one address line by line (`tracer.ledger/1`, and as a person reads it), of all as CSV totals."""

from __future__ import annotations

import csv as comma
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracer.exports.accounts import IN, OUT
from tracer.exports.person import assets_of, money, origin_name, short, symbol, when
from tracer.exports.plain import Plain, moment, place
from tracer.exports.table import safe
from tracer.model import AssetId
from tracer.taint.ledger import Entry, Ledger, Line
from tracer.taint.methods import METHODS

# --- one address ------------------------------------------------------------------------------------------------------


def told(ledger: Ledger, assets: Iterable[AssetId]) -> Plain:
    """A ledger as plain JSON, amounts in base units: for each of these assets its lines in order and its totals."""
    return {
        **place(ledger.address),
        "method": ledger.method,
        "assets": [_asset(asset, [line for line in ledger.lines if line.asset == asset]) for asset in assets],
    }


def tainted(ledger: Ledger) -> list[AssetId]:
    """The assets in which money of an origin came or went there."""
    return sorted({line.asset for line in ledger.lines if any(origin is not None for origin in line.of())})


def _asset(asset: AssetId, lines: list[Line]) -> Plain:
    came = [line for line in lines if line.entry in (Entry.IN, Entry.UNSEEN, Entry.ENDED)]
    sums = {entry: sum(line.amount for line in lines if line.entry is entry) for entry in Entry}
    held = lines[-1].held if lines else 0
    return {
        "asset": asset.contract,
        "lines": [_line(line) for line in lines],
        "in": _by_origin(came),
        "clean": str(_without_origin(came, Entry.IN)),
        "unseen": str(_without_origin(came, Entry.UNSEEN)),
        "out": _by_origin(line for line in lines if line.entry is Entry.OUT),
        "out_clean": str(_without_origin(lines, Entry.OUT)),
        "balance": {
            "in": str(sum(line.amount for line in came)),
            "out": str(sums[Entry.OUT]),
            "held": str(held),
            "fees": str(sums[Entry.FEE]),
            "ended": str(sums[Entry.ENDED]),
        },
    }


def _line(line: Line) -> Plain:
    clean = line.of().get(None, 0)
    return {
        "at": moment(line.transaction.at),
        "block": line.transaction.block,
        "tx_hash": line.transaction.tx_hash,
        "entry": str(line.entry),
        "by": line.by,
        "with": [address.text for address in line.others],
        "amount": str(line.amount),
        "of": _by_origin([line]),
        "clean": str(0 if line.entry is Entry.UNSEEN else clean),
        "unseen": str(clean if line.entry is Entry.UNSEEN else 0),
        "held": str(line.held),
    }


def _by_origin(lines: Iterable[Line]) -> list[Plain]:
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        for origin, amount in line.of().items():
            if origin is not None:
                sums[origin] += amount
    return [{"origin": origin, "amount": str(amount)} for origin, amount in sorted(sums.items())]


def _without_origin(lines: Iterable[Line], entry: Entry) -> int:
    return sum(line.of().get(None, 0) for line in lines if line.entry is entry)


# --- as a person reads it ---------------------------------------------------------------------------------------------


def ledger_text(made: Plain, document: Plain) -> Iterator[str]:
    """A ledger's lines for a terminal: decimals only here."""
    known = assets_of(document)
    yield f"ledger    of {made['chain']}:{made['address']}, times in UTC"
    yield f"case      {made['case']}, under {made['method']}: {METHODS[made['method']].says}"
    yield f"digest    {made['digest']}"
    for part in made["assets"]:
        asset = (made["chain"], part["asset"])
        yield ""
        yield f"asset     {symbol(asset, known)} {part['asset']}"
        for line in part["lines"]:
            yield from _entry(line, asset, known)
        yield from _totals(part, asset, known)


def _entry(line: Plain, asset: tuple[str, str], known: Mapping[Any, Any]) -> Iterator[str]:
    amount, held = money(line["amount"], asset, known), money(line["held"], asset, known)
    yield f"{when(line['at'])}  {line['entry']:6} {amount:>24}   held {held:>24}   {_with(line)}".rstrip()
    yield f"    tx {line['tx_hash']}"
    for one in line["of"]:
        yield f"    {money(one['amount'], asset, known):>32}  of {origin_name(one['origin'])}"
    for name in ("clean", "unseen"):
        if line[name] != "0":
            yield f"    {money(line[name], asset, known):>32}  {name}"


def _with(line: Plain) -> str:
    if line["by"] in ("exchange", "inferred_exchange"):
        return str(line["by"]).replace("_", "-")
    way = {"in": "from ", "ended": "from ", "out": "to "}.get(line["entry"], "")
    ends = ", ".join(map(short, line["with"]))
    return f"{way}{ends}{' (handed on)' if line['by'] == 'hand_on' else ''}" if ends else ""


def _totals(part: Plain, asset: tuple[str, str], known: Mapping[Any, Any]) -> Iterator[str]:
    rows = [("in", one["amount"], f"of {origin_name(one['origin'])}") for one in part["in"]]
    rows += [("in", part[name], name) for name in ("clean", "unseen")]
    rows += [("out", one["amount"], f"of {origin_name(one['origin'])}") for one in part["out"]]
    rows += [("out", part["out_clean"], "clean")]
    for way, amount, whose in rows:
        if amount != "0":
            yield f"{way:9} {money(amount, asset, known):>24}  {whose}"
    sums = {name: money(amount, asset, known) for name, amount in part["balance"].items()}
    rest = f"out {sums['out']} + held {sums['held']} + fees {sums['fees']} + ended here {sums['ended']}"
    yield f"balance   in {sums['in']} = {rest}"


# --- all addresses ----------------------------------------------------------------------------------------------------

HEAD = ("chain", "address", "role", "asset", "symbol", "decimals", "method", *IN, *OUT)


def ledger_csv(document: Mapping[str, Any]) -> bytes:
    """The totals of every address, asset and method, in base units: tainted + clean + unseen = the other four."""
    known = assets_of(document)
    out = io.StringIO(newline="")
    writer = comma.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for one in document["addresses"]:
        for row in one["ledger"]:
            asset = known.get((one["chain"], row["asset"]), {})
            head = (one["chain"], one["address"], one["role"], row["asset"], asset.get("symbol"), asset.get("decimals"))
            writer.writerow([safe(cell) for cell in (*head, row["method"], *(row[name] for name in (*IN, *OUT)))])
    return out.getvalue().encode()
