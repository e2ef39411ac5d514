"""A history from what a store keeps: columns as text, in pieces, with the store's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from tracer.chains import Family, family
from tracer.model import Address, AssetId, Transaction, Transfer, transfer_id
from tracer.taint.kernel.history import EPOCH, KINDS, Heads, History, Made, Moves, TooWide
from tracer.taint.kernel.reading import amounts, integers, moments, pairs, words
from tracer.taint.kernel.state import Array

BREAK = "\n"  # between transaction hashes: no name holds one
Text = str | bytes | None


class Piece(NamedTuple):
    """Some transactions and some transfers, in any order, each column as one text of values with commas between.

    None: there are none; -1 stands for what is not known. Heads: hash (BREAK between), moment, number, block, position,
    initiator, to; then the numbers of those that are not ok, and of those that are not whole. Moves: amount, number of
    the transaction, kind, asset, sender, recipient, and index and n as `reading.pairs` takes them.
    """

    heads: Sequence[Text]
    moves: Sequence[Text]


class Places(NamedTuple):
    """Numbers of the store for numbers of a history, where addresses and assets are in order."""

    values: list[Any]
    numbers: Array  # by the store's number

    @classmethod
    def of(cls, named: Mapping[int | None, Any], size: int) -> Places:
        """Of those that have a name, all below `size`; the last place is for none."""
        order = sorted((value, number) for number, value in named.items() if number is not None)
        numbers = np.full(size, -1, np.int32)
        for place, (_, number) in enumerate(order):
            numbers[number] = place
        return cls([value for value, _ in order], numbers)


Columns = list[Array]  # as in a Piece: of heads without the hash; of moves with two columns for the amount at the end


class Hashes(NamedTuple):
    """Transaction hashes as one text, and where each begins and ends."""

    text: bytes
    start: Array
    end: Array

    def at(self, row: int) -> str:
        """The hash of a row."""
        return self.text[self.start[row] : self.end[row]].decode()


Read = tuple[Columns, Columns, Hashes]  # heads, moves


def stored(
    pieces: Iterable[Read],
    wanted: Collection[int] | None,
    named: Collection[int],
    addresses: Callable[[Collection[int]], Mapping[int | None, Address]],
    assets: Callable[[Collection[int]], Mapping[int | None, AssetId]],
) -> History | None:
    """The history of those transactions in which one of `wanted` sends or receives, and of `named`; None: of all.

    `addresses` and `assets` tell what numbers stand for. Gives None where columns are no way to hold it: on bitcoin,
    where there is nothing or a transaction has no transfer, and of amounts of 2**127 or more.
    """
    try:
        parts = list(pieces)
    except TooWide:
        return None
    if not parts:
        return None
    heads, moves, hashes = _joined(parts)
    if wanted is not None:
        heads, moves, hashes = _touched(heads, moves, hashes, wanted, named)
    if not len(heads[0]) or not _those(moves[1], most=int(heads[1].max()))[heads[1]].all():
        return None
    ends, what = _those(moves[4], moves[5], heads[4], heads[5]), _those(moves[3])
    places = Places.of(addresses(np.flatnonzero(ends).tolist()), len(ends))
    kinds = Places.of(assets(np.flatnonzero(what).tolist()), len(what))
    if any(family(asset.chain) is Family.BITCOIN for asset in kinds.values):
        return None
    return _history(heads, moves, hashes, places, kinds)


def _those(*numbers: Array, most: int = 0) -> Array:
    """Which numbers there are."""
    seen = np.zeros(max([most, *(int(some.max(initial=0)) for some in numbers)]) + 2, np.bool_)
    for some in numbers:
        seen[some] = True
    seen[-1] = False  # none
    return seen


def read(piece: Piece) -> Read:
    """A piece as arrays. Raises TooWide for an amount of 2**127 or more."""
    letters = _bytes(piece.heads[0])
    text, breaks = letters.tobytes(), np.flatnonzero(letters == ord(BREAK))
    hashes = Hashes(text, np.r_[0, breaks + 1], np.r_[breaks, len(text)])
    if not text:
        hashes = Hashes(text, np.zeros(0, np.int64), np.zeros(0, np.int64))
    size = len(hashes.start)
    at = np.zeros(size, np.int64)
    moments(_bytes(piece.heads[1]), at)
    heads = [at, *(_integers(column, size) for column in piece.heads[2:7])]
    heads += [~np.isin(heads[1], _integers(column)) for column in piece.heads[7:]]
    many = _size(piece.moves[1])
    high, low = np.zeros(many, np.uint64), np.zeros(many, np.uint64)
    if many and not amounts(_bytes(piece.moves[0]), high, low):
        raise TooWide
    number, asset, sender, recipient = (_integers(piece.moves[column], many) for column in (1, 3, 4, 5))
    index, n = np.zeros(many, np.int64), np.zeros(many, np.int64)
    if many:
        pairs(_bytes(piece.moves[6]), index, n)
    return heads, [low, number, _kinds(piece.moves[2], many), asset, sender, recipient, n, index, high], hashes


def _bytes(text: Text) -> Array:
    return np.frombuffer(text.encode() if isinstance(text, str) else text or b"", np.uint8)


def _size(text: Text) -> int:
    letters = _bytes(text)
    return int(np.count_nonzero(letters == ord(","))) + 1 if len(letters) else 0


def _integers(text: Text, size: int | None = None) -> Array:
    made = np.zeros(_size(text) if size is None else size, np.int64)
    integers(_bytes(text), made)
    return made


def _kinds(text: Text, size: int) -> Array:
    """Places in KINDS."""
    known, found = np.zeros(len(KINDS), np.int64), np.zeros(size, np.int64)
    words(_bytes(",".join(KINDS)), known)
    words(_bytes(text), found)
    order = np.argsort(known)
    return order[np.searchsorted(known, found, sorter=order)]


def _joined(parts: Sequence[Read]) -> Read:
    heads = [np.concatenate(columns) for columns in zip(*(one[0] for one in parts), strict=True)]
    moves = [np.concatenate(columns) for columns in zip(*(one[1] for one in parts), strict=True)]
    texts = [one[2].text for one in parts]
    shift = [0, *accumulate(map(len, texts))]
    starts = np.concatenate([one[2].start + by for one, by in zip(parts, shift, strict=False)])
    ends = np.concatenate([one[2].end + by for one, by in zip(parts, shift, strict=False)])
    return heads, moves, Hashes(b"".join(texts), starts, ends)


def _touched(heads: Columns, moves: Columns, hashes: Hashes, wanted: Collection[int], named: Collection[int]) -> Read:
    ends = _those(np.array([*wanted], np.int64), most=int(max(moves[4].max(initial=0), moves[5].max(initial=0))))
    some = moves[1][ends[moves[4]] | ends[moves[5]]]
    most = int(max(heads[1].max(initial=0), moves[1].max(initial=0)))
    chosen = _those(some, np.array([*named], np.int64), most=most)
    kept, rows = chosen[heads[1]], chosen[moves[1]]
    if kept.all() and rows.all():
        return heads, moves, hashes
    hashes = Hashes(hashes.text, hashes.start[kept], hashes.end[kept])
    return [column[kept] for column in heads], [column[rows] for column in moves], hashes


def _history(heads: Columns, moves: Columns, hashes: Hashes, places: Places, kinds: Places) -> History:
    at, number, block, place, initiator, to, ok, whole = heads
    low, of, kind, asset, sender, recipient, n, index, high = moves
    row = np.full(int(max(number.max(initial=0), of.max(initial=0))) + 1, -1, np.int64)
    row[number] = np.arange(len(number))
    moves = [column[np.flatnonzero(row[of] >= 0)] for column in moves] if (row[of] < 0).any() else moves
    low, of, kind, asset, sender, recipient, n, index, high = moves
    chains = sorted({one.chain for one in kinds.values})
    chain_of = np.array([chains.index(one.chain) for one in kinds.values], np.int8)
    chain = np.zeros(len(number), np.int8)
    chain[row[of]] = chain_of[kinds.numbers[asset]]
    order = _ordered(at, chain, block, place, hashes)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    owner = back[row[of]]
    sort = slice(None) if (owner[1:] >= owner[:-1]).all() else np.argsort(owner, kind="stable")
    first = np.zeros(len(order) + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=len(order)), out=first[1:])
    made = Heads(at[order], chain[order], block[order], place[order], first)
    payer, payee = (places.numbers[column[sort]] for column in (sender, recipient))
    moved = Moves(kind[sort].astype(np.int8), kinds.numbers[asset[sort]], payer, payee, high[sort], low[sort])
    rest = _Rest(
        *(chains, Hashes(hashes.text, hashes.start[order], hashes.end[order])),
        *(places.numbers[initiator[order]], places.numbers[to[order]], ok[order], whole[order], n[sort], index[sort]),
    )
    history = History(places.values, kinds.values, made, moved, rest.none, rest.find, ok[order])
    history.make = lambda one: rest.make(history, one)
    return history


def _ordered(at: Array, chain: Array, block: Array, place: Array, hashes: Hashes) -> Array:
    """By time, chain, block and position; what these leave equal, by hash."""
    order = np.lexsort((place, block, chain, at))
    keys = [column[order] for column in (at, chain, block, place)]
    same = np.logical_and.reduce([key[1:] == key[:-1] for key in keys])
    bounds = np.flatnonzero(np.diff(np.r_[False, same, False].astype(np.int8))).reshape(-1, 2)
    for start, end in bounds.tolist():
        order[start : end + 1] = sorted(order[start : end + 1].tolist(), key=hashes.at)
    return order


class _Rest(NamedTuple):
    """What of a history is only asked for row by row."""

    chains: Sequence[str]
    hashes: Hashes
    initiator: Array
    to: Array
    ok: Array
    whole: Array
    n: Array
    place: Array

    def none(self, row: int) -> Made:
        raise AssertionError(row)

    def find(self, wanted: Container[str]) -> list[int]:
        """The rows of transactions by their hashes."""
        return [row for row in range(len(self.ok)) if self.hashes.at(row) in wanted]

    def make(self, history: History, row: int) -> Made:
        """A transaction, its transfers in order of their ids, and the rows of these."""
        chain, tx_hash = self.chains[history.heads.chain[row]], self.hashes.at(row)
        first, last = history.heads.first[row : row + 2].tolist()
        moved = [(self._transfer(history, chain, tx_hash, n), n) for n in range(first, last)]
        moved.sort(key=lambda pair: pair[0].id)
        block, place = int(history.heads.block[row]), int(history.heads.place[row])
        at = EPOCH + timedelta(microseconds=int(history.heads.at[row]))
        initiator, to = (_named(history, int(column[row])) for column in (self.initiator, self.to))
        about = None if block < 0 else block, None if place < 0 else place, initiator, to
        transfers = tuple(transfer for transfer, _ in moved)
        made = Transaction(chain, tx_hash, at, *about, bool(self.ok[row]), bool(self.whole[row]), transfers)
        return made, [n for _, n in moved]

    def _transfer(self, history: History, chain: str, tx_hash: str, n: int) -> Transfer:
        moves = history.moves
        kind, asset = KINDS[moves.kind[n]], history.assets[moves.asset[n]]
        sender, recipient = (_named(history, int(column[n])) for column in (moves.sender, moves.recipient))
        amount, index = (int(moves.high[n]) << 64) | int(moves.low[n]), int(self.place[n])
        name = transfer_id(chain, tx_hash, kind, asset, sender, recipient, amount, int(self.n[n]))
        return Transfer(name, kind, asset, amount, sender, recipient, None if index < 0 else index)


def _named(history: History, number: int) -> Address | None:
    return None if number < 0 else history.addresses[number]
