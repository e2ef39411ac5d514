"""A bitcoin transaction: inputs empty their outpoints into the transaction, outputs take from it in listed order.

The fee is what remains, the tail (Anderson, Shumailov, Ahmed, Rietmann: "Bitcoin Redux", 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from tracer.model import Address, Kind, Transaction, Transfer
from tracer.taint.books import ENDS, Book, EndKind, PotKey, Step
from tracer.taint.methods import CLEAN, METHODS, NO_STEP, Lot, total
from tracer.taint.stops import Stop


@dataclass(frozen=True)
class Coins:
    """One bitcoin transaction ready to be played: its inputs and outputs in listed order."""

    at: Transaction
    inputs: tuple[Transfer, ...]
    outputs: tuple[Transfer, ...]
    reported: frozenset[str]
    stops: Mapping[Address, Stop]


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
    for output in plan.outputs:
        missing = output.amount - total(lots)
        if missing > 0:  # a coinbase, or inputs that are not known
            lots.append(Lot(missing))
        taken, lots = METHODS[book.method].spend(lots, output.amount)
        if output.id in plan.reported:
            taken = book.report(output, taken)
        if output.recipient is not None:
            _receive(book, plan, output, _carried(book, plan, output, taken, owners))
    for lot in (lot for lot in lots if lot.origin is not CLEAN):
        payer, step = owners[lot.step]
        book.lose("fees", plan.at, payer, plan.inputs[0].asset, [lot._replace(step=step)])


Owner = tuple[Address, int]


def _gather(book: Book, plan: Coins, spends: Mapping[Address, bool]) -> tuple[list[Lot], list[Owner]]:
    """All inputs' lots, each numbered in place of its step: -> (lots, whose and which step each number is)."""
    lots: list[Lot] = []
    owners: list[Owner] = []
    for paid in plan.inputs:
        pot: PotKey | None = (paid.sender, paid.asset, paid.outpoint or "") if paid.sender else None
        if pot is None or not spends.get(pot[0]) or pot[0] in plan.stops:
            METHODS[book.method].enter(lots, [Lot(paid.amount)])
            continue
        for lot in book.take(plan.at, pot, paid.amount):
            numbered = lot if lot.origin is CLEAN else lot._replace(step=len(owners))
            if lot.origin is not CLEAN:
                owners.append((pot[0], lot.step))
            METHODS[book.method].enter(lots, [numbered])
    return lots, owners


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
        carried.append(lot._replace(step=book.write(step)))
    return carried


def _receive(book: Book, plan: Coins, output: Transfer, lots: list[Lot]) -> None:
    assert output.recipient is not None  # noqa: S101 - the caller looked
    stop = plan.stops.get(output.recipient)
    if stop is not None:
        book.end(ENDS.get(stop, EndKind.UNRESOLVED), output.recipient, output.asset, lots)
        return
    pot = (output.recipient, output.asset, f"{plan.at.tx_hash}:{output.index}")
    for lot in lots:
        if lot.origin is not CLEAN:
            book.put(pot, [lot], plan.at.at)
        else:
            book.put_clean(plan.at, pot, lot.amount)
