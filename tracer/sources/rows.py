"""CSV files from outside, read row by row with bounded memory: the file, its lines, its columns.

UTF-8 (a BOM is taken), comma, one header line in any order of columns. Nothing is guessed: a line that is too long, cut
off, not UTF-8 or of another width is refused by its number and the reading goes on.
"""

from __future__ import annotations

import csv
import os
import shutil
import stat
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tracer.errors import BadRow, InputError
from tracer.sources.cells import show

MIB = 1 << 20
LINE = MIB  # bytes a line may have
PAGE = 8 * MIB  # bytes of a file that are held, and kept, at once
LISTED = 1000  # remarks that are listed; all are counted
LETTERS = 500  # of a remark: what it quotes came from outside

STDIN = "-"
Pick = Callable[[list[str]], tuple[str, ...]]
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Remarks:
    """What there is to say about rows of a file: the first 1,000 by line and reason, and how many there are."""

    rows: list[BadRow] = field(default_factory=list)
    total: int = 0

    def add(self, line: int, reason: str) -> None:
        """Say something about a line (1 is the header)."""
        self.total += 1
        if self.total <= LISTED:
            self.rows.append(BadRow(line, reason if len(reason) <= LETTERS else f"{reason[:LETTERS]}…"))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a format in the order its reader takes them, and which of them may be absent."""

    known: tuple[str, ...]
    optional: frozenset[str] = frozenset()


class Line(NamedTuple):
    """A line with its newline: the page it starts in (from 0), its number (from 1), whether it ends with a newline."""

    page: int
    number: int
    raw: bytes
    ended: bool


class Row(NamedTuple):
    """A row: the page and line it starts in, and its cells in the order of Columns ("" for an absent column)."""

    page: int
    line: int
    cells: tuple[str, ...]


# --- the file ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file that can be read more than once, and the name that messages show it by."""

    name: str
    content: BinaryIO

    def pages(self) -> Iterator[bytes]:
        """The whole content from the start in pieces of at most 8 MiB, cut at line ends (a longer line is cut)."""
        self.content.seek(0)
        rest = b""
        while block := self.content.read(PAGE - len(rest)):
            block = rest + block
            end = block.rfind(b"\n") + 1 or len(block)
            yield block[:end]
            rest = block[end:]
        if rest:
            yield rest

    def lines(self) -> Iterator[Line]:
        """The lines. Of one longer than a page only the first part is given."""
        number, inside = 1, False
        for page, block in enumerate(self.pages()):
            for raw in BytesIO(block):
                ended = raw.endswith(b"\n")
                if not inside:
                    yield Line(page, number, raw, ended)
                inside = not ended
                number += ended

    def digest(self) -> str:
        """The SHA-256 of the content, in hex."""
        digest = sha256()
        for block in self.pages():
            digest.update(block)
        return digest.hexdigest()


@contextmanager
def opened(path: str | Path) -> Iterator[RawFile]:
    """A file to read; `-` and pipes are copied to a temporary file first. InputError if it is no readable file."""
    name = "standard input" if str(path) == STDIN else Path(path).name
    with _content(path) as content:
        yield RawFile(name, content)


