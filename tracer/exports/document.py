"""The canonical case document (`tracer.case/1`) and its digest.

It holds every transfer of every transaction that was read, so that the file alone can be folded again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from tracer.exports import plain
from tracer.exports.accounts import accounts
from tracer.exports.plain import Plain
from tracer.model import (
    ENGINE,
    Address,
    Asset,
    AssetId,
    Coverage,
    Crossing,
    Entity,
    Finding,
    FlagState,
    Gap,
    Limits,
    Role,
)
from tracer.taint.books import Book
from tracer.taint.entries import LEAVES, EndKind
from tracer.taint.exposure import Exposure
from tracer.taint.flow import Result
from tracer.taint.methods import METHODS, POISON

SCHEMA = "tracer.case/1"
INPUTS = (
    *("engine", "methods", "limits", "policy", "reported", "read"),
    *("assets", "labels", "entities", "facts", "transactions", "transfers", "crossings"),
)
RESULTS = ("origins", "gaps", "addresses", "exposures", "ledger", "hops", "flags")
BY_ROW = frozenset(
    {"reported", "assets", "labels", "entities", "facts", "crossings"}
)  # a digest a row, so that one can be named
BY_KEY = frozenset({"limits", "policy"})
REVIEWED = ("id", "version", "state", "reason")  # what an exported flag has beside what the rule found


@dataclass(frozen=True, slots=True)
class Told:
    """Everything a trace found, before it is written down. `names`: the texts by which labels named the entities."""

    case: str
    method: str
    limits: Limits
    policy: Mapping[str, Any]
    result: Result
    dropped: Mapping[str, str]
    read_order: Sequence[Address]
    coverage: Mapping[Address, Coverage]
    assets: Sequence[Asset]
    entities: Sequence[Entity]
    names: Mapping[str, str]  # label's text -> entity's id
    exposures: Sequence[Exposure]
    findings: Sequence[Finding]
    stopped: Plain
    crossings: Sequence[Crossing] = ()
    gaps: Sequence[Gap] = ()  # beside those of the result
    unconfirmed: frozenset[str] = frozenset()  # transactions that count though their block is not final


def document(told: Told) -> Plain:
    """The canonical JSON of a case, sorted, with its digest."""
    result = told.result
    transactions = sorted(result.flow.transactions.values(), key=lambda one: one.order)
    made: Plain = {
        "schema": SCHEMA,
        "case": told.case,
        "method": told.method,
        "quarantined": [],  # reports that wait for a person: the trace that held them back says which
        "reported": sorted((plain.reported(one) for one in result.flow.specs), key=canonical),
        "read": [plain.place(address) for address in told.read_order],
        "origins": _origins(told),
        "limits": settings(told.limits),
        "policy": policy(told.policy),
        "engine": ENGINE,
        "methods": list(METHODS),
        "as_of": _as_of(told),
        "stopped": told.stopped,
        "gaps": sorted((plain.gap(one) for one in (*result.gaps, *told.gaps)), key=canonical),
        "addresses": _addresses(told),
        "transactions": [plain.transaction(one) for one in transactions],
        "assets": [plain.asset(one) for one in sorted(told.assets, key=lambda asset: asset.id)],
        "transfers": [
            plain.transfer(one, transaction, told.dropped.get(one.id))
            for transaction in transactions
            for one in sorted(transaction.transfers, key=lambda transfer: transfer.id)
        ],
        "crossings": sorted((plain.crossing(one) for one in told.crossings), key=canonical),
        "labels": [plain.label(one) for one in result.flow.labels.all()],
        "entities": [plain.entity(one, told.names) for one in told.entities],
        "facts": [plain.fact(one, entity) for entity in told.entities for one in entity.facts],
        "exposures": [_exposure(one) for one in told.exposures],
        "ledger": _ledger(result),
        "hops": _hops(result.books),
        "flags": [_flag(one, told.unconfirmed) for one in told.findings],
    }
    made["digest"], made["digests"] = digests(made)
    return made


def digest(made: Mapping[str, Any]) -> str:
    """sha256 of the RFC 8785 form of inputs and results: the same inputs give the same digest, on either store.

    It can be worked out from an exported document too. Left out: the case's name and headline method with its paths,
    what stopped the reading, its order and worth, coverage, heads, URLs, and what people made of the flags.
    """
    return digests(made)[0]


def digests(made: Mapping[str, Any]) -> tuple[str, Plain]:
    """The digest, and what it is made of: each member's own, of some a shorter one for each key or row.

    They are no part of the digest: they are there to name what was altered (exports/recheck.py).
    """
    whole, parts = sha256(), Plain()
    for number, name in enumerate(sorted((*INPUTS, *RESULTS))):
        shown = view(made, name)
        form = canonical(shown)
        whole.update(f'{"," if number else "{"}"{name}":'.encode() + form)
        if name in BY_KEY:
            parts[name] = {key: row_digest(value) for key, value in shown.items()}
        elif name in BY_ROW:
            parts[name] = sorted(map(row_digest, shown))
        else:
            parts[name] = f"sha256:{sha256(form).hexdigest()}"
    whole.update(b"}")
    return f"sha256:{whole.hexdigest()}", parts


def row_digest(row: Any) -> str:
    """Enough to tell a row from all others."""
    return sha256(canonical(row)).hexdigest()[:16]


LEFT_OUT = {  # what of each row the digest does not look at
    "transfers": ("index",),
    "labels": ("source",),
    "facts": ("id", "source_url", "entity_name", "note", "source_kind", "date_basis"),
    "addresses": ("worth", "read_order", "coverage", "labels"),
    "flags": ("message", "facts", "label", "paths", *REVIEWED),
}


def view(made: Mapping[str, Any], name: str) -> Any:
    """A member of the document as the digest looks at it."""
    shown = made[name]
    if name == "flags":
        shown = [flag for flag in shown if flag.get("state") != FlagState.WITHDRAWN]
    if name == "read":
        shown = sorted(shown, key=canonical)
    return _without(shown, *LEFT_OUT[name]) if name in LEFT_OUT else shown


def canonical(made: Any) -> bytes:
    """The document as bytes: RFC 8785, so that equal documents are equal files.

    The standard library writes that form ten times faster than a library for it does, as long as names are ASCII and
    there is no float; a test holds the two equal.
    """
    compact = (",", ":")
    return json.dumps(made, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=compact).encode()


def settings(limits: Limits) -> Plain:
    """Limits as plain JSON."""
    return policy(asdict(limits))


def policy(said: Mapping[str, Any]) -> Plain:
    """A policy's values as plain JSON."""
    return {key: _value(value) for key, value in sorted(said.items())}


