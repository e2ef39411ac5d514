"""Short ways to make the files that people bring, good and bad."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from io import BytesIO, StringIO

from tests.makers import BITCOIN, ETHEREUM, tx_hash
from tracer.sources.files import RawFile

TRON = "tron:728126428"
USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
COIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"  # a bitcoin address, from the first block
TRON_USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"

Row = Mapping[str, str]


def hexed(n: int) -> str:
    """The n-th invented EVM address in lower case."""
    return f"0x{n:040x}"


def transfer(**changes: str) -> Row:
    """A good row of a transfers file: 1,000 units of USDT from address 1 to 2 in transaction 1."""
    plain = {
        "chain": ETHEREUM,
        "tx_hash": tx_hash(1),
        "block": "19000000",
        "tx_index": "7",
        "index": "",
        "time": "2024-01-13T10:00:11Z",
        "kind": "token",
        "sender": hexed(1),
        "recipient": hexed(2),
        "asset": USDT,
        "symbol": "USDT",
        "decimals": "6",
        "amount": "1000",
        "outpoint": "",
        "initiator": "",
    }
    return {**plain, **changes}


def coin(**changes: str) -> Row:
    """A good row of bitcoin: output 0 of a transaction."""
    plain = transfer(chain="bitcoin", tx_hash=tx_hash(1)[2:], kind="output", sender="", recipient=COIN, index="0")
    return {**plain, "asset": "native", "symbol": "BTC", "decimals": "8", **changes}


def label(**changes: str) -> Row:
    """A good row of a labels file."""
    plain = {"chain": "ethereum", "address": hexed(1), "entity": "Example", "category": "exchange", "confidence": "0.9"}
    return {**plain, "source": "tests", "valid_from": "", "valid_to": "", **changes}


def report(**changes: str) -> Row:
    """A good row of a reports file: a payment."""
    plain = {"report_id": "r1", "chain": "ethereum", "address": hexed(1), "tx_hash": tx_hash(1), "asset": USDT}
    return {**plain, "amount": "5", "time": "2024-01-13T10:00:11Z", "reporter": "Ana", "note": "a note", **changes}


def text(*rows: Row, columns: Iterable[str] | None = None) -> bytes:
    """A CSV file of these rows."""
    out = StringIO()
    writer = csv.DictWriter(out, list(columns or rows[0]), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def raw(content: bytes) -> RawFile:
    """A file in memory."""
    return RawFile("file.csv", BytesIO(content))


FIRST = transfer()

# A bad row, by what is wrong with it; the words its reason must hold. Some are bad only after FIRST, so all stand at
# line 3 after it.
BAD_TRANSFERS: dict[str, tuple[Row, str]] = {
    "unknown chain": (transfer(chain="dogecoin"), "unknown chain 'dogecoin'"),
    "empty chain": (transfer(chain=""), "unknown chain ''"),
    "control in chain": (transfer(chain="ethereum\x00"), "unknown chain"),
    "hash too short": (transfer(tx_hash="0x12"), "no transaction hash of ethereum"),
    "hash without 0x": (transfer(tx_hash=tx_hash(1)[2:]), "no transaction hash of ethereum"),
    "hash of another alphabet": (transfer(tx_hash="0x" + "g" * 64), "no transaction hash"),
    "checksum of sender": (transfer(sender="0xdAC17F958D2ee523a2206206994597C13D831eC7"), "EIP-55"),
    "checksum of recipient": (transfer(recipient="0xDAC17F958D2ee523a2206206994597C13D831ec7"), "EIP-55"),
    "address of another chain": (transfer(sender=COIN), "is no ethereum address"),
    "blank in an address": (transfer(sender=hexed(1) + " "), "blanks"),
    "control in an address": (transfer(sender=hexed(1)[:-1] + "\x07"), "control characters"),
    "no sender": (transfer(sender=""), "sender is missing"),
    "no recipient": (transfer(recipient=""), "recipient is missing"),
    "kind unknown": (transfer(kind="swap"), "kind 'swap' is unknown; known are native, internal"),
    "kind in capitals": (transfer(kind="TOKEN"), "is unknown"),
    "asset unknown": (transfer(asset="USDT"), "is no asset of ethereum"),
    "asset's checksum": (transfer(asset="0xDAC17F958D2ee523a2206206994597C13D831ec7"), "EIP-55"),
    "native token": (transfer(asset="native"), "does not fit kind token"),
    "token sent as native": (transfer(kind="native"), "does not fit kind native"),
    "token sent as internal": (transfer(kind="internal"), "write native"),
    "fee in a token": (transfer(kind="fee", recipient=""), "does not fit kind fee"),
    "amount with a sign": (transfer(amount="-1"), "whole base units"),
    "amount with a point": (transfer(amount="1.0"), "whole base units"),
    "amount with an exponent": (transfer(amount="1e18"), "whole base units"),
    "amount with underscores": (transfer(amount="1_000"), "whole base units"),
    "amount with blanks": (transfer(amount=" 1"), "whole base units"),
    "amount with separators": (transfer(amount="1,000"), "whole base units"),
    "amount in Arabic digits": (transfer(amount="١٢٣"), "whole base units"),
    "amount in superscript": (transfer(amount="²"), "whole base units"),
    "amount beyond 78 digits": (transfer(amount="1" * 79), "at most 78"),
    "amount empty": (transfer(amount=""), "whole base units"),
    "decimals beyond 255": (transfer(decimals="256", asset=hexed(9)), "not 0 to 255"),
    "decimals negative": (transfer(decimals="-1", asset=hexed(9)), "not 0 to 255"),
    "decimals of the verified list": (transfer(decimals="18"), "USDT has 6 on the chain's verified list"),
    "decimals of the native coin": (transfer(kind="native", asset="native"), "ETH has 18"),
    "time without zone": (transfer(time="2024-01-13T10:00:11"), "no ISO time with a zone"),
    "time as a number": (transfer(time="1705140011"), "no ISO time"),
    "time as a day": (transfer(time="2024-01-13"), "no ISO time"),
    "time with hour 25": (transfer(time="2024-01-13T25:00:11Z"), "is no time"),
    "time on 30 February": (transfer(time="2024-02-30T10:00:11Z"), "is no time"),
    "time finer than kept": (transfer(time="2024-01-13T10:00:11.1234567Z"), "no ISO time"),
    "time before bitcoin": (transfer(time="1970-01-01T00:00:00Z"), "absurd"),
    "time after the century": (transfer(time="2101-01-01T00:00:00Z"), "absurd"),
    "time at the end of all": (transfer(time="9999-12-31T23:59:59-23:59"), "no time"),
    "block negative": (transfer(block="-1"), "block '-1' is no whole number"),
    "block empty": (transfer(block=""), "block is missing"),
    "block beyond the database": (transfer(block="9" * 19), "no whole number"),
    "tx_index with a point": (transfer(tx_index="7.0"), "tx_index '7.0' is no whole number"),
    "index in words": (transfer(index="first"), "index 'first' is no whole number"),
    "initiator of another form": (transfer(initiator="ana"), "is no ethereum address"),
    "outpoint off bitcoin": (transfer(outpoint=f"{tx_hash(1)[2:]}:0"), "only a bitcoin input names one"),
    "output on ethereum": (transfer(kind="output", sender="", asset="native"), "does not fit the chain"),
    "fee with a recipient": (transfer(kind="fee", asset="native", decimals="18"), "leave it empty"),
    "fee of another": (
        transfer(kind="fee", asset="native", decimals="18", recipient="", initiator=hexed(5)),
        "sender is not the initiator",
    ),
    "other time in the transaction": (transfer(time="2024-01-13T10:00:12Z"), "starts at line 2"),
    "other block in the transaction": (transfer(block="19000001"), "block 19000001 differs from 19000000"),
    "other tx_index in the transaction": (transfer(tx_index="8"), "tx_index 8 differs from 7"),
    "native on bitcoin": (coin(kind="native", sender=COIN), "write input, output"),
    "token on bitcoin": (coin(kind="token", sender=COIN), "write input, output"),
    "output with a sender": (coin(sender=COIN), "sender"),
    "output without a recipient": (coin(recipient=""), "recipient is missing"),
    "output without position": (coin(index=""), "needs its position"),
    "output with an outpoint": (coin(outpoint=f"{tx_hash(2)[2:]}:0"), "only a bitcoin input names one"),
    "input without an outpoint": (coin(kind="input", sender=COIN, recipient=""), "write it as txid:n"),
    "input with a recipient": (coin(kind="input", sender=COIN, outpoint=f"{tx_hash(2)[2:]}:0"), "leave it empty"),
    "outpoint without position": (
        coin(kind="input", sender=COIN, recipient="", outpoint=tx_hash(2)[2:]),
        "write it as txid:n",
    ),
    "outpoint of no transaction": (coin(kind="input", sender=COIN, recipient="", outpoint="ab:0"), "no transaction"),
    "outpoint out of range": (
        coin(kind="input", sender=COIN, recipient="", outpoint=f"{tx_hash(2)[2:]}:{2**32}"),
        "write it as txid:n",
    ),
    "bitcoin hash with 0x": (coin(tx_hash=tx_hash(1)), "64 hex digits without 0x"),
    "bitcoin without a block": (coin(block=""), "block is missing"),
}

__all__ = ["BITCOIN", "ETHEREUM", "tx_hash"]
