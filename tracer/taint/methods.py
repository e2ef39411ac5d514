"""How a pot spends its lots: five methods by one signature, `spend(lots, amount) -> (taken, kept)`.

All conserve: what is taken and what is kept add up to what was there, in base units and in origin units. The list that
is given becomes what is kept, and lots that move on stay the same lots: making new ones took a third of a fold's time.
Amounts divide by running totals, so that no sort, no float and no remainder rule is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

CLEAN = None
NO_STEP = -1


@dataclass(slots=True)
class Lot:
    """An amount in a pot with one origin or none, the same in the origin's own asset, and the step that brought it.

    A lot belongs to one pot or one payment: what is cut off it is another lot, what is left of it stays the same one.
    """

    amount: int
    origin: str | None = CLEAN
    origin_amount: int = 0
    step: int = NO_STEP

    def brought(self, step: int) -> Lot:
        """The same, brought by this step."""
        return Lot(self.amount, self.origin, self.origin_amount, step)


def parts(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide `amount` over `weights`: part i is floor(amount*W_i/W) - floor(amount*W_(i-1)/W), W_i the running sum.

    The parts add up to `amount`; a part never exceeds its weight while `amount` does not exceed their sum.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    made, running, before = [], 0, 0
    for weight in weights:
        running += weight
        mark = amount * running // whole
        made.append(mark - before)
        before = mark
    return made


def cut(lot: Lot, part: int) -> Lot:
    """Cut `part` off a lot. The part takes floor(origin_amount * part / amount) along; the rest stays."""
    along = lot.origin_amount * part // lot.amount
    lot.amount -= part
    lot.origin_amount -= along
    return Lot(part, lot.origin, along, lot.step)


Spent = tuple[list[Lot], list[Lot]]


def total(lots: Iterable[Lot]) -> int:
    """What the lots add up to, in base units of the pot's asset."""
    amount = 0
    for lot in lots:
        amount += lot.amount
    return amount


def worth(lots: Iterable[Lot]) -> int:
    """What they add up to in the asset of their origin, which is one."""
    amount = 0
    for lot in lots:
        amount += lot.origin_amount
    return amount


def tainted(lots: Iterable[Lot]) -> bool:
    """True if any of them has an origin."""
    for lot in lots:  # noqa: SIM110 - any() takes four times as long
        if lot.origin is not CLEAN:
            return True
    return False


def fifo(lots: list[Lot], amount: int) -> Spent:
    """First in, first out: Clayton's case, Devaynes v Noble (1816) 1 Mer 572. Whole lots, the last one in part."""
    taken: list[Lot] = []
    while amount and lots:
        lot = lots[0]
        if lot.amount > amount:
            taken.append(cut(lot, amount))
            break
        taken.append(lots.pop(0))
        amount -= lot.amount
    return taken, lots


def lifo(lots: list[Lot], amount: int) -> Spent:
    """Last in, first out."""
    lots.reverse()
    taken, _ = fifo(lots, amount)
    lots.reverse()
    return taken, lots


def haircut(lots: list[Lot], amount: int) -> Spent:
    """Every lot gives in proportion: pro rata, part by running totals."""
    taken: list[Lot] = []
    kept: list[Lot] = []
    for lot, part in zip(lots, parts(amount, [lot.amount for lot in lots]), strict=True):
        if part == lot.amount:
            taken.append(lot)
        else:
            kept.append(lot)
            if part:
                taken.append(cut(lot, part))
    lots[:] = kept
    return taken, lots


def _preferring(lots: list[Lot], amount: int, *, dirty: bool) -> Spent:
    """First in, first out, but all of one kind before any of the other."""
    taken: list[Lot] = []
    for wanted in (dirty, not dirty):
        n = 0
        while amount and n < len(lots):
            lot = lots[n]
            if (lot.origin is not CLEAN) != wanted:
                n += 1
            elif lot.amount > amount:
                return [*taken, cut(lot, amount)], lots
            else:
                taken.append(lots.pop(n))
                amount -= lot.amount
    return taken, lots


def dirty_first(lots: list[Lot], amount: int) -> Spent:
    """Tainted lots go first, ties in order of arrival: the most that can have left."""
    return _preferring(lots, amount, dirty=True)


