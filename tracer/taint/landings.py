"""Where tainted money came to a labelled address or was redeemed: a result, told as values the rules can read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from tracer.chains import listed, zero_address
from tracer.model import NATIVE, Address, Arrival, Asset, AssetId, Label, Landing, Path, Sum, Transaction
from tracer.taint.books import Book
from tracer.taint.entries import COINJOIN, UNADDRESSED, EndKind, Step
from tracer.taint.flow import Result
from tracer.taint.hubs import Key
from tracer.taint.paths import larger, paths
from tracer.taint.provenance import Provenance, Way
from tracer.taint.stops import Labels, precedence

CONTACT = "contact"
ORIGINS = 4  # whose paths are told of each arrival, the largest
WAYS = 3  # paths told of each of these, the largest; what went by others is named as one sum

When = tuple[Key, AssetId]  # an arrival: chain and tx_hash, and the asset
Places = Mapping[tuple[str, Address], Collection[str]]  # a kind and where; hashes of transactions
Divide = Callable[[Sequence[Label], datetime], str]


@dataclass(slots=True)
class _Share:
    """What of one origin came in one arrival under one method, in both units, and the steps that brought it."""

    amount: int = 0
    origin_amount: int = 0
    steps: list[int] = field(default_factory=list)


class _Cell(NamedTuple):
    when: When
    origin: str
    method: str


@dataclass(slots=True)
class _Came:
    """What came to one place, step by step and method by method."""

    kind: str
    address: Address
    claims: tuple[Label, ...]
    shares: dict[_Cell, _Share] = field(default_factory=lambda: defaultdict(_Share))
    transactions: dict[Key, Transaction] = field(default_factory=dict)

    @property
    def bringing(self) -> Bringing:
        """What brought an amount."""
        return [(cell, share) for cell, share in self.shares.items() if share.amount]

    def add(self, step: Step, method: str, number: int, amount: int, origin_amount: int) -> None:
        """A step brought so much."""
        key = (step.transaction.chain, step.transaction.tx_hash)
        self.transactions[key] = step.transaction
        share = self.shares[_Cell((key, step.received_asset), step.origin, method)]
        share.amount += amount
        share.origin_amount += origin_amount
        share.steps.append(number)


Bringing = Sequence[tuple[_Cell, _Share]]


def _together(_claims: Sequence[Label], _at: datetime) -> str:
    return ""


def landings(
    result: Result, method: str, divide: Divide = _together, places: Places | None = None
) -> tuple[Landing, ...]:
    """Every landing of a fold, by address. Paths are of `method`, else of the first method that brings any.

    Moments at which an address had another label, or at which a rule would judge it differently (`divide` tells them
    apart), each get a landing, so that each has arrivals and paths of its own. `places` get one of their own kind, of
    what came there in the transactions named; in none of these: of all that came.
    """
    came_to: dict[tuple[Address, str, tuple[Any, ...], str], _Came] = {}
    for name, book in result.books.items():
        for kind, address, label, number, step, amount, origin_amount in coming(result, book):
            at = step.transaction.at
            claims = result.flow.labels.valid(address, at) if label else ()
            claim = precedence(label) if label else ()  # whoever else it belonged to at another time has its own
            place = (address, str(kind), claim, divide(claims, at))
            came = came_to.setdefault(place, _Came(kind, address, claims))
            came.add(step, name, number, amount, origin_amount)
    for came in _passing(result, places or {}):
        came_to[(came.address, came.kind, (), "")] = came
    known = {name: Provenance(book) for name, book in result.books.items()}
    order = [method, *(name for name in result.books if name != method)]
    found = [came for _, came in sorted(came_to.items()) if came.bringing]
    evidence = _paths([_questions(came.bringing, order) for came in found], known)
    return tuple(_landing(result, came, told, known) for came, told in zip(found, evidence, strict=True))


def _passing(result: Result, places: Places) -> Iterator[_Came]:
    """What came to addresses that are looked at for another reason than a label."""
    steps: dict[Address, list[tuple[str, int, Step]]] = {address: [] for _, address in places}
    for name, book in result.books.items() if places else ():
        numbers = book.into(steps)
        for number, step in zip(numbers, book.chosen(numbers), strict=True):
            steps[step.recipient].append((name, number, step))
    for (kind, address), hashes in places.items():
        came = _Came(kind, address, ())
        found = steps[address]
        for name, number, step in [row for row in found if row[2].transaction.tx_hash in hashes] or found:
            came.add(step, name, number, step.received, step.origin_amount)
        yield came


Coming = tuple[str, Address, Label | None, int, Step, int, int]


def coming(result: Result, book: Book) -> Iterator[Coming]:
    """What a book brought to stops, to labelled pots, into CoinJoins, and to the zero address (told by its token)."""
    yield from _ended(result.flow.labels, book)
    labels = result.flow.labels
    ended = {end.step for end in book.ends}
    numbers = [number for number in book.into(labels.addresses) if number not in ended]
    for number, step in zip(numbers, book.chosen(numbers), strict=True):
        label = labels.at(step.recipient, step.transaction.at)
        if label is not None:
            yield CONTACT, step.recipient, label, number, step, step.received, step.origin_amount


def _ended(labels: Labels, book: Book) -> Iterator[Coming]:
    for end, step in zip(book.ends, book.chosen(end.step for end in book.ends), strict=True):
        if end.kind is EndKind.REDEEMED:
            if end.asset.contract != NATIVE:
                yield end.kind, Address(*end.asset), None, end.step, step, end.amount, end.origin_amount
        elif step.by == COINJOIN:  # the address that it left has a label or none: it did not come to that one
            yield COINJOIN, end.address, None, end.step, step, end.amount, end.origin_amount
        elif step.by != UNADDRESSED:
            label = labels.at(end.address, step.transaction.at)
            yield end.kind, end.address, label, end.step, step, end.amount, end.origin_amount


def _landing(result: Result, came: _Came, paths: Iterable[Path], known: Mapping[str, Provenance]) -> Landing:
    token = listed(AssetId(*came.address)) if came.kind is EndKind.REDEEMED else None
    return Landing(
        kind=str(came.kind),
        address=came.address,
        label=came.claims[0] if came.claims else None,
        claims=came.claims,
        arrivals=tuple(_arrivals(result, came)),
        paths=tuple(paths),
        hops=int(min(known[cell.method].hops[number] for cell, share in came.bringing for number in share.steps)),
        token=Asset(token.asset, token.symbol, token.decimals, listed=True) if token else None,
    )


def _arrivals(result: Result, came: _Came) -> Iterable[Arrival]:
    grouped: dict[When, list[Sum]] = defaultdict(list)
    for (when, origin, method), share in came.shares.items():
        reports = result.origins.found[origin].report_ids
        grouped[when].append(Sum(origin, method, when[1], share.amount, share.origin_amount, tuple(reports)))
    moments = [(came.transactions[key], asset, sums) for (key, asset), sums in grouped.items()]
    for tx, asset, sums in sorted(moments, key=lambda moment: (moment[0].order, moment[1])):
        whole = _whole(came, tx, asset, sums)
        yield Arrival(tx.chain, tx.tx_hash, tx.at, tx.block, asset, tuple(sorted(sums, key=_by_origin)), whole)


def _whole(came: _Came, tx: Transaction, asset: AssetId, sums: Iterable[Sum]) -> int:
    """All that came there in this asset, whoever's it was; wrapped coins may have come without a transfer of theirs."""
    place = zero_address(tx.chain) if came.kind is EndKind.REDEEMED else came.address
    shown = sum(t.amount for t in tx.transfers if (t.recipient, t.asset) == (place, asset) and t.sender != place)
    tainted: dict[str, int] = defaultdict(int)
    for one in sums:
        tainted[one.method] += one.amount
    return max(shown, *tainted.values())


