"""A case and its flags the way a person wants to read them: plain lines, decimals only here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from tracer.chains import CHAINS, listed
from tracer.exports.plain import from_chain, unread
from tracer.model import NATIVE, AssetId
from tracer.taint.methods import METHODS

REPORTS = 10  # named of each flag; the others are in --json
LEAVES = {"coinjoin": "into a CoinJoin", "unaddressed": "to a script without an address"}
UNREAD = 5  # how many unread addresses are named to a person

Plain = Mapping[str, Any]
Assets = Mapping[tuple[str, str], Plain]


def assets_of(document: Plain) -> Assets:
    """The document's assets by chain and contract."""
    return {(one["chain"], one["asset"]): one for one in document["assets"]}


def money(base_units: str | int, asset: tuple[str, str], assets: Assets) -> str:
    """An amount with its decimals and symbol; base units and the contract where decimals are not known."""
    decimals = decimals_of(asset, assets)
    if decimals is None:
        return f"{int(base_units):,} base units of {symbol(asset, assets)}"
    with localcontext(prec=100):
        value = Decimal(int(base_units)).scaleb(-decimals)
        digits = f"{value:,f}"
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    return f"{whole}{'.' + part if part else ''} {symbol(asset, assets)}"


def decimals_of(asset: tuple[str, str], assets: Assets) -> int | None:
    """How many digits of an asset stand behind the point; None if nobody said."""
    known, verified = assets.get(asset), listed(AssetId(*asset))
    decimals: int | None = known["decimals"] if known else (verified.decimals if verified else None)
    return decimals


def symbol(asset: tuple[str, str], assets: Assets) -> str:
    """An asset's symbol: a listed one's by the list; its contract, shortened, where none is known."""
    known, verified = assets.get(asset), listed(AssetId(*asset))
    return verified.symbol if verified else (known["symbol"] if known else None) or short(asset[1])


def short(text: str) -> str:
    """The start and end of an address or hash; the whole is in --json and in the exports."""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-6:]}"


def when(moment: str) -> str:
    """A moment to the minute, UTC."""
    return f"{moment[:10]} {moment[11:16]}"


def flag_lines(flag: Plain, assets: Assets, *, paths: int = 1, usd: str = "") -> Iterator[str]:
    """One flag: what, where, when, why; every method's amount and what it assumes; whose it is, by which paths.

    `usd`: what it was worth, in words (see usd.py); "" where nobody asked.
    """
    alias = CHAINS[flag["chain"]].alias if flag["chain"] in CHAINS else flag["chain"]
    category = f" ({flag['label']['category']})" if flag["label"] else ""
    yield f"{flag['severity'].upper():7} {flag['rule']}   {flag['entity'] or 'unnamed'}{category}"
    yield f"  at      {alias}:{flag['address']}"
    if "id" in flag:
        yield f"  flag    {flag['id']}   version {flag['version']}, {flag['state']}"
    count = len(flag["arrivals"])
    hops = f"{flag['hops']} hop{'s' if flag['hops'] != 1 else ''} from the nearest origin"
    span = f"{when(flag['first_at'])} to {when(flag['last_at'])}" if count > 1 else when(flag["first_at"])
    yield f"  when    {span} UTC, {count} arrival{'s' if count != 1 else ''}, {hops}"
    yield f"  why     {flag['message']}"
    if shown := len(flag.get("evidence", ())):  # a flag that an older version kept has none
        yield f"  shown   by {shown} transfers: --json names them"
    for label, amounts in sums(flag, assets):
        yield f"  {label:7} {amounts}"
    if usd:
        yield f"  worth   {usd}"
    yield from report_lines(flag, assets)
    for number, path in enumerate(flag["paths"][:paths], 1):
        yield from path_lines(path, assets)
        last = number == len(flag["paths"]) or _ending(flag["paths"][number]) != _ending(path)
        if last and int(path["spread"]):
            yield f"  spread  {_of_origin(path, 'spread', assets)} more came with it, spread over smaller paths"
    if len(flag["paths"]) > paths:
        more = len(flag["paths"]) - paths
        yield f"  and     {more} more path(s), the largest of each arrival and origin: --paths N, or --json"