def clean_first(lots: list[Lot], amount: int) -> Spent:
    """Clean lots go first, ties in order of arrival: the least that must have left."""
    return _preferring(lots, amount, dirty=False)


def queue(lots: list[Lot], new: Iterable[Lot]) -> None:
    """Add lots at the end; neighbours become one only where origin and bringing step agree."""
    for lot in new:
        last = lots[-1] if lots else None
        if last is not None and last.step == lot.step and last.origin == lot.origin:
            last.amount += lot.amount
            last.origin_amount += lot.origin_amount
        else:
            lots.append(lot)


def blend(lots: list[Lot], new: Iterable[Lot]) -> None:
    """Add lots to those of the same origin, clean last; the step named is the larger part's, the earlier on a tie."""
    merged = {lot.origin: lot for lot in lots}
    for lot in new:
        old = merged.get(lot.origin)
        if old is None:
            merged[lot.origin] = lot
        else:
            old.step = old.step if old.origin_amount >= lot.origin_amount else lot.step
            old.amount += lot.amount
            old.origin_amount += lot.origin_amount
    clean = merged.pop(CLEAN, None)
    lots[:] = [*merged.values(), *([clean] if clean else [])]


@dataclass(frozen=True)
class Method:
    """A row of METHODS: how a pot spends, how lots enter it, and what that assumes, in a sentence for a judge."""

    spend: Callable[[list[Lot], int], Spent]
    enter: Callable[[list[Lot], Iterable[Lot]], None]
    says: str


METHODS: dict[str, Method] = {
    "fifo": Method(fifo, queue, "Assumes that money leaves in the order in which it came."),
    "lifo": Method(lifo, queue, "Assumes that the money that came last leaves first."),
    "haircut": Method(
        haircut, blend, "Assumes that all money in one place mixes: each payment takes the same share of all."
    ),
    "dirty_first": Method(dirty_first, queue, "Assumes that the reported money is spent before any other."),
    "clean_first": Method(clean_first, queue, "Assumes that the reported money is spent after all other."),
}
DEFAULT_METHOD = "fifo"
POISON = "poison"  # no method but a reach: whatever any taint touched; it conserves nothing


def deal(lots: Sequence[Lot], amounts: Sequence[int]) -> list[list[Lot]]:
    """Share every lot pro rata between destinations, exactly: each destination gets its amount, no lot loses a unit.

    `amounts` must add up to the lots' total.
    """
    left = [*lots]
    return [*[haircut(left, amount)[0] for amount in amounts[:-1]], left]


def convert(paid: Sequence[Sequence[Lot]], received: Sequence[int]) -> tuple[list[list[Lot]], list[Lot]]:
    """Turn lots of one or more assets into amounts of others: -> (lots per amount received, what came to nothing).

    Every lot's origin amount goes in equal shares to each amount received; each asset paid weighs equally, and within
    an asset each lot by its amount. A lot that becomes 0 gives its origin amount to the next lot of the same origin: it
    stands before that one as a lot of amount 0, so that its step is not forgotten, and merges with it in the next pot;
    where none follows, it is returned for `rounding`.
    """
    paid = [lots for lots in paid if lots]
    lots = [lot for asset in paid for lot in asset]
    origin_shares = [parts(lot.origin_amount, [1] * len(received)) for lot in lots]
    outcome: list[list[Lot]] = []
    lost: list[Lot] = []
    for target, amount in enumerate(received):
        amounts = [
            part
            for asset, weight in zip(paid, parts(amount, [1] * len(paid)), strict=True)
            for part in parts(weight, [lot.amount for lot in asset])
        ]
        shares = [share[target] for share in origin_shares]
        made, left = _carry(lots, amounts, shares)
        outcome.append(made)
        lost.extend(left)
    return outcome, lost


def _carry(lots: Sequence[Lot], amounts: Sequence[int], shares: Sequence[int]) -> tuple[list[Lot], list[Lot]]:
    made: list[Lot] = []
    waiting: dict[str | None, list[Lot]] = {}
    for lot, amount, share in zip(lots, amounts, shares, strict=True):
        turned = Lot(amount, lot.origin, share, lot.step)
        if amount:
            made += [*waiting.pop(lot.origin, ()), turned]
        elif share:
            waiting.setdefault(lot.origin, []).append(turned)
    return made, [lot for left in waiting.values() for lot in left]
