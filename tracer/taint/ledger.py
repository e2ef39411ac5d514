"""One address's ledger under one method: every line that changed its pots, written down while a fold goes on.

A fold that is given `recording` instead of the plain book plays the same books; the address's own lines are kept beside
them. Nothing of this runs where nobody asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tracer.model import Address, AssetId, Crossing, Transaction
from tracer.taint.books import Book, World
from tracer.taint.entries import EndKind, PotKey, Step
from tracer.taint.flow import Flow
from tracer.taint.hubs import Key
from tracer.taint.methods import NO_STEP, Lot, total


class Entry(StrEnum):
    """What a line of a ledger says happened."""

    IN = "in"
    UNSEEN = "unseen"  # it paid more than was seen coming in
    OUT = "out"
    FEE = "fee"
    ENDED = "ended"  # it came in and goes no further


IN = frozenset({Entry.IN, Entry.UNSEEN, Entry.ENDED})


@dataclass(slots=True)
class Line:
    """One line: net of its transaction. `lots` are what came or went; `held` is what the address holds after it.

    `others`: whose it was, or who got it, as the tainted part went; where none was tainted, as the transfers say.
    """

    transaction: Transaction
    entry: Entry
    asset: AssetId
    lots: list[Lot]
    held: int = 0
    others: tuple[Address, ...] = ()
    by: str = "payment"

    @property
    def amount(self) -> int:
        """All of it, in base units."""
        return total(self.lots)

    def of(self) -> dict[str | None, int]:
        """The same by origin; None: clean (of an unseen line: unseen)."""
        sums: dict[str | None, int] = defaultdict(int)
        for lot in self.lots:
            sums[lot.origin] += lot.amount
        return dict(sums)


@dataclass(slots=True)
class Ledger:
    """All lines of one address under one method, in order; `book` is the whole book it was taken from."""

    address: Address
    method: str
    book: Book
    lines: list[Line] = field(default_factory=list)


class Recorder(Book):
    """A book that also writes down what happens to one address's pots."""

    def __init__(self, method: str, world: World, address: Address) -> None:
        super().__init__(method, world)
        self.address = address
        self.lines: list[Line] = []

    def take(self, transaction: Transaction, key: PotKey, amount: int, fee: bool = False) -> list[Lot]:
        """Spend from a pot; see Book."""
        pot = self.pots.get(key)
        missing = amount - (pot.held if pot else 0)
        taken = super().take(transaction, key, amount, fee=fee)
        if key[0] == self.address:
            if missing > 0:
                self._write(transaction, Entry.UNSEEN, key[1], taken[-1:])
            self._write(transaction, Entry.FEE if fee else Entry.OUT, key[1], taken)
        return taken

    def put(self, key: PotKey, lots: Sequence[Lot], at: datetime) -> None:
        """Let tainted lots into a pot; see Book."""
        if key[0] == self.address:
            self._write(self.steps[lots[0].step].transaction, Entry.IN, key[1], lots)
        super().put(key, lots, at)

    def put_clean(self, transaction: Transaction, key: PotKey, amount: int) -> Lot | None:
        """Let money without history into a pot; see Book."""
        lot = super().put_clean(transaction, key, amount)
        if lot is not None and key[0] == self.address:
            self._write(transaction, Entry.IN, key[1], [lot])
        return lot

    def end(self, kind: EndKind, address: Address, asset: AssetId, lots: Iterable[Lot]) -> None:
        """Money that goes no further; see Book."""
        lots = [lot for lot in lots if lot.origin is not None]
        super().end(kind, address, asset, lots)
        if address == self.address and lots:
            self._write(self.steps[lots[0].step].transaction, Entry.ENDED, asset, lots)

    def _write(self, transaction: Transaction, entry: Entry, asset: AssetId, lots: Sequence[Lot]) -> None:
        said = [replace(lot) for lot in lots]  # as they are now: pots change them
        last = self.lines[-1] if self.lines else None
        if last and (last.transaction, last.entry, last.asset) == (transaction, entry, asset):
            last.lots.extend(said)  # what came tainted and what came clean, or several outpoints
        else:
            self.lines.append(Line(transaction, entry, asset, said))


def ledger(  # noqa: PLR0917 - what a fold is told
    flow: Flow,
    dropped: Collection[str],
    method: str,
    address: Address,
    coinjoins: Collection[Key] = (),
    crossings: Collection[Crossing] = (),
) -> Ledger:
    """Fold once more with a recorder at one address: -> its ledger under one method."""

    def recording(name: str, world: World) -> Book:
        return Recorder(name, world, address) if name == method else Book(name, world)

    book = flow.fold(dropped, coinjoins, crossings, book=recording).books[method]
    assert isinstance(book, Recorder)  # noqa: S101 - made above
    return Ledger(address, method, book, _told(book))


def _told(book: Recorder) -> list[Line]:
    """The lines with what is held after each, and with whom they were."""
    held: dict[AssetId, int] = defaultdict(int)
    paid = _paid(book)
    for line in book.lines:
        if line.entry is not Entry.ENDED:
            held[line.asset] += line.amount if line.entry in IN else -line.amount
        line.held = held[line.asset]
        if line.entry in (Entry.IN, Entry.ENDED):
            steps = [book.steps[lot.step] for lot in line.lots if lot.step != NO_STEP]
            others = [step.sender for step in steps] or _ends(line, book.address, incoming=True)
        else:
            steps = paid[(line.transaction.chain, line.transaction.tx_hash, line.asset)]
            others = [step.recipient for step in steps] or _ends(line, book.address, incoming=False)
        if line.entry not in (Entry.FEE, Entry.UNSEEN):
            line.others = tuple(dict.fromkeys(others))
            line.by = steps[0].by if steps else "payment"
    return book.lines


def _paid(book: Recorder) -> dict[tuple[str, str, AssetId], list[Step]]:
    """The steps that left the address, by transaction and asset."""
    paid: dict[tuple[str, str, AssetId], list[Step]] = defaultdict(list)
    for step in book.steps:
        if step.sender == book.address:
            paid[(step.transaction.chain, step.transaction.tx_hash, step.asset)].append(step)
    return paid


def _ends(line: Line, address: Address, *, incoming: bool) -> list[Address]:
    """Whom the transfers of a clean line were from, or to."""
    moved = [t for t in line.transaction.transfers if t.asset == line.asset and t.amount]
    if incoming:
        return [t.sender for t in moved if t.recipient == address and t.sender]
    return [t.recipient for t in moved if t.sender == address and t.recipient]
