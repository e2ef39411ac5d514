"""What a run of the tests left behind, looked through for keys: in no database, kept page, log or file may one be.

The keys, names and passwords of tests can be told by MARKS. Settings files (`tracer.toml`) are where keys belong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DatabaseError

from tracer.store.engine import parse

MARKS = (b"k3y-", b"k3yIn", b"user-9f3ac1", b"ss-77d0e2", b"key-5b1e77aa", b"token-c0ffee42")
PACKED = b"\x28\xb5\x2f\xfd"  # how zstd begins
KEPT_HERE = {"tracer.toml"}


def in_database(url: str) -> Iterator[str]:
    """The table and column of every value that holds a key."""
    opened = create_engine(parse(url))
    try:
        with opened.connect() as db:
            for table in inspect(db).get_table_names():
                for row in db.execute(text(f'SELECT * FROM "{table}"')).mappings():
                    yield from (f"{table}.{column}" for column, value in row.items() if _marked(_bytes(value)))
    finally:
        opened.dispose()


def in_files(folder: Path) -> Iterator[str]:
    """Every file that holds a key, and every value of every SQLite database."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name in KEPT_HERE:
            continue
        try:
            content = path.read_bytes()
        except OSError:  # a test made it unreadable: what wrote it could not read it either
            continue
        if _marked(content):
            yield str(path)
        if content.startswith(b"SQLite format 3") and path.suffix == ".db":
            with suppress(DatabaseError):  # a test damaged it
                yield from [f"{path}: {where}" for where in in_database(f"sqlite:///{path}")]


def _marked(content: bytes) -> bool:
    return any(mark in content for mark in MARKS)


def _bytes(value: Any) -> bytes:
    if isinstance(value, memoryview):
        value = bytes(value)
    if not isinstance(value, bytes):
        return str(value).encode()
    try:
        return zstandard.decompress(value, 1 << 28) if value.startswith(PACKED) else value
    except zstandard.ZstdError:  # a test damaged it
        return value
