"""A case document read back: the values it was made of, and from these the same document again.

Nothing but the file is needed. What it claims of results is not looked at here: exports/recheck.py compares.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from tracer.chains import is_listed, parse_chain
from tracer.detect.coinjoin import coinjoins
from tracer.detect.kyc import POLICY, days
from tracer.detect.poisoning import dropped
from tracer.detect.rules import Known
from tracer.errors import InputError
from tracer.exports.document import INPUTS, RESULTS, SCHEMA
from tracer.exports.plain import Plain
from tracer.exports.tell import STATED, Work, tell
from tracer.model import (
    ENGINE,
    Address,
    Asset,
    AssetId,
    Category,
    Coverage,
    Crossing,
    Entity,
    Fact,
    Gap,
    Kind,
    Label,
    Limit,
    Limits,
    OriginSpec,
    Transaction,
    Transfer,
)
from tracer.taint.flow import Flow
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels

AGAIN = "trace the case with this version, or check the file with the version that made it"
T = TypeVar("T")
Row = Mapping[str, Any]
_COVERAGE = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_BROKEN = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, InputError)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a document was made of, ready to be folded; `work.dropped` is worked out anew."""

    flow: Flow
    work: Work

    def again(self) -> Plain:
        """Fold, judge and write it all down once more."""
        return tell(
            self.work, self.flow.fold(self.work.dropped.keys(), self.work.known.coinjoins.keys(), self.work.crossings)
        )


def parse(content: bytes | str, name: str) -> Plain:
    """A file's content as a document of this version. Raises InputError saying what it is instead, and the remedy."""
    try:
        made = json.loads(content, parse_constant=_no_number, parse_float=_no_number)
    except (ValueError, RecursionError) as wrong:
        raise InputError(f"{name} is no JSON ({wrong}): write it with `tracer export CASE --format json`") from wrong
    if not isinstance(made, dict) or made.get("schema") != SCHEMA:
        said = made.get("schema") if isinstance(made, dict) else None
        raise InputError(f"{name} is no {SCHEMA} but {said!a}: write it with `tracer export CASE --format json`")
    if made.get("engine") != ENGINE:
        raise InputError(f"{name} was made by engine {made.get('engine')!a}, this is {ENGINE}: {AGAIN}")
    missing = sorted({*INPUTS, *RESULTS, "case", "method", "as_of", "stopped", "digest", "digests"} - made.keys())
    if missing:
        raise InputError(f"{name} has no member {missing[0]!a}: export the case again")
    return made


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is a number that a case document never has")


def read(made: Plain) -> Recorded:
    """The values of a parsed document. Raises InputError naming the member and row that cannot be read."""
    limits = _settings(made, "limits", Limits())
    flow = Flow(list(_each(made, "reported", _reported)), Labels(_each(made, "labels", _label), limits.min_confidence))
    flow.limits = limits
    order = list(_each(made, "read", _place))
    flow.feed(_transactions(made), order)
    assets = list(_each(made, "assets", _asset))
    symbols = {asset.id: asset.symbol for asset in assets}
    if made["method"] not in METHODS:
        raise InputError(f"method: {made['method']!a} is no method: take one of {', '.join(METHODS)}")
    work = Work(
        case=made["case"],
        method=made["method"],
        known=Known(_names(made).get, _settings(made, "policy", POLICY), coinjoins(flow.transactions.values())),
        dropped=dropped(list(flow.transactions.values()), symbols, flow.read),
        read_order=order,
        coverage=dict(_each(made, "addresses", _coverage)),
        assets=assets,
        crossings=list(_each(made, "crossings", _crossing)),
        gaps=[one for one in _each(made, "gaps", _gap) if one],
    )
    return Recorded(flow, work)


# --- rows -------------------------------------------------------------------------------------------------------------


def _each(made: Plain, member: str, make: Callable[[Row], T]) -> Iterator[T]:
    rows = made[member]
    if not isinstance(rows, list):
        raise InputError(f"{member} is no list: export the case again")
    for number, row in enumerate(rows):
        try:
            one = make(row)
        except _BROKEN as wrong:
            why = f"no {wrong}" if isinstance(wrong, KeyError) else wrong
            raise InputError(f"{member}[{number}] cannot be read ({why}): export the case again") from wrong
        yield one


def _settings(made: Plain, member: str, usual: T) -> T:
    """Limits or a policy. Each value is read as what the usual one is."""
    said = made[member]
    known = {one.name: getattr(usual, one.name) for one in fields(usual)}  # type: ignore[arg-type]
    if not isinstance(said, dict) or said.keys() != known.keys():
        raise InputError(f"{member} must be an object of {', '.join(sorted(known))}: export the case again")
    try:
        return type(usual)(**{name: _setting(said[name], like) for name, like in known.items()})
    except _BROKEN as wrong:
        raise InputError(f"{member} cannot be read ({wrong}): export the case again") from wrong


def _setting(value: Any, like: Any) -> Any:
    if isinstance(like, Decimal):
        return Decimal(_text(value))
    if isinstance(like, frozenset):
        return frozenset(map(_text, value))
    if isinstance(value, dict):
        return timedelta(seconds=_number(value["seconds"]))
    return value if isinstance(value, bool) or value is None else _number(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!a} is no text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!a} is no whole number")
    return value


def _amount(value: Any) -> int:
    if not (_text(value).isascii() and value.isdigit()):
        raise ValueError(f"{value!a} is no amount of base units")
    return int(value)


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(_text(value))
    if at.utcoffset() != timedelta(0):
        raise ValueError(f"{value!a} is no moment in UTC")
    return at


def _maybe(value: Any) -> str | None:
    return None if value is None else _text(value)


def _place(row: Row) -> Address:
    return Address(parse_chain(_text(row["chain"])), _text(row["address"]))