@contextmanager
def _content(path: str | Path) -> Iterator[BinaryIO]:
    if str(path) == STDIN:
        with _seekable(sys.stdin.buffer) as content:
            yield content
        return
    try:
        source = Path(path).open("rb")  # noqa: SIM115 closed below
    except (OSError, ValueError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else wrong
        raise InputError(f"{show(str(path))} cannot be read: {reason}: name a file, or - for standard input") from wrong
    with source, _seekable(source) as content:
        yield content


@contextmanager
def _seekable(source: BinaryIO) -> Iterator[BinaryIO]:
    """The source itself if it is a regular file, else a copy, so that it can be read again and kept as pages."""
    mode = _mode(source)
    if mode is not None and stat.S_ISREG(mode) and source.tell() == 0:
        yield source
        return
    if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        raise InputError(f"{show(str(source.name))} is no file and no pipe: name a file, or pipe one in")
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(source, copy, MIB)
        yield copy


def _mode(source: BinaryIO) -> int | None:
    try:
        return os.fstat(source.fileno()).st_mode
    except OSError:  # no file behind it: bytes in memory
        return None


# --- its rows ---------------------------------------------------------------------------------------------------------


def read_rows(file: RawFile, columns: Columns, refused: Remarks, *, prose: bool = False) -> Iterator[Row]:
    """The rows that have the right shape; the others go to `refused`. Blank lines are passed over.

    A row stands on one line, so that a stray quote cannot swallow others; with `prose` a quoted cell may hold line
    breaks. Raises InputError if the file is empty, is no text, or its columns are not those known.
    """
    lines = file.lines()
    width, pick = _header(file.name, next(lines, None), columns)
    for line in _joined(lines) if prose else lines:
        try:
            cells = _cells(line, width)
        except InputError as wrong:
            refused.add(line.number, str(wrong))
            continue
        if cells:
            cells.append("")
            yield Row(line.page, line.number, pick(cells))


def _header(name: str, line: Line | None, columns: Columns) -> tuple[int, Pick]:
    """How many columns there are, and what picks the known ones from a row's cells with "" added at their end."""
    if line is None:
        raise InputError(f"{name} is empty: its first line must be {','.join(columns.known)}")
    try:
        cells = _split(_text(line._replace(raw=line.raw.removeprefix(_BOM))))
    except InputError as wrong:
        raise InputError(f"{name} is no CSV text: its first line {wrong}") from wrong
    if not all(cell.isprintable() for cell in cells):
        raise InputError(f"{name} is no CSV text: its first line holds control characters")
    _check_columns(name, cells, columns)
    width = len(cells)
    positions = [cells.index(known) if known in cells else width for known in columns.known]
    return width, itemgetter(*positions)


def _check_columns(name: str, cells: list[str], columns: Columns) -> None:
    known = ", ".join(columns.known)
    unknown = [cell for cell in cells if cell not in columns.known]
    if unknown:
        raise InputError(f"{name}: unknown column {show(unknown[0])}; known are {known}")
    twice = [cell for cell in columns.known if cells.count(cell) > 1]
    if twice:
        raise InputError(f"{name}: column {twice[0]} stands twice: write it once")
    missing = [cell for cell in columns.known if cell not in cells and cell not in columns.optional]
    if missing:
        raise InputError(f"{name}: column {', '.join(missing)} is missing; known are {known}")


def _cells(line: Line, width: int) -> list[str]:
    """The cells of a row, none for a blank line. Raises InputError if it has not the right shape."""
    cells = _split(_text(line))
    if not cells:
        return cells
    if len(cells) != width:
        what = "has" if line.ended else "is cut off: it has"
        raise InputError(f"{what} {len(cells)} of {width} columns")
    if not line.ended:
        raise InputError("may be cut off, there is no newline after it: end the file with a newline if it is whole")
    return cells


def _text(line: Line) -> str:
    if len(line.raw) > LINE:
        raise InputError("is longer than 1 MiB: split the file into rows")
    try:
        return line.raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as wrong:
        raise InputError(f"is not UTF-8: byte {wrong.start + 1} of the line is 0x{line.raw[wrong.start]:02x}") from None


def _split(text: str) -> list[str]:
    if not text:
        return []
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as wrong:
        raise InputError(f"is no CSV: {wrong}: quote cells that hold quotes, and double the quotes in them") from None


def _joined(lines: Iterator[Line]) -> Iterator[Line]:
    """Lines, each joined with those that its open quote takes in; if none within 1 MiB closes it, it stays alone."""
    ahead: deque[Line] = deque()
    while (first := ahead.popleft() if ahead else next(lines, None)) is not None:
        taken = [first]
        quotes, size = first.raw.count(b'"'), len(first.raw)
        while quotes % 2 and size <= LINE and (line := ahead.popleft() if ahead else next(lines, None)) is not None:
            taken.append(line)
            quotes, size = quotes + line.raw.count(b'"'), size + len(line.raw)
        if quotes % 2:
            ahead.extendleft(reversed(taken[1:]))
            taken = [first]
        yield first._replace(raw=b"".join(line.raw for line in taken), ended=taken[-1].ended)
