"""The door of the store: column types that clean, check and translate, the same on SQLite and Postgres."""

# ruff: noqa: D102 - the hooks of a TypeDecorator are SQLAlchemy's, each class says what it does

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import zstandard
from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, Text
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator, TypeEngine

from tracer.errors import InputError, StoreError

# C0 and C1 controls (NUL among them), bidi embeddings, overrides and isolates, and halves of surrogate pairs
_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LARGEST = 2**63 - 1
_LONGEST = 1000


class Refused(DontWrapMixin, InputError):
    """An InputError that SQLAlchemy lets through as it is."""


class Damaged(DontWrapMixin, StoreError):
    """A StoreError that SQLAlchemy lets through as it is."""


def clean(text: str) -> str:
    """The same text with every control, bidi control and lone surrogate replaced by U+FFFD."""
    return text if text.isascii() and text.isprintable() else _HOSTILE.sub("\ufffd", text)


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no blanks, ASCII; texts cleaned, decimals and times as text."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(str(value))
    if isinstance(value, dict):
        return {clean(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return utc(value).isoformat()
    return str(value) if isinstance(value, Decimal) else value


def utc(at: datetime) -> datetime:
    """The same moment in UTC. Raises InputError for a time without a zone or outside the calendar."""
    if at.tzinfo is None:
        raise Refused(f"time {at.isoformat()} has no zone: give it in UTC")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise Refused(f"time {at.isoformat()} is outside the calendar") from error


class Prose(TypeDecorator[str]):
    """Text from outside, cleaned when it comes in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean(value)


class Name(TypeDecorator[str]):
    """Text that identifies something, at most 1000 bytes long (an index of Postgres takes no more than 2700).

    Cleaning could make two names one, so a hostile one is refused (InputError).
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and value.isprintable() and len(value) <= _LONGEST):
            return value  # nearly all: the rest is looked at closely
        if _HOSTILE.search(value):
            raise Refused(f"{ascii(value[:80])} holds control characters: remove them")
        if len(value.encode()) > _LONGEST:
            raise Refused(f"{ascii(value[:80])}… is longer than {_LONGEST} bytes")
        return value


class Whole(TypeDecorator[int]):
    """A count or position from 0 to 2**63 - 1; others are refused (InputError)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not 0 <= value <= _LARGEST:
            raise Refused(f"{value} is not a whole number from 0 to {_LARGEST}")
        return value


class Digits(TypeDecorator[int]):
    """A whole amount of base units, 0 to 2**256 - 1, as exact text; others are refused (InputError)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        if value is not None and not 0 <= value < 2**256:
            raise Refused("an amount is a whole number from 0 to 2**256 - 1")
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


class Exact(TypeDecorator[Decimal]):
    """A decimal as exact text, trailing zeros kept."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, exact to the microsecond. SQLite keeps no zone, so it is put back.

    On SQLite the text is read here: SQLAlchemy's way takes ten times as long, more than to read the row.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + "+00:00")


class Json(TypeDecorator[Any]):
    """A JSON value as canonical text; a tuple comes back as a list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Listed(TypeDecorator[Collection[Any]]):
    """Many values of a type as one JSON text, for SQLite's json_each."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        ready = self.item.dialect_impl(dialect).bind_processor(dialect)
        return lambda values: json.dumps(list(map(ready, values)) if ready else values)


class Packed(TypeDecorator[bytes]):
    """Bytes kept unchanged, compressed with zstd."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else zstandard.compress(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        try:
            return None if value is None else zstandard.decompress(value)
        except zstandard.ZstdError as error:
            raise Damaged(f"what is kept is damaged and cannot be unpacked: {error}") from error
