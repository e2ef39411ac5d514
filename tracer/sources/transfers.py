"""The transfers CSV: rows checked, joined to transactions, and held so compactly that a million fit in memory."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from tracer.chains import is_on_chain, listed, parse_chain, parse_tx_hash
from tracer.errors import InputError
from tracer.model import Asset, AssetId, Kind, Transaction, Transfer, transfer_id
from tracer.sources import cells
from tracer.sources.movements import COINS, Head, Move, read_head, read_move
from tracer.sources.rows import Columns, RawFile, Remarks, Row, read_rows

Progress = Callable[[str, int], None]  # what was done, and how many times so far

COLUMNS = Columns(
    (
        *("chain", "tx_hash", "block", "tx_index", "index", "time", "kind", "sender", "recipient"),
        *("asset", "symbol", "decimals", "amount", "outpoint", "initiator"),
    ),
    frozenset({"tx_index", "index", "decimals", "outpoint", "initiator"}),
)
EVERY = 10_000  # rows between two calls of Progress
SYMBOL = 128  # letters of a symbol that are kept


class Group:
    """The rows of one transaction: what they say together, where the first stands, and their moves."""

    __slots__ = ("head", "line", "moves", "page")

    def __init__(self, head: Head, row: Row) -> None:
        self.head = head
        self.page = row.page
        self.line = row.line
        self.moves: list[Move] = []


class Described(NamedTuple):
    """What the rows say of an asset, and the first line that told its decimals."""

    symbol: str
    decimals: int | None
    line: int


@dataclass(frozen=True, slots=True)
class TransferFile:
    """What a transfers file says. `rows` counts the refused too; `repeated` are equal to an earlier row in every column
    and count as movements of their own; `cut` are refused rows whose transaction is kept without them.
    """

    rows: int
    groups: tuple[Group, ...]
    assets: tuple[Asset, ...]
    refused: Remarks
    repeated: Remarks
    cut: Remarks

    def transactions(self) -> Iterator[Transaction]:
        """The transactions in order of their first rows, made one by one; transfers stand in order of id."""
        return map(_transaction, self.groups)

    def by_page(self) -> Iterator[tuple[int, Iterator[Transaction]]]:
        """The same by the page their first row is in, pages rising from 0. Use up each before taking the next."""
        for page, groups in groupby(self.groups, key=lambda group: group.page):
            yield page, map(_transaction, groups)


def read_transfers(file: RawFile, progress: Progress | None = None) -> TransferFile:
    """Everything a transfers file says; bad rows are in `refused`. Raises InputError if it is no such file."""
    reader = _Reader()
    with _uncollected():
        for number, row in enumerate(read_rows(file, COLUMNS, reader.refused), start=1):
            try:
                reader.take(row)
            except InputError as wrong:
                reader.refuse(row, str(wrong))
            if progress and number % EVERY == 0:
                progress("rows read", number)
        return reader.done(file.name)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Reading makes no cycles, and to look for some among a million rows again and again takes half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# --- one row ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """What was read so far. A refused row leaves no trace in it but its refusal."""

    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    described: dict[AssetId, Described] = field(default_factory=dict)
    refused: Remarks = field(default_factory=Remarks)
    _missed: dict[tuple[str, str], int] = field(default_factory=dict)  # transactions of refused rows, and the line
    _coins: dict[tuple[str, Kind, int | None] | None, int] = field(default_factory=dict)  # inputs and outputs, by line
    _said: set[tuple[AssetId, str, str]] = field(default_factory=set)
    _last: tuple[tuple[str, ...], Head] | None = None

    def take(self, row: Row) -> None:
        """Add a row. Raises InputError, and adds nothing, if it is bad or clashes with an earlier one."""
        chain, tx_hash, block, tx_index, _, at, _, _, _, _, symbol, decimals, _, _, initiator = row.cells
        head = self._head((chain, tx_hash, at, block, tx_index, initiator))
        move = read_move(head.chain, row)
        if move.kind is Kind.FEE:
            head = _paid(head, move)
        group = self.groups.get((head.chain, head.tx_hash))
        if group is None:
            group = Group(head, row)
        elif group.head != head:
            head = _joined(group, head)
        place = (head.tx_hash, move.kind, move.position) if move.kind in COINS else None
        if place in self._coins:
            raise InputError(f"{move.kind} {move.position} of this transaction stands at line {self._coins[place]}")
        self._describe(move, symbol[:SYMBOL], decimals)
        if place:
            self._coins[place] = move.line
        group.head = head
        group.moves.append(move)
        self.groups[head.chain, head.tx_hash] = group

    def refuse(self, row: Row, reason: str) -> None:
        """List a bad row, and remember its transaction if it can be told."""
        self.refused.add(row.line, reason)
        try:
            chain = parse_chain(row.cells[0])
            self._missed.setdefault((chain, parse_tx_hash(chain, row.cells[1])), row.line)
        except InputError:
            return

    def done(self, name: str) -> TransferFile:
        """Everything together. Raises InputError if there was no row at all."""
        groups = tuple(self.groups.values())
        rows = sum(len(group.moves) for group in groups) + self.refused.total
        if not rows:
            raise InputError(f"{name} holds no rows: write one a transfer under the header")
        cut = Remarks()
        for (chain, tx_hash), line in self._missed.items():
            if (chain, tx_hash) in self.groups:
                cut.add(line, f"transaction {chain}:{tx_hash} is kept without this row")
        assets = tuple(_asset(asset, told) for asset, told in sorted(self.described.items()))
        return TransferFile(rows, groups, assets, self.refused, _repeated(groups), cut)

    def _head(self, said: tuple[str, ...]) -> Head:
        """What the row says of its transaction. Rows of one mostly stand together, so the last is kept."""
        if self._last is not None and self._last[0] == said:
            return self._last[1]
        head = read_head(*said)
        self._last = said, head
        return head

    def _describe(self, move: Move, symbol: str, decimals: str) -> None:
        """Keep what is said of the asset; the first symbol stands. Raises InputError for other decimals than known."""
        if (move.asset, symbol, decimals) in self._said:
            return
        given, before = cells.decimals(decimals), self.described.get(move.asset)
        token = listed(move.asset)
        if token and None not in (token.decimals, given) and given != token.decimals:
            raise InputError(f"decimals {given}: {token.symbol} has {token.decimals} on the chain's verified list")
        if before and None not in (before.decimals, given) and given != before.decimals:
            raise InputError(f"decimals {given}: line {before.line} says {before.decimals} of the same asset")
        told = before or Described("", None, 0)
        line = move.line if told.decimals is None else told.line
        known = given if told.decimals is None else told.decimals
        self.described[move.asset] = Described(told.symbol or cells.clean(symbol), known, line)
        self._said.add((move.asset, symbol, decimals))


# --- one transaction --------------------------------------------------------------------------------------------------


def _paid(head: Head, fee: Move) -> Head:
    """The head with the payer of the fee as initiator."""
    if head.initiator not in (None, fee.sender):
        raise InputError("kind fee: its sender is not the initiator, who pays it: mend one of them")
    return head._replace(initiator=fee.sender)


def _joined(group: Group, new: Head) -> Head:
    """What the rows of a transaction say together. Raises InputError where this one says something else."""
    old = group.head
    for what, before, after in zip(Head._fields, old, new, strict=True):
        if before != after and before is not None and after is not None:
            said = f"{what} {after} differs from {before}"
            raise InputError(f"{said} in the same transaction, which starts at line {group.line}")
    return old._replace(
        block=new.block if old.block is None else old.block,
        tx_index=new.tx_index if old.tx_index is None else old.tx_index,
        initiator=old.initiator or new.initiator,
    )


def _repeated(groups: tuple[Group, ...]) -> Remarks:
    found: list[tuple[int, int]] = []
    for group in groups:
        if len(group.moves) > 1:
            first: dict[Move, int] = {}
            lines = ((move.line, first.setdefault(move._replace(line=0), move.line)) for move in group.moves)
            found += [(line, other) for line, other in lines if line != other]
    remarks = Remarks()
    for line, other in sorted(found):
        remarks.add(line, f"is equal to line {other} in every column: counted as a movement of its own")
    return remarks


def _asset(asset: AssetId, told: Described) -> Asset:
    """An asset as the verified list says, else as the rows do."""
    token = listed(asset)
    if token is None:
        return Asset(asset, told.symbol, told.decimals, on_chain=is_on_chain(asset))
    decimals = told.decimals if token.decimals is None else token.decimals
    return Asset(asset, token.symbol, decimals, listed=True)


def _transaction(group: Group) -> Transaction:
    head = group.head
    return Transaction(
        chain=head.chain,
        tx_hash=head.tx_hash,
        at=head.at,
        block=head.block,
        tx_index=head.tx_index,
        initiator=head.initiator,
        transfers=tuple(sorted(_transfers(head, group.moves), key=lambda transfer: transfer.id)),
    )


def _transfers(head: Head, moves: list[Move]) -> Iterator[Transfer]:
    """The transfers with their ids. Equal ones are numbered in order of index, so that no row order changes them."""
    seen: Counter[tuple[object, ...]] = Counter()
    for move in sorted(moves, key=_by_position) if len(moves) > 1 else moves:
        same = move[:5]
        n = seen[same] if move.kind not in COINS else move.position or 0
        seen[same] += 1
        name = transfer_id(head.chain, head.tx_hash, move.kind, move.asset, move.sender, move.recipient, move.amount, n)
        yield Transfer(name, *move[:7])


def _by_position(move: Move) -> tuple[bool, int]:
    return move.position is None, move.position or 0
