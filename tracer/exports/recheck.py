"""Work a document out again from its own inputs, and name the first place where it does not say the same.

It proves the sums: what follows from the transfers, labels, facts and limits in the file. Whether these are what the
chains and lists said is another question (actions/verify.py asks the store and its kept pages).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from typing import Any

from tracer.detect.kyc import POLICY
from tracer.exports.document import (
    BY_KEY,
    BY_ROW,
    INPUTS,
    RESULTS,
    REVIEWED,
    digests,
    policy,
    row_digest,
    settings,
    view,
)
from tracer.exports.plain import Plain
from tracer.exports.refold import Recorded, transfer_of
from tracer.model import FlagState, Limits, transfer_id

ABSENT = None
GUESSES = 10_000
WORDS = {"entities": "entity", "addresses": "address", "policy": "policy", "limits": "limit", "hops": "hop"}
TOLD = ("as_of", "stopped")  # beside inputs and results
KEYS: dict[str, tuple[str, ...]] = {  # what makes a row of a member the same row
    "transactions": ("chain", "tx_hash"),
    "transfers": ("id",),
    "assets": ("chain", "asset"),
    "entities": ("id",),
    "crossings": ("protocol", "key", "out"),
    "labels": ("chain", "address", "entity", "source"),
    "origins": ("id",),
    "addresses": ("chain", "address"),
    "taint": ("origin", "asset", "method"),
    "addresses.ledger": ("asset", "method"),
    "ledger": ("origin", "method"),
    "hops": ("chain", "tx_hash", "by", "sender", "recipient", "asset", "received_asset", "origin"),
    "exposures": ("entity", "category", "exposure_type", "chain", "asset", "origin", "method"),
    "flags": ("rule", "chain", "address"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two say different things. `what`: transfer, label, fact, limit, …; None: it has no such thing."""

    what: str
    where: str
    recorded: Any
    found: Any


def check(made: Plain, recorded: Recorded) -> tuple[Plain, Iterator[Difference]]:
    """The document worked out again, and every difference: inputs that were altered first, then what follows."""
    again = recorded.again()
    return again, _differences(made, again)


def _differences(made: Plain, again: Plain) -> Iterator[Difference]:
    yield from misnamed(made)
    now = digests(made)[1]
    for name in (*INPUTS, *RESULTS, *TOLD):
        named = False
        for one in chain(altered(made, name, now), differing(name, _shown(made, name), again[name])):
            named = True
            yield one
        if not named and name in now and made["digests"].get(name) != now[name]:
            yield Difference(_word(name), name, f"digest {made['digests'].get(name)}", f"digest {now[name]}")
    yield from differing("digest", made["digest"], again["digest"])
    yield from differing("digests", made["digests"], again["digests"])


def _shown(made: Plain, name: str) -> Any:
    return standing(made[name]) if name == "flags" else made[name]


def standing(flags: Iterable[Plain]) -> list[Plain]:
    """Flags as the engine writes them: without what people made of them, and without those withdrawn."""
    found = (flag for flag in flags if flag.get("state") != FlagState.WITHDRAWN)
    return [{key: value for key, value in flag.items() if key not in REVIEWED} for flag in found]


# --- what was altered after it was written ----------------------------------------------------------------------------


def misnamed(made: Plain) -> Iterator[Difference]:
    """Transfers whose id is not what their row says: an id names chain, hash, kind, asset, ends and amount."""
    for row in made["transfers"]:
        one = transfer_of(row)
        said = one.id.removeprefix(f"{one.asset.chain}:").split(":")
        n = int(said[-1]) if said[-1].isdecimal() else -1
        ends = (one.asset, one.sender, one.recipient)
        if transfer_id(one.asset.chain, row["tx_hash"], one.kind, *ends, one.amount, n) != one.id:
            names = ("tx_hash", "kind", "asset", "sender", "recipient", "amount")
            is_now = [str(row[name] or "") for name in names]
            wrong = next((at for at, (old, new) in enumerate(zip(said, is_now, strict=False)) if old != new), 5)
            yield Difference("transfer", f"transfers[{one.id}].{names[wrong]}", said[wrong], is_now[wrong])


