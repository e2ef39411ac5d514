"""A wallet on bitcoin and what passed through it: an invented world to be served, and ways to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bech32 import encode

from tests.makers import BITCOIN, START
from tests.servers.world import World
from tracer.chains import parse_address
from tracer.model import NATIVE, Address, AssetId, Checkpoint, Kind, Transaction, Transfer, transfer_id
from tracer.sources import Budget, Page, SourceSettings
from tracer.sources.esplora import Esplora

COIN = AssetId(BITCOIN, NATIVE)
FIRST = 800_000  # the first block in which anything happens


def place(n: int) -> Address:
    """The n-th invented address, P2WPKH."""
    return parse_address(BITCOIN, str(encode("bc", 0, n.to_bytes(20, "big"))))


WALLET, PAYER, NOBODY = place(1), place(2), place(3)


def tx_hash(n: int) -> str:
    """The n-th invented transaction's hash; their order is no order of their numbers."""
    return f"{n * 0x9E3779B97F4A7C15 % 2**64:064x}"


def spent(
    n: int, inputs: Sequence[tuple[Address | None, int]], outputs: Sequence[tuple[Address | None, int]], block: int
) -> Transaction:
    """The n-th transaction: who spends how much, who gets how much; None: a script without an address."""
    made = []
    for position, (sender, amount) in enumerate(inputs):
        key = transfer_id(BITCOIN, tx_hash(n), Kind.INPUT, COIN, sender, None, amount, position)
        outpoint = f"{tx_hash(1_000_000 + n)}:{position}"
        made.append(Transfer(key, Kind.INPUT, COIN, amount, sender, None, position, outpoint))
    for position, (recipient, amount) in enumerate(outputs):
        key = transfer_id(BITCOIN, tx_hash(n), Kind.OUTPUT, COIN, None, recipient, amount, position)
        made.append(Transfer(key, Kind.OUTPUT, COIN, amount, None, recipient, position))
    at = START + timedelta(minutes=10 * (block - FIRST))
    moved = tuple(sorted(made, key=lambda one: one.id))
    return Transaction(BITCOIN, tx_hash(n), at, block, whole=True, transfers=moved)


def payment(n: int, block: int) -> Transaction:
    """The n-th payment to the wallet, with change, a fee of 100, and a note that nobody can spend."""
    return spent(n, [(PAYER, 10_000 + n)], [(WALLET, 7_000 + n), (PAYER, 2_900), (None, 0)], block)


def wallet(transactions: int, per_block: int = 3) -> World:
    """A wallet with so many payments, some in one block."""
    return World(BITCOIN, tuple(payment(n, FIRST + n // per_block) for n in range(transactions)))


def source(url: str, **settings: int) -> Esplora:
    """A source on this server that never waits."""
    made = replace(SourceSettings(kind="esplora", chain=BITCOIN, url=url, timeout_seconds=5), **settings)  # type: ignore[arg-type]
    return Esplora(made, Budget("esplora", sleep=lambda _: None))


def read(made: Esplora, address: Address, checkpoint: Checkpoint | None = None) -> list[Page]:
    """All pages from a checkpoint on."""
    pages = [made.pull(address, checkpoint)]
    while not pages[-1].done:
        pages.append(made.pull(address, pages[-1].checkpoint))
    return pages


def transactions(pages: Sequence[Page]) -> list[Transaction]:
    """Everything that the pages hold, oldest first."""
    return sorted((one for page in pages for one in page.transactions), key=lambda one: one.order)
