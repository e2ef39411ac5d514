"""Reading a transfers CSV, every cell checked, against `csv.reader` over the same file; taking in half a million
labels, against the bare bulk insert of the same rows.

`import_labels_5e5` is `import_feed` of a labels CSV into a new SQLite store: read, checked, compared, kept with its raw
file. The baseline is SQLAlchemy's bulk insert of the same addresses and labels, ready-made, into the same tables.
`python -m tests.benchmarks.importing` does it once and tells the most memory that the process held.
"""

from __future__ import annotations

import csv
import random
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from sqlalchemy import create_engine, insert, select

from tests.benchmarks.cases import Case
from tests.makers import START, tx_hash
from tracer.actions.feed import import_feed
from tracer.actions.registry import refresh
from tracer.chains import parse_address
from tracer.model import Kind
from tracer.sources.files import opened, read_transfers
from tracer.store.store import Store
from tracer.store.tables import addresses, labels

BASELINE = "csv.reader over the same file"
HEAD = "chain,tx_hash,block,tx_index,index,time,kind,sender,recipient,asset,symbol,decimals,amount,outpoint,initiator"
ROWS = 50_000
LABELS = 500_000
INSERT = "the bare bulk insert of the same rows"


def cases() -> Iterator[Case]:
    """One file, read by both."""
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as home:
        path = Path(home) / "transfers.csv"
        write(path)
        yield Case("read_csv_5e4", ROWS, "rows", BASELINE, lambda: ours(path), lambda: bare(path))
        labels = Labels.of(Path(home))
        yield Case("import_labels_5e5", LABELS, "labels", INSERT, labels.take_in, labels.insert, 1)


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


@dataclass(frozen=True)
class Labels:
    """A labels CSV of so many addresses, and the folder where stores may be made."""

    home: Path

    @classmethod
    def of(cls, home: Path) -> Labels:
        """Random addresses of a thousand entities; the same in every run."""
        chance = random.Random(2)
        with (home / "labels.csv").open("w", encoding="utf-8") as file:
            file.write("chain,address,entity,category,confidence,source\n")
            for number in range(LABELS):
                place = f"0x{chance.getrandbits(160):040x}"
                print("ethereum", place, f"Entity {number % 1000}", "exchange", "0.5", "a list", sep=",", file=file)
        return cls(home)

    def take_in(self) -> float:
        """As `tracer feeds import labels` does it; the seconds without opening the store."""
        path = self.home / "ours.db"
        path.unlink(missing_ok=True)
        with Store.open(f"sqlite:///{path}") as store:
            refresh(store)
            start = perf_counter()
            done = import_feed(store, "labels", self.home / "labels.csv", "bench")
            took = perf_counter() - start
        assert done.taken[0].version is not None
        assert done.taken[0].version.counts["added"] == LABELS
        return took

    def insert(self) -> float:
        """The rows that `take_in` wrote into the tables of a new store; the seconds of the insert alone."""
        path = self.home / "bare.db"
        path.unlink(missing_ok=True)
        Store.open(f"sqlite:///{path}").close()
        kept, bare = (create_engine(f"sqlite:///{self.home / name}") for name in ("ours.db", "bare.db"))
        with kept.connect() as db:
            given = {
                table: [dict(row) for row in db.execute(select(table)).mappings()] for table in (addresses, labels)
            }
        with bare.begin() as db:
            start = perf_counter()
            for table, rows in given.items():
                db.execute(insert(table), rows)
            db.commit()
            took = perf_counter() - start
        kept.dispose(), bare.dispose()
        return took


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as home_:
        print(f"{Labels.of(Path(home_)).take_in():.1f} s")
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most")
