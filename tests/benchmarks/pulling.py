"""Pulling a chain into a store, against the same bare requests and a bare insert of the same rows.

A real node is played first: each block holds payments of a token to watched addresses. Its time counts for nobody.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from threading import local
from typing import Any, NamedTuple

from tests.anvil import Anvil, called, started
from tests.benchmarks.cases import Case
from tests.makers import ETHEREUM
from tracer.actions.pull import pull
from tracer.chains import parse_address
from tracer.model import Address
from tracer.sources import SourceSettings
from tracer.sources.evm import Evm
from tracer.sources.rpc import Reply
from tracer.store.store import Store

BASELINE = "the same bare requests and a bare insert of the same rows"
WATCHED, BLOCKS, PAYMENTS = 200, 5_000, 10  # addresses, blocks, payments a block
THREADS = 4  # as `tracer.actions.pull.pull` has it
HEADERS = {"Content-Type": "application/json"}


def cases() -> Iterator[Case]:
    """One chain, pulled by both. Raises Missing where there is no node."""
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as home, started() as chain:
        bench = Bench(chain, Path(home), watched())
        play(chain, bench.addresses)
        bench.record()
        yield Case("pull_5e4", BLOCKS * PAYMENTS, "transfers", BASELINE, bench.ours, bench.bare, runs=2)


def watched() -> list[Address]:
    """Addresses, the same in every run."""
    chance = random.Random(1)
    return [parse_address(ETHEREUM, f"0x{chance.getrandbits(160):040x}") for _ in range(WATCHED)]


def play(chain: Anvil, addresses: Sequence[Address]) -> None:
    """Random payments of one token, a transaction each."""
    chance, payer, token = random.Random(2), chain.accounts[0], chain.token()
    chain.send(payer, token, "mint(address,uint256)", payer, 10**30)
    for _ in range(BLOCKS):
        calls = [
            called("transfer(address,uint256)", chance.choice(addresses).text, chance.randrange(1, 10**9))
            for _ in range(PAYMENTS)
        ]
        tx = {"from": payer, "to": token, "gas": hex(100_000)}
        chain.batch("eth_sendTransaction", [[tx | {"data": data}] for data in calls])
        chain.mine()
    chain.mine(3)


class Insert(NamedTuple):
    """A statement and its rows."""

    sql: str
    rows: list[tuple[Any, ...]]


@dataclass
class Bench:
    """Both sides. `bodies`: the requests of a pull, in their order; `commits`: the rows that it wrote, page by page."""

    chain: Anvil
    home: Path
    addresses: list[Address]
    schema: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    commits: list[list[Insert]] = field(default_factory=list)

    def record(self) -> None:
        """Pull once, keeping what was asked and what was written."""
        source = self._source()
        post = source._node._post  # it has no other door through which all pass

        def recorded(body: bytes) -> Reply:
            self.bodies.append(body)
            return post(body)

        source._node._post = recorded
        path = self._pulled(source)
        with closing(sqlite3.connect(path)) as db:
            self.schema = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
            self.commits = list(_by_page(db))

    def ours(self) -> None:
        """A fresh store, a fresh source, all pages of all addresses."""
        self._pulled(self._source())

    def bare(self) -> None:
        """Ask the same, read the replies, keep nothing of them; then insert the same rows, a commit a page."""
        kept = local()

        def post(body: bytes) -> None:
            if not hasattr(kept, "connection"):
                kept.connection = HTTPConnection("127.0.0.1", self.chain.port)
            kept.connection.request("POST", "/", body, HEADERS)
            kept.connection.getresponse().read()

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(post, self.bodies))
        with closing(sqlite3.connect(self._fresh() / "bare.db", isolation_level=None)) as db:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            for sql in self.schema:
                db.execute(sql)
            for page in self.commits:
                db.execute("BEGIN IMMEDIATE")
                for insert in page:
                    db.executemany(insert.sql, insert.rows)
                db.execute("COMMIT")

    def _source(self) -> Evm:
        return Evm(SourceSettings(kind="evm", chain=ETHEREUM, url=self.chain.url, name="node"))

    def _pulled(self, source: Evm) -> Path:
        path = self._fresh() / "tracer.db"
        with Store.open(f"sqlite:///{path}") as store:
            pulled = pull(store, [source], self.addresses, "bench")
        assert (BLOCKS * PAYMENTS, []) == (pulled.transfers, pulled.failed)
        return path

    def _fresh(self) -> Path:
        shutil.rmtree(self.home)
        self.home.mkdir()
        return self.home


def _by_page(db: sqlite3.Connection) -> Iterator[list[Insert]]:
    """The rows of a pull: what all pages share, then each page with its transactions and their transfers."""
    names = ("addresses", "assets", "blocks", "coverage")
    yield [_insert(db, name, "TRUE") for name in names]
    for (page,) in db.execute("SELECT id FROM pages ORDER BY id").fetchall():
        yield [
            _insert(db, "pages", f"id = {page}"),
            _insert(db, "transactions", f"page_id = {page}"),
            _insert(db, "transfers", f"transaction_id IN (SELECT id FROM transactions WHERE page_id = {page})"),
        ]


def _insert(db: sqlite3.Connection, table: str, where: str) -> Insert:
    rows = db.execute(f"SELECT * FROM {table} WHERE {where}").fetchall()
    marks = ", ".join("?" for _ in db.execute(f"PRAGMA table_info({table})").fetchall())
    return Insert(f"INSERT INTO {table} VALUES ({marks})", rows)