def sums(flag: Plain, assets: Assets) -> Iterator[tuple[str, str]]:
    """Per asset: each method's amount over all origins."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in flag["amounts"]:
        totals[one["asset"]][one["method"]] += int(one["amount"])
    for asset, by_method in sorted(totals.items()):
        for method, amount in by_method.items():
            yield "tainted", f"{money(amount, (flag['chain'], asset), assets):>28}   {method:12} {METHODS[method].says}"


def report_lines(flag: Plain, assets: Assets) -> Iterator[str]:
    """Whose money came, report by report, out of all that came with it, under the method of the flag's paths."""
    method = flag["paths"][0]["method"]
    came: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    shared: set[tuple[str, ...]] = set()
    for arrival in flag["arrivals"]:
        mine = [one for one in arrival["amounts"] if one["method"] == method and int(one["amount"])]
        for name in {name for one in mine for name in _names(one)}:
            sums = came[(name, arrival["asset"])]
            sums[0] += sum(int(one["amount"]) for one in mine if name in _names(one))
            sums[1] += int(arrival["whole"])
            sums[2] += 1
        shared |= {tuple(one["report_ids"]) for one in mine if len(one["report_ids"]) > 1}
    for (name, asset), (amount, whole, count) in sorted(came.items())[:REPORTS]:
        yield f"  whose   {share(amount, whole, count, (flag['chain'], asset), assets)} from {name}, under {method}"
    if len(came) > REPORTS:
        yield f"  and     {len(came) - REPORTS} more report(s): --json"
    for names in sorted(shared):
        yield f"          {' and '.join(names)} report the same money: it is counted once and listed under each"


def share(amount: str | int, whole: str | int, count: int, asset: tuple[str, str], assets: Assets) -> str:
    """How much of all that arrived, in `count` transactions, came from somebody."""
    times = f" in {count} transactions" if count > 1 else ""
    came = "comes" if int(amount) == 1 else "come"
    return f"{money(amount, asset, assets)} of the {money(whole, asset, assets)} that arrived{times} {came}"


def _names(one: Plain) -> list[str]:
    return [f"report {name}" for name in one["report_ids"]] or [origin_name(one["origin"])]


def _ending(path: Plain) -> tuple[str, str, str]:
    last = path["hops"][-1]
    return (path["origin"], last["tx_hash"], last["received_asset"])


def _of_origin(path: Plain, what: str, assets: Assets) -> str:
    """An amount in the asset of the path's origin, which the origin's id names: payments on bitcoin are of the coin."""
    kind, *words = path["origin"].split(":")
    asset = words[-1] if kind == "address" else (words[4] if len(words) > 5 else NATIVE)
    return money(path[what], (f"{words[0]}:{words[1]}", asset), assets)


def path_lines(path: Plain, assets: Assets) -> Iterator[str]:
    """The hops of a path, oldest first: what of the origin's money each moved, and what of it came by all of them."""
    exactly = "at most " if path["method"] == "haircut" else ""
    carried = f"{exactly}{_of_origin(path, 'carried', assets)} of it came" if int(path["carried"]) else "it came"
    yield f"  path    under {path['method']}, of {origin_name(path['origin'])}: {carried} by these transactions"
    for number, hop in enumerate(path["hops"], 1):
        carried = money(hop["amount"], (from_chain(hop), hop["asset"]), assets)
        if hop["by"] not in ("payment", *LEAVES):
            received = money(hop["received"], (hop["chain"], hop["received_asset"]), assets)
            carried = f"{carried} became {received} ({_changed(hop)})"
        via = f" via {', '.join(short(address) for address in hop['via'])}" if hop["via"] else ""
        goes = LEAVES.get(hop["by"]) or f"-> {short(hop['recipient'])}{via}"
        ends = f"{short(hop['sender'])} {goes}"
        yield f"    {number:>2}. {when(hop['at'])}  {ends}  {carried}"
        yield f"        tx {hop['tx_hash']}"


