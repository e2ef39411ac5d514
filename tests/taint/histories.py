"""Random histories for property tests: a few addresses, three assets, labels of all sorts, bundled transactions."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.taint.scenario import ASSETS, CHAIN, asset, at, place, tx
from tracer.model import Address, AssetId, Category, Kind, Label, OriginSpec, Transaction, Transfer, transfer_id
from tracer.taint.flow import Flow, Result
from tracer.taint.stops import Labels

NAMES = [f"p{letter}" for letter in "abcdefgh"]
SYMBOLS = ["USDT", "ETH", "MEME", "WETH"]
CATEGORIES = [Category.EXCHANGE, Category.MIXER, Category.BRIDGE, Category.DEX, Category.CONTRACT, Category.SCAM]

names = st.sampled_from(NAMES)
amounts = st.one_of(st.integers(1, 12), st.integers(1, 10**24))


def moved(number: int, moves: list[tuple[Address, Address | None, AssetId, int, Kind]]) -> Transaction:
    """A transaction of these moves, each transfer with its right id."""
    seen: Counter[Any] = Counter()
    transfers = []
    for sender, recipient, what, amount, kind in moves:
        n = seen[(sender, recipient, what, amount, kind)]
        seen[(sender, recipient, what, amount, kind)] += 1
        key = transfer_id(CHAIN, tx(number), kind, what, sender, recipient, amount, n)
        transfers.append(Transfer(key, kind, what, amount, sender, recipient))
    return Transaction(CHAIN, tx(number), at(number // 2), number // 2, transfers=tuple(transfers))


@st.composite
def transactions(draw: st.DrawFn) -> list[Transaction]:
    """Up to twelve transactions of up to six transfers, some with a fee, some minting, burning or wrapping."""
    made = []
    for number in range(draw(st.integers(1, 12))):
        moves = []
        for _ in range(draw(st.integers(1, 6))):
            sender = draw(st.sampled_from([*NAMES, "zero", "weth"]))
            recipient = draw(st.sampled_from([*NAMES, "zero", "weth"]))
            symbol = draw(st.sampled_from(SYMBOLS))
            kind = Kind.NATIVE if symbol == "ETH" else Kind.TOKEN
            moves.append((place(sender), place(recipient), asset(symbol), draw(amounts), kind))
        if draw(st.booleans()):
            moves.append((place(draw(names)), None, AssetId(CHAIN, ASSETS["ETH"]), draw(st.integers(1, 9)), Kind.FEE))
        made.append(moved(number, moves))
    return made


@st.composite
def labels(draw: st.DrawFn) -> list[Label]:
    """Labels of any category on some addresses."""
    chosen = draw(st.lists(names, unique=True, max_size=4))
    return [Label(place(name), name, draw(st.sampled_from(CATEGORIES)), Decimal("0.9"), "random") for name in chosen]


@st.composite
def origins(draw: st.DrawFn, history: list[Transaction]) -> list[OriginSpec]:
    """Reported addresses and reported payments, at least one."""
    addresses = [OriginSpec(place(name)) for name in draw(st.lists(names, unique=True, min_size=1, max_size=2))]
    paid = [
        (one, t) for one in history for t in one.transfers if t.recipient and t.recipient.text != place("zero").text
    ]
    picked = draw(st.lists(st.sampled_from(paid), max_size=2)) if paid else []
    most = st.one_of(st.none(), st.integers(1, 20))
    return addresses + [
        OriginSpec(t.recipient, t.asset, one.tx_hash, draw(most)) for one, t in picked if t.recipient is not None
    ]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Transaction], list[Label], list[OriginSpec], set[Address]]:
    """A history, its labels, its origins, and which addresses were read."""
    history = draw(transactions())
    read = {place(name) for name in draw(st.lists(names, unique=True, max_size=8))}
    return history, draw(labels()), draw(origins(history)), read


def folded(case: tuple[list[Transaction], list[Label], list[OriginSpec], set[Address]]) -> Result:
    """The whole case, fed at once."""
    history, claims, specs, read = case
    flow = Flow(specs, Labels(claims))
    flow.feed(history, read)
    return flow.fold()


def fingerprint(result: Result) -> object:
    """Everything a fold says, as a value that can be compared."""
    books = {
        method: (
            sorted(book.came().items()),
            sorted(book.balances().items()),
            sorted((end.kind, end.address, end.asset, end.origin, end.amount, end.origin_amount) for end in book.ends),
            sorted((key, list(map(astuple, pot.lots))) for key, pot in book.pots.items() if pot.lots),
        )
        for method, book in result.books.items()
    }
    reach = sorted(result.reach.came.items())
    return books, reach, sorted(result.hops.items()), sorted(result.worth.items()), sorted(map(repr, result.gaps))
