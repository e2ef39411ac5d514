"""What Esplora's JSON says of bitcoin transactions: whole ones, with what each input spends. Pure.

What is not as documented (https://github.com/Blockstream/esplora/blob/master/API.md) raises one of decode.WRONG: the
caller says whose reply it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tracer.chains import parse_address, parse_tx_hash
from tracer.model import NATIVE, OP_RETURN, Address, AssetId, Kind, Log, Transaction, Transfer, transfer_id


class Place(NamedTuple):
    """The block that a transaction is in."""

    block: int
    block_hash: str


def place(row: Any) -> Place | None:
    """Where a transaction is; None while no block holds it."""
    status = row["status"]
    if status["confirmed"] is not True:
        return None
    return Place(number(status["block_height"]), block_hash(status["block_hash"]))


def number(value: Any) -> int:
    """A count, height or amount of satoshi. A float would have lost digits."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a number is not whole or below zero")
    return value


def block_hash(value: Any) -> str:
    """A block's hash: 64 hex digits, in lower case."""
    if not isinstance(value, str) or len(value) != 64:
        raise ValueError("a block's hash is not 64 hex digits")
    int(value, 16)
    return value.lower()


def transaction(chain: str, row: Any) -> Transaction:
    """The model's transaction; it must be in a block. Its fee is what its outputs leave, and is checked.

    An output without an address (OP_RETURN, a bare key or multisig) has no recipient, what spends one no sender. The
    input of a coinbase spends nothing and is none.
    """
    where = place(row)
    if where is None:
        raise ValueError("a transaction is in no block")
    tx_hash = parse_tx_hash(chain, row["txid"])
    inputs, outputs = list(_inputs(chain, tx_hash, row["vin"])), list(_outputs(chain, tx_hash, row["vout"]))
    if inputs and _total(inputs) - _total(outputs) != number(row["fee"]):
        raise ValueError(f"the inputs of {tx_hash} do not pay for its outputs and fee")
    return Transaction(
        chain=chain,
        tx_hash=tx_hash,
        at=datetime.fromtimestamp(number(row["status"]["block_time"]), UTC),
        block=where.block,
        whole=True,
        transfers=tuple(sorted((*inputs, *outputs), key=lambda one: one.id)),
    )


def memos(made: Transaction, row: Any) -> Iterator[Log]:
    """What a transaction says itself, as text: the pushed data of its OP_RETURN outputs that are printable ASCII.

    Bridges are told by it what is wanted; most outputs of the kind are no text and are left out.
    """
    for position, output in enumerate(row["vout"]):
        said = _pushed(output.get("scriptpubkey", ""))
        if said and said.isascii() and said.decode("ascii").isprintable() and made.block is not None:
            place = Address(made.chain, OP_RETURN)
            yield Log(place, made.tx_hash, position, made.block, made.at, (OP_RETURN,), f"0x{said.hex()}")


def _pushed(script: str) -> bytes:
    """What follows OP_RETURN (0x6a) in one push: its length in one byte, from 76 bytes on after OP_PUSHDATA1 (0x4c)."""
    parts = bytes.fromhex(script)
    if parts[:1] != b"\x6a":
        return b""
    start = 3 if parts[1:2] == b"\x4c" else 2
    length = parts[start - 1 : start]
    return parts[start:] if length and length[0] == len(parts) - start else b""


def _inputs(chain: str, tx_hash: str, spent: Any) -> Iterator[Transfer]:
    for position, one in enumerate(spent):
        if one["is_coinbase"]:
            continue
        outpoint = f"{parse_tx_hash(chain, one['txid'])}:{number(one['vout'])}"
        sender, amount = _output(chain, one["prevout"])
        yield _coin(chain, tx_hash, Kind.INPUT, position, amount, sender=sender, outpoint=outpoint)


def _outputs(chain: str, tx_hash: str, made: Any) -> Iterator[Transfer]:
    for position, one in enumerate(made):
        recipient, amount = _output(chain, one)
        yield _coin(chain, tx_hash, Kind.OUTPUT, position, amount, recipient=recipient)


def _output(chain: str, said: Any) -> tuple[Address | None, int]:
    text = said.get("scriptpubkey_address")
    return None if text is None else parse_address(chain, text), number(said["value"])


def _coin(  # noqa: PLR0917 - what identifies it, in the id's order
    chain: str,
    tx_hash: str,
    kind: Kind,
    position: int,
    amount: int,
    *,
    sender: Address | None = None,
    recipient: Address | None = None,
    outpoint: str | None = None,
) -> Transfer:
    asset = AssetId(chain, NATIVE)
    name = transfer_id(chain, tx_hash, kind, asset, sender, recipient, amount, position)
    return Transfer(name, kind, asset, amount, sender, recipient, position, outpoint)


def _total(moved: Iterable[Transfer]) -> int:
    return sum(one.amount for one in moved)
