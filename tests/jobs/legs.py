"""Two more legs of the sample case, on TRON and on bitcoin, as files: the same people, their money, low-KYC ends.

Nothing here is real but the token. Every address is the end of a SHA-256 of its invented name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import base58
from bech32 import bech32_encode, convertbits

from tests.sample.generate import LABELS, REPORTS, TRANSFERS, table

TRON, BITCOIN = "tron:728126428", "bip122:000000000019d6689c085ae165831e93"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
START = datetime(2026, 4, 20, 9, 0, tzinfo=UTC)
SUN, SATOSHI = 10**6, 10**8
Row = tuple[object, ...]


def tron(name: str) -> str:
    """A TRON address of an invented name."""
    return base58.b58encode_check(b"\x41" + _end(name)).decode()


def bitcoin(name: str) -> str:
    """A bitcoin address (P2WPKH) of an invented name."""
    words = convertbits(_end(name), 8, 5)
    assert words is not None
    return bech32_encode("bc", [0, *words])


def _end(name: str) -> bytes:
    return sha256(f"tracer sample leg: {name}".encode()).digest()[-20:]


def tx_hash(name: str) -> str:
    """A transaction hash of an invented name, as TRON and bitcoin write it."""
    return sha256(f"tracer sample leg transaction: {name}".encode()).hexdigest()


VICTIM, INTAKE, NEXT, PEEL, QUAY = (tron(name) for name in ("victim", "intake", "next", "peel", "Quaystone deposit"))
PAYER, CHANGE, TAKER, SPLIT, BRINK = (
    bitcoin(name) for name in ("victim", "change", "intake", "split", "Brinkmarket deposit")
)
TRON_PAYMENTS = (  # minutes after START, who pays whom how many USDT, and the fee in TRX
    (0, VICTIM, INTAKE, 30_000, 13),
    (55, INTAKE, NEXT, 29_000, 13),
    (130, NEXT, PEEL, 1_500, 13),
    (170, NEXT, QUAY, 27_000, 27),
    (400, QUAY, tron("Quaystone hot wallet"), 27_000, 13),
)


def transfers() -> Iterator[Row]:
    """Both legs, row by row as TRANSFERS names them."""
    for number, (minutes, sender, recipient, dollars, fee) in enumerate(TRON_PAYMENTS):
        head = (TRON, tx_hash(f"tron {number}"), 61_000_000 + 20 * minutes, "", "", _at(minutes))
        yield (*head, "token", sender, recipient, USDT, "USDT", 6, dollars * 10**6, "", sender)
        yield (*head, "fee", sender, "", "native", "TRX", 6, fee * SUN, "", sender)
    yield from _spent(0, 892_000, [(PAYER, f"{tx_hash('before')}:0", 80)], [(TAKER, 50), (CHANGE, 29.999)])
    yield from _spent(1, 892_030, [(TAKER, f"{tx_hash('bitcoin 0')}:0", 50)], [(SPLIT, 30), (bitcoin("rest"), 19.998)])
    yield from _spent(2, 892_090, [(SPLIT, f"{tx_hash('bitcoin 1')}:0", 30)], [(BRINK, 29.9)])


def _spent(
    number: int, block: int, inputs: list[tuple[str, str, float]], outputs: list[tuple[str, float]]
) -> Iterator[Row]:
    """A bitcoin transaction; amounts in hundredths of a bitcoin."""
    head = (BITCOIN, tx_hash(f"bitcoin {number}"), block, "")
    at = _at(10 * (block - 892_000))
    for n, (sender, outpoint, amount) in enumerate(inputs):
        yield (*head, n, at, "input", sender, "", "native", "BTC", 8, round(amount * SATOSHI / 100), outpoint, "")
    for n, (recipient, amount) in enumerate(outputs):
        yield (*head, n, at, "output", "", recipient, "native", "BTC", 8, round(amount * SATOSHI / 100), "", "")


def _at(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(folder: Path, sample: Path) -> None:
    """The sample case with both legs: transfers.csv, labels.csv, reports.csv and entities.yaml in a folder."""
    note = "invented: promised returns on a trading site"
    reports = [
        ("leg-tron", TRON, INTAKE, tx_hash("tron 0"), USDT, 30_000 * 10**6, _at(0), "invented victim 8", note),
        (
            "leg-bitcoin",
            BITCOIN,
            TAKER,
            tx_hash("bitcoin 0"),
            "native",
            SATOSHI // 2,
            _at(0),
            "invented victim 9",
            note,
        ),
    ]
    source = ("exchange", "0.9", "invented: Tracer sample case", "2025-01-01T00:00:00Z", "")
    labels = [(TRON, QUAY, "invented_quaystone", *source), (BITCOIN, BRINK, "invented_brinkmarket", *source)]
    for name, header, rows in (
        ("transfers", TRANSFERS, list(transfers())),
        ("labels", LABELS, labels),
        ("reports", REPORTS, reports),
    ):
        more = table(header, rows).partition("\n")[2]
        (folder / f"{name}.csv").write_text((sample / f"{name}.csv").read_text("utf-8") + more, "utf-8")
    (folder / "entities.yaml").write_text((sample / "entities.yaml").read_text("utf-8"), "utf-8")
