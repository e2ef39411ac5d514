"""Many transactions as columns: each column of many rows comes as one text, so that no row costs a value.

What they mean, and how they become a history, is the kernel's (taint/kernel/stored.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, String, case, cast, func, select, type_coerce

from tracer.model import Address, Kind
from tracer.store.bulk import address_ids, addresses_by_id, among, assets_by_id, pieces, rows_among
from tracer.store.tables import transactions, transfers
from tracer.store.transfers import TxKey, numbers_of

if TYPE_CHECKING:
    from tracer.taint.kernel.history import History
    from tracer.taint.kernel.stored import Piece

RANGE = 100_000  # numbers of transactions read at once where most are read
MOST = 4  # from a quarter of all transfers on, reading all and leaving some out takes less time than looking them up

_SENT = select(func.count()).select_from(transfers)
_TOUCHED = select(transfers.c.transaction_id).where(transfers.c.withdrawn_at.is_(None))
_ENDS = (transfers.c.sender_id, transfers.c.recipient_id)


def weight(db: Connection, wanted: Collection[Address]) -> int:
    """How many transfers these addresses sent and received, one between two of them counted twice."""
    return _weight(db, address_ids(db, wanted).values())


def columns(db: Connection, wanted: Collection[Address], keys: Collection[TxKey]) -> History | None:
    """The standing transactions in which one of these sends or receives, and those of these (chain, tx_hash).

    None where columns are no way to hold them: see `stored`.
    """
    from tracer.taint.kernel.stored import stored  # noqa: PLC0415 - numba is loaded by those who need it

    numbers, named = address_ids(db, wanted).values(), numbers_of(db, keys).values()
    names = (lambda some: addresses_by_id(db, some)), (lambda some: assets_by_id(db, some))
    if _weight(db, numbers) * MOST >= db.execute(_SENT).scalar_one():
        return stored(_all(db), numbers, named, *names)
    touched = {number for end in _ENDS for (number,) in rows_among(db, _TOUCHED, end, numbers)}
    return stored(_some(db, touched.union(named)), None, (), *names)


def _weight(db: Connection, numbers: Collection[int]) -> int:
    return sum(many for end in _ENDS for (many,) in among(db, _SENT, end, numbers))


def _all(db: Connection) -> Iterator[Piece]:
    last = db.execute(select(func.max(transactions.c.id))).scalar_one() or 0
    heads, moves = _statements(db.dialect.name)
    for first in range(1, last + 1, RANGE):
        yield _piece(db, heads, moves, lambda number, start=first: number.between(start, start + RANGE - 1))


def _some(db: Connection, numbers: Collection[int]) -> Iterator[Piece]:
    heads, moves = _statements(db.dialect.name)
    for piece in pieces(sorted(numbers), RANGE // 10):
        yield _piece(db, heads, moves, lambda number, some=piece: number.in_(some))


def _piece(db: Connection, heads: Select[Any], moves: Select[Any], chosen: Any) -> Piece:
    from tracer.taint.kernel.stored import Piece  # noqa: PLC0415 - as above

    told = db.execute(heads.where(chosen(transactions.c.id))).one()
    return Piece(told, db.execute(moves.where(chosen(transfers.c.transaction_id))).one())


@lru_cache
def _statements(name: str) -> tuple[Select[Any], Select[Any]]:
    """All heads and all moves, as a Piece has them. SQLite keeps a moment as the text it is read as, and joins numbers
    as they are.
    """
    head, move = transactions.c, transfers.c
    moment: ColumnElement[Any] = type_coerce(head.at, String)
    if name == "postgresql":
        moment = func.to_char(func.timezone("UTC", head.at), "YYYY-MM-DD HH24:MI:SS.US")

    def numbers(column: ColumnElement[Any]) -> ColumnElement[str]:
        known = func.coalesce(column, -1)
        return _text(cast(known, String) if name == "postgresql" else known)

    known = [head.id, head.block, head.tx_index, head.initiator_id, head.to_id]
    said = [cast(one, Integer) for one in (head.ok, head.whole)]
    kind = case({one.value: place for place, one in enumerate(Kind)}, value=move.kind)
    moved = [move.transaction_id, kind, move.asset_id, move.sender_id, move.recipient_id, move.n, move.index]
    heads: Any = select(_text(head.tx_hash, "\n"), _text(moment), *map(numbers, (*known, *said)))
    moves: Any = select(_text(move.amount), *map(numbers, moved))
    return heads.where(head.withdrawn_at.is_(None)), moves.where(move.withdrawn_at.is_(None))


def _text(column: ColumnElement[Any], between: str = ",") -> ColumnElement[str]:
    return func.aggregate_strings(column, between)
