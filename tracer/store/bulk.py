"""Many rows at once: lists cut into pieces a database takes, addresses and assets turned into numbers and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Row,
    Select,
    Table,
    any_,
    bindparam,
    func,
    insert,
    select,
)

from tracer.model import Address, AssetId
from tracer.store.tables import addresses, assets
from tracer.store.types import Listed

PIECE = 1000  # bound values in one IN list: far below every engine's limit
LIST = 10_000  # values looked up at once
T = TypeVar("T")


def pieces(items: Iterable[T], size: int = PIECE) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def add(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, all with the same keys; how many there were.

    The values are made ready here, a column at a time: SQLAlchemy does it row by row, which costs more than the insert.
    """
    if not rows:
        return 0
    names = tuple(column.name for column in table.c if column.name in rows[0])  # the order in which they are compiled
    ready = _insert(table, names, db.dialect)
    columns = [_bound(bind, [row[name] for row in rows]) for name, bind in zip(names, ready.binds, strict=True)]
    values = list(zip(*columns, strict=True))
    db.exec_driver_sql(ready.sql, values if ready.positional else [dict(zip(names, v, strict=True)) for v in values])
    return len(rows)


def _bound(bind: Callable[[Any], Any] | None, values: list[Any]) -> Iterable[Any]:
    """What the driver takes of a column's values; where many are the same each is made ready once."""
    if bind is None:
        return values
    try:
        distinct = set(values)
    except TypeError:  # JSON values
        return map(bind, values)
    if len(distinct) * 2 > len(values):
        return map(bind, values)
    ready = {value: bind(value) for value in distinct}
    return [ready[value] for value in values]


def fresh_ids(db: Connection, table: Table, count: int) -> list[int]:
    """So many numbers for new rows of a table with an `id`. The caller is the only writer (engine.lock)."""
    if not count:
        return []
    if db.dialect.name == "postgresql":
        following = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        return list(db.execute(select(following).select_from(func.generate_series(1, count))).scalars())
    last = db.execute(_last(table)).scalar_one()
    return list(range(last + 1, last + 1 + count))


class _Insert(NamedTuple):
    sql: str
    positional: bool
    binds: list[Callable[[Any], Any] | None]  # what the driver takes, made of what a column takes; None: the same


