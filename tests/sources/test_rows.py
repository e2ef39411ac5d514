"""Files as they come: broken, huge, cut off, piped in, or no files at all."""

from __future__ import annotations

import io
import os
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from tests.sources.lines import FIRST, raw, report, text, transfer, tx_hash
from tracer.errors import InputError
from tracer.sources.files import TransferFile, opened, read_reports, read_transfers
from tracer.sources.rows import LINE, PAGE

GOOD = text(FIRST, transfer(tx_hash=tx_hash(2)))


def read(content: bytes) -> TransferFile:
    """What a file of these bytes says."""
    return read_transfers(raw(content))


def refused(content: bytes) -> list[tuple[int, str]]:
    """The refused rows of a file of transfers."""
    return [(row.line, row.reason) for row in read(content).refused.rows]


def read_path(path: Path | str) -> TransferFile:
    """What the file at a path says."""
    with opened(path) as file:
        return read_transfers(file)


# --- the header -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "file.csv is empty: its first line must be chain,tx_hash"),
        (GOOD.splitlines()[0] + b"\n", "holds no rows"),
        (GOOD.splitlines()[0], "holds no rows"),
        (b"\n\n", "column chain, tx_hash"),
        (GOOD.replace(b"amount", b"value", 1), "unknown column 'value'; known are chain, tx_hash, block"),
        (GOOD.replace(b",", b";"), "unknown column 'chain;tx_hash"),
        (GOOD.replace(b"initiator", b"amount", 1), "column amount stands twice"),
        (text(FIRST, columns=["chain", "tx_hash", "kind"]), "column block, time, sender"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no CSV text: its first line is not UTF-8: byte 1"),
        (b"SQLite format 3\x00\x10\x00\n", "control characters"),
        (GOOD.decode().encode("utf-16"), "not UTF-8"),
        (b"x" * (LINE + 1) + b"\n", "longer than 1 MiB"),
        (b'"chain,tx_hash\n', "no CSV"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    """Whatever is no transfers file is named as such before any row is read."""
    with pytest.raises(InputError, match="file.csv") as error:
        read(content)
    assert reason in str(error.value)


def test_a_bom_and_windows_line_ends_are_taken() -> None:
    """What a spreadsheet saves is read like any other file."""
    told = read(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"))
    assert (list(told.transactions()), told.refused.total) == (list(read(GOOD).transactions()), 0)


# --- the lines --------------------------------------------------------------------------------------------------------


def test_blank_lines_are_passed_over_and_counted() -> None:
    """They are no rows, but lines: a later bad row is named by its true line."""
    told = read(GOOD.replace(b"\n", b"\n\n") + text(transfer(amount="x")).splitlines()[1] + b"\n")
    assert (told.rows, [row.line for row in told.refused.rows]) == (3, [7])


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_an_amount_that_was_cut_is_not_read(lost: int) -> None:
    """The amount is the last column here: 1000 cut to 100 looks whole, only the missing newline tells."""
    columns = [name for name in transfer() if name not in ("outpoint", "initiator")]
    whole = text(FIRST, transfer(tx_hash=tx_hash(2)), columns=columns)
    told = read(whole[:-lost])
    assert [row.line for row in told.refused.rows] == [3]
    assert "end the file with a newline if it is whole" in told.refused.rows[0].reason
    assert [t.tx_hash for t in told.transactions()] == [tx_hash(1)]


def test_a_last_line_that_lost_columns_is_named() -> None:
    """A download that broke off says where."""
    assert refused(GOOD[:-150]) == [(3, "is cut off: it has 6 of 15 columns")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a,b", "has 2 of 15 columns"),
        (b"," * 15, "has 16 of 15 columns"),
        (GOOD.splitlines()[1].replace(b"USDT", b"US\xff"), "is not UTF-8: byte 247 of the line is 0xff"),
        (GOOD.splitlines()[1].replace(b"USDT", b'"USDT'), "is no CSV: unexpected end of data"),
        (GOOD.splitlines()[1].replace(b"USDT", b'"US"DT'), "is no CSV: ',' expected after '\"'"),
        (GOOD.splitlines()[1].replace(b"USDT", b'"US\nDT"'), "is no CSV"),
    ],
)
def test_a_misshapen_line_takes_no_other_with_it(line: bytes, reason: str) -> None:
    """It is refused by its number, and the rows around it are read."""
    header, first, second = GOOD.splitlines()
    told = read(b"\n".join([header, first, line, second, b""]))
    assert (told.refused.rows[0].line, told.refused.rows[0].reason[: len(reason)]) == (3, reason)
    assert [t.tx_hash for t in told.transactions()] == [tx_hash(1), tx_hash(2)]


def test_quoted_cells_are_unquoted() -> None:
    """Commas and doubled quotes inside quotes belong to the cell."""
    told = read(text(transfer(asset="abc", symbol='a,"b"')))
    assert told.assets[0].symbol == 'a,"b"'


@pytest.mark.parametrize("filler", [b"x", b"\x00", b'"', b","])
def test_a_line_of_100_megabytes_is_refused_in_little_memory(filler: bytes, tmp_path: Path) -> None:
    """It is never held whole, whatever it is made of, and the rows after it keep their numbers."""
    header, first, second = GOOD.splitlines(keepends=True)
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(header + first)
        for _ in range(100):
            file.write(filler * (1 << 20))
        file.write(b"\n" + second + b"bad\n")
    tracemalloc.start()
    told = read_path(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(row.line, row.reason[:22]) for row in told.refused.rows] == [
        (3, "is longer than 1 MiB: "),
        (5, "has 1 of 15 columns"),
    ]
    assert [t.tx_hash for t in told.transactions()] == [tx_hash(1), tx_hash(2)]
    assert peak < 5 * PAGE


def test_pages_are_the_file_cut_at_line_ends(tmp_path: Path) -> None:
    """Joined they are the file, byte by byte; none is larger than 8 MiB; each transaction knows its page."""
    rows = GOOD.splitlines(keepends=True)
    name = tx_hash(1).encode()
    many = b"".join(rows[1].replace(name, b"0x%064x" % n) for n in range(40_000))
    path = tmp_path / "big.csv"
    path.write_bytes(rows[0] + many)
    with opened(path) as file:
        pages = list(file.pages())
        told = read_transfers(file)
        by_page = [(page, [t.tx_hash for t in found]) for page, found in told.by_page()]
    assert b"".join(pages) == rows[0] + many
    assert [len(page) <= PAGE and page.endswith(b"\n") for page in pages] == [True, True]
    assert [page for page, _ in by_page] == [0, 1]
    assert all(name.encode() in pages[page] for page, names in by_page for name in (names[0], names[-1]))


# --- prose ------------------------------------------------------------------------------------------------------------


def test_a_quoted_note_may_hold_line_breaks() -> None:
    """Reports are written by people: a note of four lines is one cell, and later lines keep their numbers."""
    content = text(report(note='one\ntwo "quoted"\n\nfour'), report(report_id="r2"), report(report_id="r3", amount="x"))
    told = read_reports(raw(content))
    assert [r.note for r in told.reports] == ['one\ufffdtwo "quoted"\ufffd\ufffdfour', "a note"]
    assert [row.line for row in told.refused.rows] == [7]


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    """The line with the stray quote is refused alone, the reports after it are read."""
    lines = text(report(note="x"), report(report_id="r2"), report(report_id="r3")).splitlines(keepends=True)
    told = read_reports(raw(lines[0] + lines[1].replace(b",x\n", b',"x\n') + lines[2] + lines[3]))
    assert [row.line for row in told.refused.rows] == [2]
    assert [r.report_id for r in told.reports] == ["r2", "r3"]


# --- where files come from --------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_named_with_a_remedy(tmp_path: Path) -> None:
    """A missing file, a folder, a path through a file, an impossible name and a device are refused, not raised raw."""
    file = tmp_path / "a.csv"
    file.write_bytes(GOOD)
    for path in (tmp_path / "missing.csv", tmp_path, file / "b.csv", "a\x00b", "/dev/zero"):
        with pytest.raises(InputError, match=r"name a file") as error:
            read_path(path)
        assert str(error.value).isprintable()


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input, and it can be read more than once."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    with opened("-") as file:
        assert [b"".join(file.pages()), b"".join(file.pages())] == [GOOD, GOOD]
        assert (file.name, read_transfers(file).rows) == ("standard input", 2)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    """What a shell gives as <(zcat file) has no second reading of its own, so a copy is read."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(GOOD,))
    writer.start()
    assert read_path(pipe).rows == 2
    writer.join()