def _changed(hop: Plain) -> str:
    """How money became other money: over a bridge, or by an exchange."""
    if from_chain(hop) == hop["chain"]:
        return str(hop["by"]).replace("_", "-")
    return " to ".join(CHAINS[chain].alias for chain in (from_chain(hop), hop["chain"]))


def origin_name(origin: str) -> str:
    """An origin in words."""
    kind, _, rest = origin.partition(":")
    if kind == "payment":
        chain, reference, tx_hash = rest.split(":")[:3]
        return f"the payment reported in {short(tx_hash)}" if chain and reference else origin
    return f"the reported address {rest.rpartition(':')[0]}"


def case_lines(document: Plain, methods: Collection[str]) -> Iterator[str]:
    """A case in a few lines: what was read, what stopped it, where its money is under these methods."""
    assets = assets_of(document)
    roles: dict[str, int] = defaultdict(int)
    for one in document["addresses"]:
        roles[one["role"]] += 1
    yield f"case      {document['case']}"
    yield f"origins   {len(document['origins'])}"
    for one in document.get("quarantined", ()):
        yield f"held      report {one['report_id']} on {one['chain']}:{one['address']} taints nothing: {one['reason']}"
    yield f"addresses {len(document['addresses'])}: {', '.join(f'{n} {role}' for role, n in sorted(roles.items()))}"
    yield f"read      {len(document['transactions'])} transactions; stopped by: {', '.join(document['stopped']['by'])}"
    yield from unread_lines(document)
    if document["gaps"]:
        things = f"{len(document['gaps'])} thing{'s' if len(document['gaps']) != 1 else ''}"
        yield f"gaps      {things} not known that could matter: see `gaps` in the export"
    yield f"digest    {document['digest']}"
    yield from ledger_lines(document, assets, methods)
    if document["ledger"]:
        yield "          each in the asset in which it was reported, whatever it was exchanged for on its way"


def unread_lines(document: Plain) -> Iterator[str]:
    """What was left unread, the worthiest by name: the share of all that was originated in an asset, how far away."""
    left = unread(document)
    if left:
        yield f"unread    {len(left)} tainted address{'es' if len(left) != 1 else ''}, the worthiest first"
    for one in left[:UNREAD]:
        alias = CHAINS[one["chain"]].alias if one["chain"] in CHAINS else one["chain"]
        hops = f"{one['hops']} hop{'s' if one['hops'] != 1 else ''} away"
        yield f"          {Decimal(one['worth']):.6f}  {alias}:{one['address']}, {hops}, {one['coverage']}"
    if len(left) > UNREAD:
        yield f"          and {len(left) - UNREAD} more: `tracer case show {document['case']} --json` has them all"


def ledger_lines(document: Plain, assets: Assets, methods: Collection[str]) -> Iterator[str]:
    """Where the originated money is, per asset, under these methods; every line adds up."""
    kinds = {origin["id"]: (origin["chain"], origin["asset"]) for origin in document["origins"]}
    books: dict[tuple[str, str], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for row in document["ledger"]:
        for account, amount in row.items():
            if account not in ("origin", "method"):
                books[kinds[row["origin"]]][row["method"]][account] += int(amount)
    for asset, by_method in sorted(books.items()):
        for method, accounts in by_method.items():
            if method not in methods:
                continue
            yield f"ledger    {method:12} {_accounts(accounts, asset, assets)}"


def _accounts(accounts: Mapping[str, int], asset: tuple[str, str], assets: Assets) -> str:
    whole = money(accounts["originated"], asset, assets)
    rest = [f"{name} {money(amount, asset, assets)}" for name, amount in accounts.items() if amount]
    return f"{whole} = {' + '.join(part for part in rest if not part.startswith('originated'))}"


def plain_text(lines: Iterable[str]) -> str:
    """Lines with nothing in them that a terminal would obey."""
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)
