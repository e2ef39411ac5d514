"""Random bitcoin histories for property tests: coins that spend each other's outputs, unseen ones, coinbases, mixes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from tests.taint.scenario import BITCOIN, BLOCK, asset, at, coin_place, coin_tx
from tracer.model import Address, Category, Kind, Label, OriginSpec, Transaction, Transfer, transfer_id
from tracer.taint.flow import Flow, Key, Result
from tracer.taint.stops import Labels

NAMES = [f"p{letter}" for letter in "abcdefg"]
CATEGORIES = [Category.EXCHANGE, Category.MIXER, Category.OTHER, Category.SCAM]
COIN = asset("BTC")
Input = tuple[str, int, str]  # who, amount, the outpoint it spends
Output = tuple[str | None, int]  # None: a script without an address

names = st.sampled_from(NAMES)
amounts = st.one_of(st.integers(1, 9), st.integers(1, 21 * 10**14))


@dataclass(frozen=True)
class CoinCase:
    """A history, its labels, its origins, which addresses were read, and which transactions are CoinJoins."""

    history: list[Transaction]
    labels: list[Label]
    specs: list[OriginSpec]
    read: set[Address]
    mixes: set[Key]

    def fold(self, history: list[Transaction] | None = None) -> Result:
        """Fed at once, or another history in place of its own."""
        flow = Flow(self.specs, Labels(self.labels))
        flow.feed(self.history if history is None else history, self.read)
        return flow.fold(coinjoins=self.mixes)


def spent(number: int, inputs: list[Input], outputs: list[Output]) -> Transaction:
    """The numbered transaction, two in a block of known order."""
    made = []
    for n, (who, amount, outpoint) in enumerate(inputs):
        key = transfer_id(BITCOIN, coin_tx(number), Kind.INPUT, COIN, None, None, amount, n)
        made.append(Transfer(key, Kind.INPUT, COIN, amount, coin_place(who), None, n, outpoint))
    for n, (whom, amount) in enumerate(outputs):
        key = transfer_id(BITCOIN, coin_tx(number), Kind.OUTPUT, COIN, None, None, amount, n)
        made.append(Transfer(key, Kind.OUTPUT, COIN, amount, None, coin_place(whom) if whom else None, n))
    moment, block = at(number // 2), BLOCK + number // 2
    return Transaction(BITCOIN, coin_tx(number), moment, block, number % 2, transfers=tuple(made))


@st.composite
def histories(draw: st.DrawFn, most_inputs: int = 3) -> list[Transaction]:
    """Up to ten transactions: each spends outputs of those before or coins never seen; some are coinbases."""
    made, unspent = list[Transaction](), list[Input]()
    for number in range(draw(st.integers(1, 10))):
        inputs = []
        for n in range(draw(st.integers(0, most_inputs))):
            if unspent and draw(st.booleans()):
                inputs.append(unspent.pop(draw(st.integers(0, len(unspent) - 1))))
            else:
                inputs.append((draw(names), draw(amounts), f"{coin_tx(1000 + number)}:{n}"))
        most = sum(amount for _, amount, _ in inputs) if inputs else draw(amounts)
        marks = sorted(draw(st.lists(st.integers(0, most), min_size=1, max_size=4)))
        whom = st.one_of(names, names, names, st.none())
        outputs = [(draw(whom), high - low) for low, high in zip([0, *marks], marks, strict=False) if high > low]
        made.append(spent(number, inputs, outputs))
        unspent += [(who, amount, f"{coin_tx(number)}:{n}") for n, (who, amount) in enumerate(outputs) if who]
    return made


@st.composite
def coin_cases(draw: st.DrawFn, most_inputs: int = 3, *, addresses_only: bool = False) -> CoinCase:
    """A whole case."""
    history = draw(histories(most_inputs))
    chosen = draw(st.lists(names, unique=True, max_size=3))
    labels = [
        Label(coin_place(one), one, draw(st.sampled_from(CATEGORIES)), Decimal("0.9"), "random") for one in chosen
    ]
    specs = [OriginSpec(coin_place(name)) for name in draw(st.lists(names, unique=True, min_size=1, max_size=2))]
    outputs = [(one.tx_hash, t) for one in history for t in one.transfers if t.recipient]
    if outputs and not addresses_only:
        most = st.one_of(st.none(), st.integers(1, 20))
        for tx_hash, t in draw(st.lists(st.sampled_from(outputs), max_size=2)):
            assert t.recipient is not None
            specs.append(OriginSpec(t.recipient, COIN, tx_hash, draw(most)))
    read = {coin_place(name) for name in draw(st.lists(names, unique=True, min_size=3))}
    keys = [(one.chain, one.tx_hash) for one in history]
    return CoinCase(history, labels, specs, read, draw(st.sets(st.sampled_from(keys), max_size=2)))