def _by_origin(one: Sum) -> tuple[str, str]:
    return (one.origin, one.method)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of a method: of one origin into an arrival, the largest ways, so many at most."""

    method: str
    share: _Share
    most: int


def _questions(bringing: Bringing, order: Sequence[str]) -> list[_Question]:
    """The largest paths of each arrival, and one of each origin that is in none of them; the headline method first."""
    chosen = sorted(_chosen(bringing, order), key=lambda one: (order.index(one[0].method), *_by_size(one)))
    first = {cell.when: cell.method for cell, _ in reversed(chosen)}
    return [_Question(cell.method, share, WAYS if cell.method == first[cell.when] else 1) for cell, share in chosen]


def _paths(questions: Sequence[Sequence[_Question]], known: Mapping[str, Provenance]) -> Iterator[list[Path]]:
    """The answers to all questions, each method's told at once; those of each group together."""
    told: dict[str, Iterator[list[Path]]] = {}
    for name, provenance in known.items():
        told[name] = _told(provenance, [one for group in questions for one in group if one.method == name])
    for group in questions:
        yield [path for one in group for path in next(told[one.method])]


def _told(provenance: Provenance, questions: Sequence[_Question]) -> Iterator[list[Path]]:
    """The largest ways of one origin into an arrival, and what is left of it."""
    answers = provenance.many([(one.share.steps, one.most) for one in questions])
    pairs: list[tuple[Way, int]] = []
    for one, ways in zip(questions, answers, strict=True):
        spread = one.share.origin_amount - sum(way.carried for way in ways)
        pairs += [(way, spread) for way in ways or [larger(provenance.book, max(one.share.steps))]]
    made = iter(paths(provenance.book, pairs))
    return iter([list(islice(made, len(ways) or 1)) for ways in answers])


def _chosen(bringing: Bringing, order: Sequence[str]) -> list[tuple[_Cell, _Share]]:
    """Of each arrival the largest origins under the first method that brings any; the best of origins left out."""
    arrivals: dict[When, dict[str, list[tuple[_Cell, _Share]]]] = defaultdict(lambda: defaultdict(list))
    origins: dict[str, dict[str, list[tuple[_Cell, _Share]]]] = defaultdict(lambda: defaultdict(list))
    for one in bringing:
        arrivals[one[0].when][one[0].method].append(one)
        origins[one[0].origin][one[0].method].append(one)
    chosen: list[tuple[_Cell, _Share]] = []
    for by_method in arrivals.values():
        chosen += sorted(_first(by_method, order), key=_by_size)[:ORIGINS]
    told = {cell.origin for cell, _ in chosen}
    return chosen + [min(_first(found, order), key=_by_size) for origin, found in origins.items() if origin not in told]


def _first(by_method: Mapping[str, Bringing], order: Sequence[str]) -> Bringing:
    return next(by_method[name] for name in order if name in by_method)


def _by_size(one: tuple[_Cell, _Share]) -> tuple[int, int, _Cell]:
    """The larger amount first, as it came: origins' own assets may count in other units."""
    return (-one[1].amount, -one[1].origin_amount, one[0])
