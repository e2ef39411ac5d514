"""CoinJoins: bitcoin transactions that make several people's coins indistinguishable. There the exact trace ends.

The rules are those of nopara73/Dumplings, `Scanning/Scanner.cs`, as used and measured in Stütz, Stockinger,
Moreno-Sanchez, Haslhofer, Maffei: "Adoption and Actual Privacy of Decentralized CoinJoin Implementations in Bitcoin"
(2022, arXiv:2109.10229). One differs: where Dumplings takes a shortcut, `_joinmarket` works out who paid for what.
A rule judges all of a transaction's inputs and outputs or says nothing. What it had to take for granted is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from tracer.chains import Family, family, script
from tracer.model import Address, Kind, Transaction, Transfer

BITCOIN = 10**8  # satoshi
P2WPKH, P2TR = "p2wpkh", "p2tr"


class Mix(StrEnum):
    """Which software's CoinJoin it looks like."""

    WASABI2 = "wasabi2"
    WASABI1 = "wasabi1"
    WHIRLPOOL = "whirlpool"
    JOINMARKET = "joinmarket"  # or any other of that form: equal outputs, and a change for each


NAMES = {
    Mix.WASABI2: "Wasabi 2 CoinJoin",
    Mix.WASABI1: "Wasabi 1 CoinJoin",
    Mix.WHIRLPOOL: "Whirlpool CoinJoin",
    Mix.JOINMARKET: "JoinMarket-like CoinJoin",
}


@dataclass(frozen=True, slots=True)
class CoinJoin:
    """What a transaction was recognised as. `equal` of its outputs are of `denomination` satoshi, the most frequent."""

    kind: Mix
    chain: str
    tx_hash: str
    inputs: int
    outputs: int
    equal: int
    denomination: int
    evidence: str
    assumed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The kind in words."""
        return NAMES[self.kind]

    @property
    def says(self) -> str:
        """One sentence's worth: what, where, by which marks, and what was taken for granted."""
        taken = f" ({'; '.join(self.assumed)})" if self.assumed else ""
        return f"{self.name} {self.tx_hash}: {self.evidence}{taken}"


@dataclass(frozen=True, slots=True)
class _Shape:
    """A transaction's inputs and outputs in listed order, and how often each amount stands among the outputs."""

    inputs: tuple[Transfer, ...]
    outputs: tuple[Transfer, ...]
    counts: Counter[int]

    @property
    def paid(self) -> list[int]:
        return [one.amount for one in self.inputs]

    @property
    def got(self) -> list[int]:
        return [one.amount for one in self.outputs]

    @property
    def most(self) -> tuple[int, int]:
        """The most frequent output amount (the larger on a tie) and how often it stands there."""
        return max(self.counts.items(), key=lambda item: (item[1], item[0]))

    def scripts(self) -> set[str]:
        """The script forms of all ends; an end without an address has none of those that rules ask for."""
        return {script(end) if end else "" for end in _ends((*self.inputs, *self.outputs))}


def _ends(transfers: Iterable[Transfer]) -> Iterator[Address | None]:
    return (one.sender if one.kind is Kind.INPUT else one.recipient for one in transfers)


# --- the rules --------------------------------------------------------------------------------------------------------

WASABI2_INPUTS = 50
WASABI2_DENOMINATIONS = frozenset(
    amount
    for factor, base in ((1, 2), (1, 3), (2, 3), (1, 10), (2, 10), (5, 10))
    for power in range(38)
    if 5_000 <= (amount := factor * base**power) <= 134_375_000_000
)
WASABI1_COORDINATORS = frozenset(
    {"bc1qs604c7jv6amk4cxqlnvuxv26hv3e48cds4m0ew", "bc1qa24tsgchvuxsaccp8vrnkfd85hrcpafg20kmjw"}
)
WASABI1_EQUAL, WASABI1_DENOMINATION, WASABI1_PRECISION = 10, BITCOIN // 10, BITCOIN // 50
WHIRLPOOL_POOLS = frozenset({100_000, 1_000_000, 5_000_000, 50_000_000})
WHIRLPOOL_FEE = 110_000  # the most an input brings above the pool's amount
WHIRLPOOL_PEOPLE = range(5, 11)
JOINMARKET_EARNED = (100, 1_000)  # a maker earns at most a hundredth of the equal amount, and so many satoshi
JOINMARKET_SHORTCUT = 10_000
SEARCHED_INPUTS, SEARCHED = 100, 50_000  # inputs, and sums tried of them, before the shortcut decides


