"""Exchanges' own lists, published with their proofs of reserves: whose address it was on the day of the snapshot.

OKX: a CSV (or the ZIP it comes in) with a table of totals, a blank line, then
`coin[,Type],Network,Snapshot Height,address,amount,message,signature1,…`; each address signs "I am an OKX address"
(the form is that of OKX's own verifier, github.com/okx/proof-of-reserves). Binance: a ZIP of CSVs,
`coin,network,address,balance,Height,Third party custodian name`. The day stands in the file's name.

Signatures are not verified here, and the label says so. A later snapshot does not unsay an earlier one.
"""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tracer.chains import parse_address
from tracer.errors import InputError
from tracer.model import CONFIDENCE, Category, Label
from tracer.registry.said import About, Said, known_place

SURE = CONFIDENCE["service_api"]
LARGEST = 4 << 30  # bytes that a ZIP may hold: a small one must not fill the disk or the day
LINE = 1 << 16
HEAD_LINES = 1000  # before the table of addresses must have begun
SIGNED = frozenset({"I am an OKX address", "I am a OKX address"})

# The networks' names in these lists, where they are chains of ours.
NETWORKS = {
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "TRX": "tron",
    "TRON": "tron",
    "BSC": "bsc",
    "MATIC": "polygon",
    "POLYGON": "polygon",
    "POLY": "polygon",
    "ARBITRUM": "arbitrum",
    "OPTIMISM": "optimism",
    "BASE": "base",
    "AVAXC": "avalanche",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a list's columns are called, and who is whose."""

    entity: str
    columns: tuple[str, ...]  # network, address, then what decides whether the row counts
    says: str

    def refuses(self, *deciding: str) -> str | None:
        """Why a row does not say that the address is the exchange's; None: it does."""
        if self.entity == "OKX":
            return None if deciding[0] in SIGNED and deciding[1] else "not signed"
        return "held by a custodian" if deciding[0] else None


_OKX = _Kind("OKX", ("network", "address", "message", "signature1"), "signed for its proof of reserves")
_BINANCE = _Kind(
    "Binance", ("network", "address", "third party custodian name"), "published with its proof of reserves"
)


def read_okx(content: BinaryIO, about: About) -> Said:
    """OKX's signed addresses, as of the snapshot. Raises InputError where it is no such list, or names no day."""
    return _read(content, about, _OKX)


def read_binance(content: BinaryIO, about: About) -> Said:
    """Binance's addresses, as of the snapshot. Raises InputError where it is no such list, or names no day."""
    return _read(content, about, _BINANCE)


def _read(content: BinaryIO, about: About, kind: _Kind) -> Said:
    day = about.day()
    if day is None:
        raise InputError(
            f"{about.name} does not say of which day it is: add --as-of YYYY-MM-DD, the day of the snapshot"
        )
    said = Said(day, ())
    said.labels = _labels(content, said, kind, about.name)
    return said


def _labels(content: BinaryIO, said: Said, kind: _Kind, name: str) -> Iterator[Label]:
    source = sys.intern(f"{kind.entity}: {kind.says}, as of {said.version}; signatures are not verified here")
    for file in _files(content, name):
        for network, text, *deciding in _rows(file, kind, name):
            said.rows += 1
            chain = NETWORKS.get(network.strip().upper())
            why = f"network {network[:20]!a} is not supported" if chain is None else kind.refuses(*deciding)
            if why or chain is None:
                said.left_out.add(why or "")
                continue
            try:
                place = known_place(parse_address.__wrapped__(chain, text.strip()))
            except InputError:
                said.left_out.add(f"no {chain} address")  # such as a validator's key
                continue
            yield Label(place, kind.entity, Category.EXCHANGE, SURE, source)


def _files(content: BinaryIO, name: str) -> Iterator[io.TextIOWrapper]:
    """The CSV itself, or those in a ZIP."""
    is_zip = zipfile.is_zipfile(content)
    content.seek(0)
    if not is_zip:
        text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
        try:
            yield text
        finally:
            text.detach()  # else the file itself would be closed with it
        return
    with zipfile.ZipFile(content) as packed:
        members = [one for one in packed.infolist() if one.filename.lower().endswith(".csv")]
        if not members or sum(one.file_size for one in members) > LARGEST:
            raise InputError(f"{name} holds no CSV, or more than {LARGEST >> 30} GiB of it")
        for one in members:
            with packed.open(one) as raw:
                yield io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _rows(file: io.TextIOWrapper, kind: _Kind, name: str) -> Iterator[list[str]]:
    """The wanted cells of each row of the table of addresses; rows that are cut off are passed over as empty."""
    places = _header(file, kind, name)
    reader = csv.reader(iter(lambda: file.readline(LINE), ""))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            raise InputError(f"{name} is no CSV: {wrong}: download it again") from wrong
        if row:
            yield [row[place] if place < len(row) else "" for place in places]


def _header(file: io.TextIOWrapper, kind: _Kind, name: str) -> list[int]:
    for _ in range(HEAD_LINES):
        line = file.readline(LINE)
        cells = [cell.strip().lower() for cell in line.split(",")]
        if set(kind.columns) <= set(cells):
            return [cells.index(column) for column in kind.columns]
        if not line:
            break
    raise InputError(f"{name} is no list of {kind.entity}'s: it has no table with {', '.join(kind.columns)}")