def altered(made: Plain, name: str, now: Plain) -> Iterator[Difference]:
    """Values and rows of a member that are not what was digested when the document was written."""
    said = made["digests"].get(name)
    if said == now.get(name):
        return
    if name in BY_KEY and isinstance(said, Mapping):
        for key in sorted({*said, *now[name]}):
            if said.get(key) != now[name].get(key):
                yield Difference(_word(name), f"{name}.{key}", _was(said.get(key)), made[name].get(key))
    elif name in BY_ROW and isinstance(said, list):
        yield from _rows(made, name, said)


def _was(digest: str | None) -> Any:
    """The value that a digest is of, where it is an everyday one: a digest tells a guess that is right."""
    usual = (*settings(Limits()).values(), *policy(asdict(POLICY)).values(), True, False)
    guesses = chain(usual, range(GUESSES), map(str, range(GUESSES)))
    return next((guess for guess in guesses if row_digest(guess) == digest), f"a value of digest {digest}")


def _rows(made: Plain, name: str, said: Sequence[str]) -> Iterator[Difference]:
    """Rows that were added, altered or taken away; what a row was before is told where the file says it once more."""
    rows = [(row, row_digest(row)) for row in view(made, name)]
    gone, new = Counter(said), Counter(digest for _, digest in rows)
    gone, new = gone - new, new - gone
    echoes = {row_digest(row): row for row in view({name: list(_echoes(made, name))}, name)}
    before = [echoes.get(digest, f"a row of digest {digest}") for digest in gone.elements()]
    for was, row in zip_longest(before, [row for row, digest in rows if new[digest]]):
        if isinstance(was, Mapping) and isinstance(row, Mapping):
            yield from differing(f"{name}[{_key(row, name)}]", was, row, _word(name))
        else:
            yield Difference(_word(name), f"{name}[{_key(row or was, name)}]", was, row)


def _echoes(made: Plain, name: str) -> Iterator[Plain]:
    if name == "labels":
        yield from (label for place in made["addresses"] for label in place["labels"])
        yield from (flag["label"] for flag in made["flags"] if flag["label"])
    if name == "facts":
        yield from (fact for flag in made["flags"] for fact in flag["facts"])


# --- two values, place by place ---------------------------------------------------------------------------------------


def differing(where: str, recorded: Any, found: Any, what: str = "") -> Iterator[Difference]:
    """Every place at which two JSON values differ, in order; rows are matched by what names them (KEYS)."""
    what = what or _word(where)
    if recorded == found and type(recorded) is type(found):
        return
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        for key in sorted({*recorded, *found}):
            yield from differing(f"{where}.{key}", recorded.get(key), found.get(key), what)
    elif isinstance(recorded, list) and isinstance(found, list):
        for name, one, other in _pairs(where, recorded, found):
            yield from differing(f"{where}[{name}]", one, other, what)
    else:
        yield Difference(what, where, recorded, found)


def _pairs(where: str, recorded: Sequence[Any], found: Sequence[Any]) -> Iterable[tuple[object, Any, Any]]:
    name = _member(where)
    one, other = ({_key(row, name): row for row in rows} for rows in (recorded, found))
    if name not in KEYS or len(one) < len(recorded) or len(other) < len(found):
        return ((n, *pair) for n, pair in enumerate(zip_longest(recorded, found, fillvalue=ABSENT)))
    moved = [(key, "in this order", "in another order") for key, place in zip(one, other, strict=False) if key != place]
    by_key = [(key, one.get(key), other.get(key)) for key in dict.fromkeys((*one, *other))]
    return [*by_key, *(moved[:1] if one.keys() == other.keys() else [])]


def _member(where: str) -> str:
    """The member a path ends at; a ledger of an address is another than that of an origin."""
    name = where.rpartition("].")[2]
    return "addresses.ledger" if name == "ledger" and where.startswith("addresses[") else name


def _key(row: Any, member: str) -> str:
    if not isinstance(row, Mapping) or member not in KEYS:
        return str(row.get("entity", "")) if isinstance(row, Mapping) else "…"
    return " ".join(str(row.get(key)) for key in KEYS[member])


def _word(where: str) -> str:
    """The word for one of a member's rows."""
    name = where.partition("[")[0].partition(".")[0]
    return WORDS.get(name, name.removesuffix("s"))