def _wasabi2(shape: _Shape) -> str | None:
    """Many native inputs, inputs and outputs each in falling order, nearly all outputs of standard denominations."""
    native = all(script(one.sender) in {P2WPKH, P2TR} if one.sender else False for one in shape.inputs)
    if len(shape.inputs) < WASABI2_INPUTS or not native or not (_falls(shape.paid) and _falls(shape.got)):
        return None
    standard = sum(amount in WASABI2_DENOMINATIONS for amount in shape.got)
    if standard * 10 <= len(shape.outputs) * 8:
        return None
    return f"{len(shape.inputs)} inputs, {standard} of {len(shape.outputs)} outputs are of standard denominations"


def _falls(amounts: Sequence[int]) -> bool:
    return all(before >= after for before, after in pairwise(amounts))


def _wasabi1_coordinated(shape: _Shape) -> str | None:
    """Some amount stands there three times or more, and one of the first coordinators is paid."""
    paid = {one.recipient.text for one in shape.outputs if one.recipient} & WASABI1_COORDINATORS
    amount, count = shape.most
    return f"{_equal(shape, amount, count)}, coordinator {min(paid)} is paid" if paid and count > 2 else None


def _wasabi1(shape: _Shape) -> str | None:
    """Ten or more equal outputs of about 0.1 BTC, as many inputs, some amounts that stand alone; P2WPKH throughout."""
    amount, count = shape.most
    alone = sum(n == 1 for n in shape.counts.values())
    fits = (
        count >= WASABI1_EQUAL
        and len(shape.inputs) >= count
        and abs(amount - WASABI1_DENOMINATION) <= WASABI1_PRECISION
        and alone >= 2
        and shape.scripts() == {P2WPKH}
    )
    return f"{_equal(shape, amount, count)}, {alone} amounts stand alone" if fits else None


def _whirlpool(shape: _Shape) -> str | None:
    """Five to ten inputs and as many outputs, all of one pool's amount; inputs have that or a fee's worth more."""
    pool = shape.got[0]
    mixed_again = shape.paid.count(pool)
    fits = (
        len(shape.inputs) == len(shape.outputs)
        and len(shape.inputs) in WHIRLPOOL_PEOPLE
        and set(shape.got) == {pool}
        and pool in WHIRLPOOL_POOLS
        and mixed_again >= 1
        and all(pool <= amount <= pool + WHIRLPOOL_FEE for amount in shape.paid)
        and shape.scripts() == {P2WPKH}
    )
    return f"{_equal(shape, pool, len(shape.got))}, {mixed_again} inputs of it too" if fits else None


def _joinmarket(shape: _Shape) -> str | None:
    """One amount is repeated, each of its outputs has a change beside it, and inputs of its own that pay for both.

    A maker gets a little more than it put in, the taker pays for all. Dumplings asks only that the largest input be at
    least 0.0001 BTC below the equal amount and the largest change: who earned less fails that. Here the inputs must
    divide among the people; the shortcut is used only where that is too much to try.
    """
    repeated = [(amount, count) for amount, count in shape.counts.items() if count > 1]
    if len(repeated) != 1 or not repeated[0][0]:
        return None
    amount, people = repeated[0]
    changes = [other for other in shape.got if other != amount]
    if len(changes) != people or not all(changes) or not _enough_scripts(shape, people):
        return None
    divided = _divides(shape.paid, [amount + change for change in changes], _earned(amount))
    if divided is None and max(shape.paid) <= amount + max(changes) - JOINMARKET_SHORTCUT:
        return f"{_equal(shape, amount, people)}, each with a change; its inputs were too many to divide"
    return f"{_equal(shape, amount, people)}, each with a change and inputs of its own" if divided else None


def _enough_scripts(shape: _Shape, people: int) -> bool:
    """At least as many addresses as people on both sides: fewer were the same person."""
    return all(len({end for end in _ends(side) if end}) >= people for side in (shape.inputs, shape.outputs))


def _earned(amount: int) -> int:
    share, at_most = JOINMARKET_EARNED
    return amount // share + at_most


