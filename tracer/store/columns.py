"""Many transactions as columns: each column of many rows comes as one text, so that no row costs a value.

What they mean, and how they become a history, is the kernel's (taint/kernel/stored.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    select,
    type_coerce,
)

from tracer.model import Address
from tracer.store.bulk import LIST, address_ids, addresses_by_id, among, assets_by_id, pieces, rows_among
from tracer.store.tables import transactions, transfers
from tracer.store.transfers import TxKey, numbers_of

if TYPE_CHECKING:
    from tracer.taint.kernel.history import History
    from tracer.taint.kernel.stored import Piece

T = TypeVar("T")
RANGE = 100_000  # numbers of transactions and of transfers read at once where most are read
MOST = 4  # from a quarter of all transfers on, reading all and leaving some out takes less time than looking them up

_SENT = select(func.count()).select_from(transfers)
_TOUCHED = select(transfers.c.transaction_id).where(transfers.c.withdrawn_at.is_(None))
_ENDS = (transfers.c.sender_id, transfers.c.recipient_id)


def weight(db: Connection, wanted: Collection[Address], enough: int) -> int:
    """How many transfers these addresses sent and received, one between two of them counted twice.

    Not counted further where that is known to be `enough`.
    """
    return _weight(
        db, (number for some in pieces(dict.fromkeys(wanted)) for number in address_ids(db, some).values()), enough
    )


def columns(db: Connection, wanted: Collection[Address], keys: Collection[TxKey]) -> History | None:
    """The standing transactions in which one of these sends or receives, and those of these (chain, tx_hash).

    None where columns are no way to hold them: see `stored`.
    """
    from tracer.taint.kernel.stored import read, stored  # noqa: PLC0415 - numba is loaded by those who need it

    known = {number: address for address, number in address_ids(db, wanted).items()}
    numbers, named = known.keys(), numbers_of(db, keys).values()
    names = (lambda some: _addresses(db, known, some)), (lambda some: assets_by_id(db, some))
    most = -(-db.execute(_SENT).scalar_one() // MOST)
    many = _weight(db, numbers, most) >= most
    touched = () if many else {one for end in _ENDS for (one,) in rows_among(db, _TOUCHED, end, numbers)}
    parts = _all(db) if many else _some(db, {*touched, *named})
    return stored(_ahead(read, parts), numbers if many else None, named, *names)


def _ahead(read: Callable[[Piece], T], parts: Iterable[Piece]) -> Iterator[T]:
    """Read each piece while the database makes the next one, and no more than one."""
    with ThreadPoolExecutor(1) as reader:
        before: Future[T] | None = None
        for part in parts:
            reading = reader.submit(read, part)
            if before is not None:
                yield before.result()
            before = reading
        if before is not None:
            yield before.result()


def _addresses(db: Connection, known: Mapping[int, Address], numbers: Collection[int]) -> dict[int | None, Address]:
    unknown = [number for number in numbers if number not in known]
    return {**addresses_by_id(db, unknown), **{number: known[number] for number in numbers if number in known}}


def _weight(db: Connection, numbers: Iterable[int], enough: int) -> int:
    weight = 0
    for piece in pieces(numbers):
        if weight >= enough:
            break
        weight += sum(many for end in _ENDS for (many,) in among(db, _SENT, end, piece))
    return weight


def _all(db: Connection) -> Iterator[Piece]:
    """By ranges of numbers. SQLite numbers transfers too, in the order in which it keeps them."""
    from tracer.taint.kernel.stored import Piece  # noqa: PLC0415 - as above

    heads, moves = _statements(db.dialect.name)
    row = transfers.c.transaction_id if db.dialect.name == "postgresql" else literal_column("transfers.rowid", Integer)
    sides = (heads, transactions.c.id), (moves, row)
    last = [query.with_only_columns(func.max(number), maintain_column_froms=True) for query, number in sides]
    for first in range(1, max(db.execute(query).scalar_one() or 0 for query in last) + 1, RANGE):
        chosen = [query.where(number.between(first, first + RANGE - 1)) for query, number in sides]
        yield Piece(*(db.execute(query).one() for query in chosen))


def _some(db: Connection, numbers: Collection[int]) -> Iterator[Piece]:
    """Of transactions of these numbers."""
    from tracer.taint.kernel.stored import Piece  # noqa: PLC0415 - as above

    heads, moves = _statements(db.dialect.name)
    sides = (heads, transactions.c.id), (moves, transfers.c.transaction_id)
    for piece in pieces(sorted(numbers), LIST):
        yield Piece(*(next(among(db, query, number, piece)) for query, number in sides))


@lru_cache
def _statements(engine: str) -> tuple[Select[Any], Select[Any]]:
    """All heads and all moves, as a Piece has them: each value aggregated costs, so there are few of them."""
    head, move = transactions.c, transfers.c
    known = [_number(one, engine) for one in (head.id, head.block, head.tx_index, head.initiator_id, head.to_id)]
    told = [_joined(head.tx_hash, engine, "\n"), *(_joined(one, engine) for one in (_moment(engine), *known))]
    odd = [_joined(known[0], engine, where=not_(one)) for one in (head.ok, head.whole)]
    heads: Any = select(*told, *odd)
    index = func.coalesce(_text(move.index, engine), _fixed(""))
    place = case((move.n == _fixed(0), index), else_=index + _fixed(" ") + _text(move.n, engine))
    ends = [_number(one, engine) for one in (move.asset_id, move.sender_id, move.recipient_id)]
    parts = [move.amount, _number(move.transaction_id, engine), move.kind, *ends, place]
    moves: Any = select(*(_joined(one, engine) for one in parts))
    return heads.where(head.withdrawn_at.is_(None)), moves.where(move.withdrawn_at.is_(None))


def _joined(column: ColumnElement[Any], engine: str, between: str = ",", where: Any = None) -> ColumnElement[Any]:
    """One text of a column of rows. SQLite takes less time where nobody says that commas stand between, and where the
    driver does not decode it.
    """
    if engine == "postgresql":
        return func.aggregate_strings(column, between).filter(*([] if where is None else [where]))
    text = func.group_concat(column) if between == "," else func.aggregate_strings(column, between)
    return cast(text if where is None else text.filter(where), LargeBinary)


def _number(column: ColumnElement[Any], engine: str) -> ColumnElement[Any]:
    known = func.coalesce(column, _fixed(-1)) if column.nullable else column
    return _text(known, engine)


def _text(number: ColumnElement[Any], engine: str) -> ColumnElement[str]:
    """SQLite joins numbers as they are."""
    return cast(number, String) if engine == "postgresql" else type_coerce(number, String)


def _fixed(value: Any) -> ColumnElement[Any]:
    """A value that is in the statement: SQLite would copy one that is bound for every row."""
    return literal(value, literal_execute=True)


def _moment(engine: str) -> ColumnElement[str]:
    """SQLite keeps a moment as the text it is read as."""
    at = transactions.c.at
    if engine == "postgresql":
        return func.to_char(func.timezone("UTC", at), "YYYY-MM-DD HH24:MI:SS.US")
    return type_coerce(at, String)
