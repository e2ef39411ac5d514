"""Where tainted money came to a labelled address or was redeemed: a result, told as values the rules can read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tracer.chains import listed
from tracer.model import NATIVE, Address, Arrival, Asset, AssetId, Label, Landing, Path, Sum
from tracer.taint.books import COINJOIN, UNADDRESSED, Book, EndKind
from tracer.taint.flow import Key, Result
from tracer.taint.methods import NO_STEP
from tracer.taint.paths import path
from tracer.taint.stops import Labels, precedence

CONTACT = "contact"


Subject = tuple[str, ...]  # an origin, or an arrival: chain, tx_hash and asset
Divide = Callable[[Sequence[Label], datetime], str]


@dataclass(slots=True)
class _Came:
    """What came to one place, step by step and method by method."""

    kind: str
    address: Address
    claims: tuple[Label, ...]
    sums: dict[tuple[Key, AssetId, str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    best: dict[tuple[Subject, str], tuple[int, int]] = field(default_factory=dict)  # by method: origin amount, step


def _together(_claims: Sequence[Label], _at: datetime) -> str:
    return ""


def landings(result: Result, method: str, divide: Divide = _together) -> tuple[Landing, ...]:
    """Every landing of a fold, by address. Paths are of `method`, else of the first method that brings any.

    Moments at which an address had another label, or at which a rule would judge it differently (`divide` tells them
    apart), each get a landing, so that each has arrivals and paths of its own.
    """
    places: dict[tuple[Address, str, tuple[Any, ...], str], _Came] = {}
    for name, book in result.books.items():
        for kind, address, label, number, amount, origin_amount in coming(result, book):
            step = book.steps[number]
            at = step.transaction.at
            claims = result.flow.labels.valid(address, at) if label else ()
            claim = precedence(label) if label else ()  # whoever else it belonged to at another time has its own
            place = (address, str(kind), claim, divide(claims, at))
            came = places.setdefault(place, _Came(kind, address, claims))
            key = (step.transaction.chain, step.transaction.tx_hash)
            sums = came.sums[(key, step.received_asset, step.origin, name)]
            sums[0] += amount
            sums[1] += origin_amount
            for subject in ((step.origin,), (*key, *step.received_asset)):
                best = came.best.get((subject, name))
                if amount and (best is None or origin_amount > best[0]):
                    came.best[(subject, name)] = (origin_amount, number)
    made = (_landing(result, came, method) for _, came in sorted(places.items()))
    return tuple(landing for landing in made if landing is not None)


Coming = tuple[str, Address, Label | None, int, int, int]


def coming(result: Result, book: Book) -> Iterator[Coming]:
    """What a book brought to stops, to labelled pots, into CoinJoins, and to the zero address (told by its token)."""
    yield from _ended(result.flow.labels, book)
    labels = result.flow.labels
    ended = {end.step for end in book.ends}
    for number, step in enumerate(book.steps):
        if number not in ended and step.sender != step.recipient:
            label = labels.at(step.recipient, step.transaction.at)
            if label is not None:
                yield CONTACT, step.recipient, label, number, step.received, step.origin_amount


def _ended(labels: Labels, book: Book) -> Iterator[Coming]:
    for end in book.ends:
        step = book.steps[end.step]
        if end.kind is EndKind.REDEEMED:
            if end.asset.contract != NATIVE:
                yield end.kind, Address(*end.asset), None, end.step, end.amount, end.origin_amount
        elif step.by == COINJOIN:  # the address that it left has a label or none: it did not come to that one
            yield COINJOIN, end.address, None, end.step, end.amount, end.origin_amount
        elif step.by != UNADDRESSED:
            label = labels.at(end.address, step.transaction.at)
            yield end.kind, end.address, label, end.step, end.amount, end.origin_amount


def _landing(result: Result, came: _Came, method: str) -> Landing | None:
    if not came.best:
        return None
    token = listed(AssetId(*came.address)) if came.kind is EndKind.REDEEMED else None
    return Landing(
        kind=str(came.kind),
        address=came.address,
        label=came.claims[0] if came.claims else None,
        claims=came.claims,
        arrivals=tuple(_arrivals(result, came)),
        paths=tuple(_paths(result, came, method)),
        hops=min(_hops(result.books[name], number) for (_, name), (_, number) in came.best.items()),
        token=Asset(token.asset, token.symbol, token.decimals, listed=True) if token else None,
    )


def _hops(book: Book, number: int) -> int:
    """How many hops a step is from its origin; changing the asset at an address is none."""
    hops = 0
    while number != NO_STEP:
        step = book.steps[number]
        hops += step.is_hop
        number = step.parent
    return hops


def _arrivals(result: Result, came: _Came) -> Iterable[Arrival]:
    grouped: dict[tuple[Key, AssetId], list[Sum]] = defaultdict(list)
    for (key, asset, origin, method), (amount, origin_amount) in came.sums.items():
        grouped[(key, asset)].append(Sum(origin, method, asset, amount, origin_amount))
    moments = [(result.flow.transactions[key], asset, sums) for (key, asset), sums in grouped.items()]
    for tx, asset, sums in sorted(moments, key=lambda moment: (moment[0].order, moment[1])):
        yield Arrival(tx.chain, tx.tx_hash, tx.at, tx.block, asset, tuple(sorted(sums, key=_by_origin)))


def _by_origin(one: Sum) -> tuple[str, str]:
    return (one.origin, one.method)


def _paths(result: Result, came: _Came, method: str) -> Iterable[Path]:
    """A path for each arrival and for each origin, the largest of it; those of `method` first."""
    order = [method, *(name for name in result.books if name != method)]
    chosen: dict[tuple[str, int], tuple[bool, int]] = {}
    for subject in {subject for subject, _ in came.best}:
        name = next(name for name in order if (subject, name) in came.best)
        amount, number = came.best[(subject, name)]
        chosen[(name, number)] = (name != method, -amount)
    return [path(result.books[name], number) for name, number in sorted(chosen, key=lambda key: (*chosen[key], key))]
