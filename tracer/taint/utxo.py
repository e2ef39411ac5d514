"""A bitcoin transaction: inputs empty their outpoints into the transaction, outputs take from it in listed order.

The fee is what remains, the tail (Anderson, Shumailov, Ahmed, Rietmann: "Bitcoin Redux", 2018). Outputs beyond the
known inputs (all of a coinbase's) are fresh, so what a miner collects in fees comes in clean: taint that was paid as a
fee ended there. What enters a CoinJoin ends in it, change and fee too: nobody can tell whose outputs they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from tracer.model import Address, Kind, Transaction, Transfer
from tracer.taint.books import Book
from tracer.taint.entries import COINJOIN, ENDS, UNADDRESSED, EndKind, PotKey, Step
from tracer.taint.methods import CLEAN, METHODS, NO_STEP, Lot, total
from tracer.taint.passage import outpoint
from tracer.taint.stops import Stop


@dataclass(frozen=True)
class Coins:
    """One bitcoin transaction ready to be played: its inputs and outputs in listed order."""

    at: Transaction
    inputs: tuple[Transfer, ...]
    outputs: tuple[Transfer, ...]
    reported: frozenset[str]
    stops: Mapping[Address, Stop]
    mixed: bool = False  # a CoinJoin


def coins(
    transaction: Transaction,
    counted: Collection[Transfer],
    stop_at: Callable[[Address], Stop | None],
    payments: Collection[str],
) -> Coins:
    """Put inputs and outputs in order; label what is a stop."""
    listed = sorted(counted, key=lambda transfer: (transfer.index or 0, transfer.id))
    ends = {end for transfer in listed for end in (transfer.sender, transfer.recipient) if end}
    return Coins(
        transaction,
        tuple(t for t in listed if t.kind is Kind.INPUT),
        tuple(t for t in listed if t.kind is Kind.OUTPUT),
        frozenset(t.id for t in listed) & frozenset(payments),
        {end: stop for end in ends if (stop := stop_at(end)) is not None},
    )


def play(book: Book, plan: Coins, spends: Mapping[Address, bool]) -> None:
    """Move what a bitcoin transaction moved, in one book."""
    lots, owners = _gather(book, plan, spends)
    if plan.mixed:
        lots = _mix(book, plan, lots, owners)
    missing = sum(output.amount for output in plan.outputs) - total(lots)
    if missing > 0:  # a coinbase, or inputs that are not known
        _say_missing(book, plan, lots, missing)
        METHODS[book.method].enter(lots, [Lot(missing)])
    for output in plan.outputs:
        taken, lots = METHODS[book.method].spend(lots, output.amount)
        if output.id in plan.reported:
            taken = book.report(output, taken)
        if output.recipient is None:
            _leave(book, plan, UNADDRESSED, taken, owners)
        else:
            _receive(book, plan, output, _carried(book, plan, output, taken, owners))
    for lot in (lot for lot in lots if lot.origin is not CLEAN):
        payer, step = owners[lot.step]
        book.lose("fees", plan.at, payer, plan.inputs[0].asset, [lot.brought(step)])


Owner = tuple[Address, int]


def _gather(book: Book, plan: Coins, spends: Mapping[Address, bool]) -> tuple[list[Lot], list[Owner]]:
    """All inputs' lots, each numbered in place of its step: -> (lots, whose and which step each number is)."""
    lots: list[Lot] = []
    owners: list[Owner] = []
    # in a CoinJoin each input's lots stay apart: it is told at whose address each ended
    enter = lots.extend if plan.mixed else partial(METHODS[book.method].enter, lots)
    for paid in plan.inputs:
        pot: PotKey | None = (paid.sender, paid.asset, paid.outpoint or "") if paid.sender else None
        if pot is None or not spends.get(pot[0]) or pot[0] in plan.stops:
            enter([Lot(paid.amount)])
            continue
        for lot in book.take(plan.at, pot, paid.amount):
            numbered = lot if lot.origin is CLEAN else lot.brought(len(owners))
            if lot.origin is not CLEAN:
                owners.append((pot[0], lot.step))
            enter([numbered])
    return lots, owners


def _mix(book: Book, plan: Coins, lots: list[Lot], owners: list[Owner]) -> list[Lot]:
    """Taint ends in a CoinJoin, at the address whose coin it was; -> what the outputs are made of: clean money."""
    _leave(book, plan, COINJOIN, lots, owners)
    return [Lot(total(lots))]


def _leave(book: Book, plan: Coins, by: str, lots: list[Lot], owners: list[Owner]) -> None:
    """Money that left its address for none that can be named: into a CoinJoin, or to a script without an address."""
    kind = EndKind.MIXER if by == COINJOIN else EndKind.UNRESOLVED
    for lot in lots:
        if lot.origin is CLEAN:
            continue
        sender, parent = owners[lot.step]
        asset = plan.inputs[0].asset
        step = Step(
            *(plan.at, by, sender, sender, asset, lot.amount),
            *(asset, lot.amount, lot.origin, lot.origin_amount, parent),
        )
        book.end(kind, sender, asset, [lot.brought(book.write(step))])


def _say_missing(book: Book, plan: Coins, lots: list[Lot], missing: int) -> None:
    """Taint beside inputs that are not known is a gap: their place among the inputs is not known either."""
    first = next((paid.sender for paid in plan.inputs if paid.sender), None)
    if first is not None and any(lot.origin is not CLEAN for lot in lots):
        book.world.unseen(plan.at, (first, plan.inputs[0].asset, ""), missing)


def _carried(book: Book, plan: Coins, output: Transfer, taken: list[Lot], owners: list[Owner]) -> list[Lot]:
    """Write a step for each origin and sender in what an output took; -> the lots, tainted ones naming their step."""
    assert output.recipient is not None  # noqa: S101 - the caller looked
    fallback = plan.inputs[0].sender if plan.inputs and plan.inputs[0].sender else output.recipient
    carried: list[Lot] = []
    for lot in taken:
        if lot.origin is CLEAN:
            carried.append(lot)
            continue
        sender, parent = owners[lot.step] if lot.step != NO_STEP else (fallback, NO_STEP)
        step = Step(
            *(plan.at, "payment", sender, output.recipient, output.asset, lot.amount),
            *(output.asset, lot.amount, lot.origin, lot.origin_amount, parent),
        )
        book.world.hop(sender, output.recipient)
        carried.append(lot.brought(book.write(step)))
    return carried


def _receive(book: Book, plan: Coins, output: Transfer, lots: list[Lot]) -> None:
    assert output.recipient is not None  # noqa: S101 - the caller looked
    stop = plan.stops.get(output.recipient)
    if stop is not None:
        book.end(ENDS.get(stop, EndKind.UNRESOLVED), output.recipient, output.asset, lots)
        return
    pot = (output.recipient, output.asset, outpoint(output.recipient, plan.at.tx_hash, output.index))
    for lot in lots:
        if lot.origin is not CLEAN:
            book.put(pot, [lot], plan.at.at)
        else:
            book.put_clean(plan.at, pot, lot.amount)