def _equal(shape: _Shape, amount: int, count: int) -> str:
    return f"{count} of {len(shape.outputs)} outputs are of {amount:,} satoshi"


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of RULES: from block `since` on and before `until`, `judge` gives the evidence or None."""

    name: str
    kind: Mix
    since: int
    until: int | None
    judge: Callable[[_Shape], str | None]


RULES = (
    Rule("wasabi2", Mix.WASABI2, 741_213, None, _wasabi2),
    Rule("wasabi1_coordinated", Mix.WASABI1, 530_500, 610_000, _wasabi1_coordinated),
    Rule("wasabi1", Mix.WASABI1, 610_000, None, _wasabi1),
    Rule("whirlpool", Mix.WHIRLPOOL, 570_000, None, _whirlpool),
    Rule("joinmarket", Mix.JOINMARKET, 392_300, None, _joinmarket),
)


def coinjoin(transaction: Transaction) -> CoinJoin | None:
    """What CoinJoin a transaction is, by the first rule that holds; None: it is none, or not enough of it is known."""
    if family(transaction.chain) is not Family.BITCOIN or len(transaction.transfers) < 5:
        return None
    inputs, outputs = _side(transaction, Kind.INPUT), _side(transaction, Kind.OUTPUT)
    shape = _Shape(inputs, outputs, Counter(one.amount for one in outputs))
    if not (shape.inputs and shape.outputs and max(shape.counts.values()) > 1):
        return None
    for rule in RULES:
        evidence = rule.judge(shape) if _in_time(rule, transaction.block) else None
        if evidence is not None and _is_all(transaction, shape):
            return _made(transaction, shape, rule, evidence)
    return None


def coinjoins(transactions: Iterable[Transaction]) -> dict[tuple[str, str], CoinJoin]:
    """All CoinJoins among these, by chain and transaction hash."""
    found = (coinjoin(one) for one in transactions)
    return {(one.chain, one.tx_hash): one for one in found if one is not None}


def _side(transaction: Transaction, kind: Kind) -> tuple[Transfer, ...]:
    return tuple(sorted((t for t in transaction.transfers if t.kind is kind), key=lambda t: t.index or 0))


def _in_time(rule: Rule, block: int | None) -> bool:
    return block is None or (rule.since <= block and (rule.until is None or block < rule.until))


def _is_all(transaction: Transaction, shape: _Shape) -> bool:
    """Is all of it known? Else a part could look like a whole.

    Where no source says so: positions run from 0 without a gap on both sides, and the inputs pay for the outputs and
    for a fee of at most a twentieth of them.
    """
    if transaction.whole:
        return True
    fee = sum(shape.paid) - sum(shape.got)
    sides = (shape.inputs, shape.outputs)
    gapless = all([one.index for one in side] == list(range(len(side))) for side in sides)
    return gapless and 0 <= fee * 20 <= sum(shape.paid)


def _made(transaction: Transaction, shape: _Shape, rule: Rule, evidence: str) -> CoinJoin:
    assumed = []
    if transaction.block is None:
        assumed.append(f"its block is unknown and taken to be {rule.since} or later")
    if not transaction.whole:
        assumed.append("the inputs and outputs at hand balance and are taken to be all")
    amount, count = shape.most
    return CoinJoin(
        kind=rule.kind,
        chain=transaction.chain,
        tx_hash=transaction.tx_hash,
        inputs=len(shape.inputs),
        outputs=len(shape.outputs),
        equal=count,
        denomination=amount,
        evidence=evidence,
        assumed=tuple(assumed),
    )


# --- do the inputs divide among the people? ---------------------------------------------------------------------------


class _TooMany(Exception):
    """More sums than are worth trying."""


def _divides(inputs: Sequence[int], needs: Sequence[int], earned: int) -> bool | None:
    """Can all but one (the taker, who pays the fees with what is left) be paid from inputs of their own?

    A maker's inputs add up to what it got, less at most `earned`. None: too much to try.
    """
    if len(inputs) > SEARCHED_INPUTS:
        return None
    tried = iter(range(SEARCHED))
    falling = sorted(inputs, reverse=True)
    try:
        return any(
            _served(falling, sorted([*needs[:taker], *needs[taker + 1 :]], reverse=True), earned, tried)
            for taker in range(len(needs))
        )
    except _TooMany:
        return None


def _served(inputs: list[int], needs: list[int], earned: int, tried: Iterator[int]) -> bool:
    if not needs:
        return bool(inputs)
    return any(_served(left, needs[1:], earned, tried) for left in _without(inputs, needs[0] - earned, needs[0], tried))


def _without(inputs: list[int], low: int, high: int, tried: Iterator[int]) -> Iterator[list[int]]:
    """What is left of falling `inputs` for every choice of some that add up to between `low` and `high`."""
    left = sum(inputs)
    for place, one in enumerate(inputs):
        if left < low:
            return
        if next(tried, None) is None:
            raise _TooMany
        if one <= high:
            before, after = inputs[:place], inputs[place + 1 :]
            if one >= low:
                yield before + after
            for rest in _without(after, low - one, high - one, tried):
                yield before + rest
        left -= one