def _reported(row: Row) -> OriginSpec:
    chain, asset, amount = _text(row["chain"]), row["asset"], row["amount"]
    return OriginSpec(
        _place(row),
        None if asset is None else AssetId(chain, _text(asset)),
        _maybe(row["tx_hash"]),
        None if amount is None else _amount(amount),
        _moment(row["since"]),
        tuple(map(_text, row["report_id"])),
    )


def _label(row: Row) -> Label:
    return Label(
        _place(row),
        _text(row["entity"]),
        Category(row["category"]),
        Decimal(_text(row["confidence"])),
        _text(row["source"]),
        _moment(row["valid_from"]),
        _moment(row["valid_to"]),
    )


def _asset(row: Row) -> Asset:
    """`listed` is what this version's list says: where the file says otherwise, that is a difference."""
    key = AssetId(parse_chain(_text(row["chain"])), _text(row["asset"]))
    decimals = None if row["decimals"] is None else _number(row["decimals"])
    return Asset(key, _text(row["symbol"]), decimals, is_listed(key), bool(row["on_chain"]))


def _crossing(row: Row) -> Crossing:
    recipient = None if row["address"] is None else _place(row)
    protocol, key, out = (_text(row[name]) for name in ("protocol", "key", "out"))
    return Crossing(protocol, key, out, _maybe(row["into"]), recipient, _text(row["why"]))


def _coverage(row: Row) -> tuple[Address, Coverage]:
    parts = _COVERAGE.fullmatch(row["coverage"])
    if parts is None:
        raise ValueError(f"{row['coverage']!a} is no coverage")
    return _place(row), Coverage(parts[1], parts[2] or "")


def _gap(row: Row) -> Gap | None:
    """One that the reading left, as it stands; None: those of the fold are found again by folding."""
    if not isinstance(row, Mapping) or row.get("kind") not in STATED:
        return None
    chain, asset, amount = row["chain"], _maybe(row["asset"]), row["amount"]
    return Gap(
        _text(row["kind"]),
        _text(row["text"]),
        None if chain is None else _place(row),
        _maybe(row["tx_hash"]),
        None if asset is None or chain is None else AssetId(parse_chain(_text(chain)), asset),
        None if amount is None else _amount(amount),
        _moment(row["at"]),
    )


# --- what moved -------------------------------------------------------------------------------------------------------


def _transactions(made: Plain) -> Iterator[Transaction]:
    moved: dict[tuple[str, str], list[Transfer]] = defaultdict(list)
    for row, transfer in zip(made["transfers"], _each(made, "transfers", transfer_of), strict=True):
        moved[(transfer.asset.chain, row["tx_hash"])].append(transfer)

    def transaction(row: Row) -> Transaction:
        return transaction_of(row, moved.pop((row["chain"], row["tx_hash"]), ()))

    yield from _each(made, "transactions", transaction)
    for chain, tx_hash in moved:
        raise InputError(f"transfers: transaction {chain}:{tx_hash} is not in transactions: export the case again")


def transfer_of(row: Row) -> Transfer:
    """A transfer of a document. Raises KeyError, TypeError, ValueError."""
    chain = parse_chain(_text(row["chain"]))
    sender, recipient = _maybe(row["sender"]), _maybe(row["recipient"])
    return Transfer(
        _text(row["id"]),
        Kind(row["kind"]),
        AssetId(chain, _text(row["asset"])),
        _amount(row["amount"]),
        None if sender is None else Address(chain, sender),
        None if recipient is None else Address(chain, recipient),
        None if row["index"] is None else _number(row["index"]),
        _maybe(row["outpoint"]),
    )


def transaction_of(row: Row, transfers: Any = ()) -> Transaction:
    """A transaction of a document. Raises KeyError, TypeError, ValueError."""
    chain, at, initiator = parse_chain(_text(row["chain"])), _moment(row["at"]), _maybe(row["initiator"])
    if at is None:
        raise ValueError("it has no time")
    return Transaction(
        chain,
        _text(row["tx_hash"]),
        at,
        None if row["block"] is None else _number(row["block"]),
        None if row["tx_index"] is None else _number(row["tx_index"]),
        initiator=None if initiator is None else Address(chain, initiator),
        ok=bool(row["ok"]),
        whole=bool(row["whole"]),
        transfers=tuple(sorted(transfers, key=lambda transfer: transfer.id)),
    )


# --- who is behind labels ---------------------------------------------------------------------------------------------


def _names(made: Plain) -> dict[str, Entity]:
    """Entities, each with its facts, by the texts that name them."""
    facts: dict[str, list[Fact]] = defaultdict(list)
    for fact in _each(made, "facts", _fact):
        facts[fact.entity].append(fact)

    def named(row: Row) -> dict[str, Entity]:
        before = None if row["successor_of"] is None else _text(row["successor_of"])
        said = tuple(facts[row["id"]])
        entity = Entity(_text(row["id"]), _text(row["name"]), "", successor_of=before, facts=said)
        return {_text(text): entity for text in row["names"]}

    return {text: entity for names in _each(made, "entities", named) for text, entity in names.items()}


_OF_A_FACT = {one.name for one in fields(Fact)}


def _fact(row: Row) -> Fact:
    said = {name: value for name, value in row.items() if name in _OF_A_FACT}
    for name in ("entity", "kind", "source_url", "quote", "read_on"):
        _text(row[name])
    for name in ("valid_from", "valid_to", "source_date"):
        if said[name] is not None:
            days(_text(said[name]))
    limit = said["limit"]
    read = Limit(Decimal(_text(limit["amount"])), _text(limit["asset"]), _text(limit["period"])) if limit else None
    return Fact(**{**said, "limit": read})