def _value(value: Any) -> Any:
    if isinstance(value, timedelta):
        return {"seconds": int(value.total_seconds())}
    if isinstance(value, Decimal):
        return plain.decimal(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def _without(rows: Iterable[Plain], *keys: str) -> list[Plain]:
    return [{key: value for key, value in row.items() if key not in keys} for row in rows]


def _flag(one: Finding, unconfirmed: frozenset[str]) -> Plain:
    """A finding; where it rests on what is not final it says so."""
    made = plain.finding(one, METHODS)
    carried = {
        each["tx_hash"] for each in (*made["arrivals"], *(hop for path in made["paths"] for hop in path["hops"]))
    }
    if shaky := sorted(carried & unconfirmed):
        made["message"] += f" UNCONFIRMED: it rests on {', '.join(shaky)}, whose block is not final."
    return made


def _origins(told: Told) -> list[Plain]:
    return [
        {
            "id": origin.id,
            "report_id": list(origin.report_ids),
            **plain.place(origin.address),
            "asset": origin.asset.contract,
            "tx_hash": origin.tx_hash,
            "since": plain.moment(origin.since),
            "originated": {name: str(book.originated.get(origin.id, 0)) for name, book in told.result.books.items()},
        }
        for _, origin in sorted(told.result.origins.found.items())
    ]


def _as_of(told: Told) -> list[Plain]:
    heads: dict[str, Plain] = {}
    for one in sorted(told.result.flow.transactions.values(), key=lambda one: one.order):
        heads[one.chain] = {"chain": one.chain, "block": one.block, "at": plain.moment(one.at)}
    return [heads[chain] for chain in sorted(heads)]


# --- addresses --------------------------------------------------------------------------------------------------------

Held = dict[tuple[Address, AssetId, str], list[int]]


def _addresses(told: Told) -> list[Plain]:
    result = told.result
    taint, books = _taint(result), accounts(result.books)
    roles = _roles(result)
    read = {address: number for number, address in enumerate(told.read_order, 1)}
    return [
        {
            **plain.place(address),
            "role": str(roles[address]),
            "hops": result.hops.get(address),
            "hub": _hub(result, address),
            "labels": [plain.label(one) for one in result.flow.labels.of(address)],
            "taint": taint.get(address, []),
            "ledger": books.get(address, []),
            "worth": plain.share(result.worth.get(address, Fraction(0))),
            "read_order": read.get(address),
            "coverage": str(told.coverage.get(address, Coverage())),
        }
        for address in sorted(roles)
    ]


def _roles(result: Result) -> dict[Address, Role]:
    """What each tainted or reported address is; where it ended counts before where it passed."""
    roles: dict[Address, Role] = {}
    for address in result.touched:
        roles[address] = Role.TRANSIT if address in result.flow.read else Role.FRONTIER
    roles |= dict.fromkeys(result.hubs, Role.HUB) | dict.fromkeys(result.passages & roles.keys(), Role.BRIDGE)
    ends = {
        EndKind.UNRESOLVED: Role.VENUE,
        EndKind.BRIDGE: Role.BRIDGE,
        EndKind.MIXER: Role.MIXER,
        EndKind.ARRIVAL: Role.ARRIVAL,
    }
    found = {
        (end.kind, end.address)
        for book in result.books.values()
        for end in book.ends
        if book.steps[end.step].by not in LEAVES  # it ended beyond the address, not at it
    }
    for kind, role in ends.items():
        labelled = {address for ended, address in found if ended is kind and result.flow.labels.of(address)}
        roles |= dict.fromkeys(labelled, role)
        roles |= {address: role for ended, address in found if ended is kind and address not in roles}
    return roles | dict.fromkeys(result.origins.addresses, Role.ORIGIN)


def _hub(result: Result, address: Address) -> Plain | None:
    hub = result.hubs.get(address)
    return {"counterparties": hub.counterparties, "since": plain.moment(hub.since)} if hub else None


def _taint(result: Result) -> dict[Address, list[Plain]]:
    rows: dict[Address, list[Plain]] = defaultdict(list)
    for method, book in result.books.items():
        held = _held(book)
        for key, (amount, origin_amount) in book.came().items():
            address, asset, origin = key
            here = held.get(key, [0, 0])
            row = _row(origin, asset, method, amount)
            rows[address].append(
                row | {"origin_amount": str(origin_amount), "held": str(here[0]), "origin_held": str(here[1])}
            )
    for (address, asset, origin), amount in result.reach.came.items():
        row = _row(origin, asset, POISON, amount)
        rows[address].append(row | {"origin_amount": None, "held": None, "origin_held": None})
    return {
        address: sorted(found, key=lambda r: (r["origin"], r["asset"], r["method"])) for address, found in rows.items()
    }


def _row(origin: str, asset: AssetId, method: str, amount: int) -> Plain:
    return {"origin": origin, "asset": asset.contract, "method": method, "amount": str(amount)}


def _held(book: Book) -> Held:
    held: Held = defaultdict(lambda: [0, 0])
    for (address, asset, _), pot in book.pots.items():
        for lot in pot.lots:
            if lot.origin is not None:
                held[(address, asset, lot.origin)][0] += lot.amount
                held[(address, asset, lot.origin)][1] += lot.origin_amount
    return held


# --- sums -------------------------------------------------------------------------------------------------------------


def _exposure(one: Exposure) -> Plain:
    row = asdict(one) | {"asset": one.asset.contract, "chain": one.asset.chain}
    return row | {"amount": str(one.amount), "origin_amount": str(one.origin_amount)}


def _ledger(result: Result) -> list[Plain]:
    """For each origin and method what was originated, and the accounts that must add up to it (books.ACCOUNTS)."""
    return [
        {"origin": origin, "method": method, **{key: str(value) for key, value in sums.items()}}
        for method, book in result.books.items()
        for origin, sums in sorted(book.balances().items())
    ]


def _hops(books: Mapping[str, Book]) -> list[Plain]:
    """The flow of taint: who passed how much to whom in which transaction, under every method."""
    sums: dict[tuple[Any, ...], dict[str, list[int]]] = defaultdict(dict)
    for method, book in books.items():
        for step in book.steps:
            tx = step.transaction
            key = (*tx.order, step.by, step.sender, step.recipient, step.asset, step.received_asset, step.origin)
            pair = sums[key].setdefault(method, [0, 0, 0])
            for place, value in enumerate((step.amount, step.received, step.origin_amount)):
                pair[place] += value
    rows = []
    for key, by_method in sorted(sums.items()):
        at, chain, _, _, tx_hash, by, sender, recipient, asset, received_asset, origin = key
        ends = {"sender": sender.text, "recipient": recipient.text, "asset": asset.contract}
        amounts = {
            method: {"amount": str(a), "received": str(r), "origin_amount": str(o)}
            for method, (a, r, o) in by_method.items()
        }
        head = {
            "chain": chain,
            "tx_hash": tx_hash,
            "at": plain.moment(at),
            "by": by,
            **ends,
            **plain.off(sender, chain),
        }
        rows.append(head | {"received_asset": received_asset.contract, "origin": origin, "amounts": amounts})
    return rows
