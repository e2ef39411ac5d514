"""Reading a transfers CSV, every cell checked, against `csv.reader` over the same file."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.cases import Case
from tests.makers import START, tx_hash
from tracer.chains import parse_address
from tracer.model import Kind
from tracer.sources.files import opened, read_transfers

BASELINE = "csv.reader over the same file"
HEAD = "chain,tx_hash,block,tx_index,index,time,kind,sender,recipient,asset,symbol,decimals,amount,outpoint,initiator"
ROWS = 50_000


def cases() -> Iterator[Case]:
    """One file, read by both."""
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as home:
        path = Path(home) / "transfers.csv"
        write(path)
        yield Case("read_csv_5e4", ROWS, "rows", BASELINE, lambda: ours(path), lambda: bare(path))


def write(path: Path) -> None:
    """Random payments of native coins among a thousand addresses; the same in every run."""
    chance = random.Random(1)
    places = [parse_address("ethereum", f"0x{chance.getrandbits(160):040x}").text for _ in range(1000)]
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD + "\n")
        for number in range(ROWS):
            sender, recipient = chance.sample(places, 2)
            amount = chance.randrange(1, 10**18)
            row = ("ethereum", tx_hash(number), number, 0, "", START.strftime("%Y-%m-%dT%H:%M:%SZ"), Kind.NATIVE)
            print(*row, sender, recipient, "native", "ETH", 18, amount, "", sender, sep=",", file=file)


def ours(path: Path) -> int:
    """Every row read, checked and made a transaction."""
    with opened(path) as file:
        found = read_transfers(file)
        assert found.refused.total == 0
        return sum(1 for _ in found.transactions())


def bare(path: Path) -> int:
    """Every row split into cells."""
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file))