@lru_cache(maxsize=100)
def _insert(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Insert:
    statement = insert(table).values({name: bindparam(name) for name in names}).inline()
    kinds = [table.c[name].type.dialect_impl(dialect) for name in names]
    binds: list[Callable[[Any], Any] | None] = [kind.bind_processor(dialect) for kind in kinds]
    return _Insert(str(statement.compile(dialect=dialect)), dialect.positional, binds)


def among(
    db: Connection, query: Select[Any], column: ColumnElement[Any], values: Collection[Any] | None
) -> Iterator[Row[Any]]:
    """The rows of a query whose column is one of the values, which may be many; None: all rows."""
    if values is None:
        yield from db.execute(query)
        return
    some = _among(query, column, db.dialect.name)
    for piece in pieces(sorted(set(values)), LIST):
        yield from db.execute(some, {"some": piece}).all()


def rows_among(
    db: Connection, query: Select[Any], column: ColumnElement[Any], values: Collection[Any]
) -> Iterator[tuple[Any, ...]]:
    """As `among`, for many rows: plain tuples, made ready a column at a time, which is several times faster."""
    ready, some = _ready(query, db.dialect), _among(query, column, db.dialect.name)
    for piece in pieces(sorted(set(values)), LIST):
        with db.execute(some, {"some": piece}) as result:
            found = result.cursor.fetchall() if result.cursor else []
        columns = (map(make, one) if make else one for make, one in zip(ready, zip(*found, strict=True), strict=False))
        yield from zip(*columns, strict=True)


def among_pairs(
    db: Connection, query: Select[Any], chain: ColumnElement[str], text: ColumnElement[str], pairs: Collection[Any]
) -> Iterator[Row[Any]]:
    """The rows of a query whose (chain, text) is one of the pairs, which may be many."""
    some = _among_pairs(query, chain, text, db.dialect.name)
    texts: dict[str, set[str]] = defaultdict(set)
    for name, one in pairs:
        texts[name].add(one)
    for name in sorted(texts):
        for piece in pieces(sorted(texts[name]), LIST):
            yield from db.execute(some, {"one": name, "some": piece}).all()


# Statements are made once: to make one costs more than to run it. So callers keep their queries as constants.


@lru_cache(maxsize=100)
def _last(table: Table) -> Select[Any]:
    return select(func.coalesce(func.max(table.c.id), 0))


@lru_cache(maxsize=100)
def _ready(query: Select[Any], dialect: Dialect) -> list[Callable[[Any], Any] | None]:
    """What makes a column's values of the driver's; None: they are the same."""
    kinds = [column.type.dialect_impl(dialect) for column in query.selected_columns]
    return [kind.result_processor(dialect, None) for kind in kinds]


@lru_cache(maxsize=100)
def _among(query: Select[Any], column: ColumnElement[Any], engine: str) -> Select[Any]:
    return query.where(_some(column, engine))


@lru_cache(maxsize=100)
def _among_pairs(query: Select[Any], chain: ColumnElement[str], text: ColumnElement[str], engine: str) -> Select[Any]:
    return query.where(chain == bindparam("one", type_=chain.type), _some(text, engine))


def _some(column: ColumnElement[Any], engine: str) -> ColumnElement[bool]:
    """Whether a column's value is in a list that is given when the statement runs, as one value: to bind many takes
    longer than to look them up. SQLite's JSON has no bytes, and no text with a NUL: the store's names hold none.
    """
    if engine == "postgresql":
        return column == any_(bindparam("some", type_=ARRAY(column.type)))
    if isinstance(column.type, LargeBinary):  # no JSON
        return column.in_(bindparam("some", type_=column.type, expanding=True))
    given = func.json_each(bindparam("some", type_=Listed(column.type))).table_valued("value")
    return column.in_(select(given.c.value))


_ADDRESSES = select(addresses.c.id, addresses.c.chain, addresses.c.text)
_ASSETS = select(assets.c.id, assets.c.chain, assets.c.contract)


def address_ids(db: Connection, wanted: Collection[Address]) -> dict[Address, int]:
    """The numbers of those addresses that the store knows."""
    found: Iterator[Any] = among_pairs(db, _ADDRESSES, addresses.c.chain, addresses.c.text, wanted)
    return {Address(chain, text): number for number, chain, text in found}


def addresses_by_id(db: Connection, ids: Collection[int | None]) -> dict[int | None, Any]:
    """The Address behind each number; None stands for None."""
    found = rows_among(db, _ADDRESSES, addresses.c.id, {i for i in ids if i is not None})
    return {None: None, **{number: Address(chain, text) for number, chain, text in found}}


def assets_by_id(db: Connection, ids: Collection[int | None]) -> dict[int | None, Any]:
    """The AssetId behind each number; None stands for None."""
    found = rows_among(db, _ASSETS, assets.c.id, {i for i in ids if i is not None})
    return {None: None, **{number: AssetId(chain, contract) for number, chain, contract in found}}


def ids_or_all(db: Connection, wanted: Collection[Address] | None) -> Collection[int] | None:
    """What `among` takes to find the rows of these addresses; None: of all."""
    return None if wanted is None else address_ids(db, wanted).values()


def asset_ids(db: Connection, wanted: Collection[AssetId]) -> dict[AssetId, int]:
    """The numbers of those assets that the store knows."""
    found: Iterator[Any] = among_pairs(db, _ASSETS, assets.c.chain, assets.c.contract, wanted)
    return {AssetId(chain, contract): number for number, chain, contract in found}


class Interner:
    """Turns addresses and assets into their numbers, giving new ones to new ones. It lives as long as one act.

    Call `learn_*` with many at once; then `address` and `asset` answer from memory.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._addresses: dict[Address, int] = {}
        self._assets: dict[AssetId, int] = {}

    def learn_addresses(self, wanted: Iterable[Address | None]) -> None:
        """Make these addresses known; None is passed over."""
        _learn(self._db, addresses, {a for a in wanted if a is not None}, self._addresses, address_ids)

    def learn_assets(self, wanted: Iterable[AssetId | None]) -> list[AssetId]:
        """Make these assets known; -> those that are new, undescribed. None is passed over."""
        return _learn(self._db, assets, {a for a in wanted if a is not None}, self._assets, asset_ids)

    def address(self, address: Address | None) -> int | None:
        """The number of a learned address; None for None."""
        return None if address is None else self._addresses[address]

    def asset(self, asset: AssetId | None) -> int | None:
        """The number of a learned asset; None for None."""
        return None if asset is None else self._assets[asset]


class _Kind(NamedTuple):
    second: str
    rest: dict[str, Any]


_KINDS = {
    "addresses": _Kind("text", {}),
    "assets": _Kind("contract", {"symbol": "", "decimals": None, "on_chain": True}),
}


def _learn(
    db: Connection,
    table: Table,
    wanted: set[Any],
    known: dict[Any, int],
    lookup: Callable[[Connection, Collection[Any]], dict[Any, int]],
) -> list[Any]:
    unknown = wanted - known.keys()
    known |= lookup(db, unknown)
    new = sorted(unknown - known.keys())
    kind = _KINDS[table.name]
    numbers = dict(zip(new, fresh_ids(db, table, len(new)), strict=True))
    add(db, table, [{"id": numbers[one], "chain": one[0], kind.second: one[1], **kind.rest} for one in new])
    known |= numbers
    return new
