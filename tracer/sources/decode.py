"""What a node's replies mean: quantities, Transfer logs, calls, blocks, receipts. Pure; hex is lower-case text.

What is not as documented raises one of WRONG: the caller says whose reply it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tracer.chains import parse_address
from tracer.errors import InputError
from tracer.model import NATIVE, Address, AssetId, Kind, Transaction, Transfer, transfer_id
from tracer.sources.cells import clean

WRONG = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, InputError)
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"  # keccak of its signature
SYMBOL = 128  # letters of a symbol that are kept
_WORD = 66  # letters of 32 bytes in hex
_NO_ADDRESS = "0x" + "0" * 24  # what stands before an address in a word


class Place(NamedTuple):
    """Where something happened: a transaction, and the block it is in."""

    tx_hash: str
    block: int
    block_hash: str


class Move(NamedTuple):
    """A transfer before it has an id. `position`: that of its log in the block."""

    kind: Kind
    contract: str
    amount: int
    sender: str
    recipient: str | None
    position: int | None = None


class Frame(NamedTuple):
    """One call of a transaction and the coins it passes on; `path` is () for the transaction's own call."""

    path: tuple[int, ...]
    sender: str
    recipient: str | None
    amount: int
    failed: bool


class Tx(NamedTuple):
    """What a block says of a transaction. `to` is None where it makes a contract."""

    position: int
    sender: str
    to: str | None
    amount: int
    gas_price: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block, its transactions by hash and, where it was traced, what their calls moved."""

    number: int
    hash: str
    parent: str
    at: datetime
    txs: dict[str, Tx]
    moves: dict[str, tuple[Move, ...]] | None = None


class Receipt(NamedTuple):
    """How a transaction ended: what its initiator paid for it, whether it failed, the contract it made."""

    ok: bool
    fee: int
    made: str | None
    place: Place


# --- plain values -----------------------------------------------------------------------------------------------------


def quantity(value: Any) -> int:
    """A number as nodes write it: 0x… of at most 32 bytes; some trace replies use plain ones."""
    if isinstance(value, str) and value.startswith("0x") and len(value) <= _WORD:
        return int(value, 16)
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError("a quantity is not 0x and hex digits")


def block_hash(value: Any) -> str:
    """32 bytes in hex: the hash of a block or a transaction."""
    if isinstance(value, str) and len(value) == _WORD and value.startswith("0x"):
        int(value, 16)
        return value.lower()
    raise ValueError("a hash is not 0x and 64 hex digits")


def word(address: Address) -> str:
    """An address as a topic."""
    return _NO_ADDRESS + address.text[2:].lower()


# --- token transfers --------------------------------------------------------------------------------------------------


def token_moves(logs: Iterable[Any]) -> Iterator[tuple[Place, Move]]:
    """The ERC-20 Transfers among logs, each once: a self-transfer is found by both queries for an address.

    Left out: NFTs (four topics), data of another length, topics that are no addresses.
    """
    seen: set[tuple[str, str]] = set()
    for log in logs:
        topics, data, key = log["topics"], log["data"], (log["blockHash"], log["logIndex"])
        if len(topics) != 3 or topics[0] != TRANSFER or len(data) != _WORD or key in seen:
            continue
        seen.add(key)
        _, sender, recipient = topics
        if sender[:26] != _NO_ADDRESS or recipient[:26] != _NO_ADDRESS:
            continue
        place = Place(block_hash(log["transactionHash"]), quantity(log["blockNumber"]), block_hash(log["blockHash"]))
        ends = _address(f"0x{sender[26:]}"), _address(f"0x{recipient[26:]}")
        yield place, Move(Kind.TOKEN, _address(log["address"]), quantity(data), *ends, quantity(log["logIndex"]))


def _address(value: str) -> str:
    if not (value.startswith("0x") and len(value) == 42):
        raise ValueError("an address is not 0x and 40 hex digits")
    return value.lower()


# --- calls ------------------------------------------------------------------------------------------------------------

MOVING = {"call", "create", "create2", "suicide", "selfdestruct"}  # delegatecall, staticcall, callcode: nothing moves


def flat_frames(traces: Iterable[Any]) -> Iterator[tuple[Place, Frame]]:
    """The calls of trace_filter and trace_transaction, in their order. Rewards are no transactions."""
    for trace in traces:
        if trace["type"] == "reward":
            continue
        action, result = trace["action"], trace.get("result") or {}
        what = action.get("callType") or trace["type"]
        if "refundAddress" in action:
            ends, amount = (action["address"], action["refundAddress"]), action["balance"]
        else:
            ends, amount = (action["from"], action.get("to") or result.get("address")), action.get("value", 0)
        place = Place(
            block_hash(trace["transactionHash"]), quantity(trace["blockNumber"]), block_hash(trace["blockHash"])
        )
        yield place, _frame(tuple(trace["traceAddress"]), ends, what, amount, trace.get("error"))


def nested_frames(root: Any) -> Iterator[Frame]:
    """The calls of a callTracer's result, each before those it makes."""
    waiting: list[tuple[tuple[int, ...], Any]] = [((), root)]
    while waiting:
        path, call = waiting.pop()
        yield _frame(path, (call["from"], call.get("to")), call["type"], call.get("value") or 0, call.get("error"))
        inner = call.get("calls") or ()
        waiting.extend(((*path, n), inner[n]) for n in range(len(inner) - 1, -1, -1))


def _frame(path: tuple[int, ...], ends: tuple[Any, Any], what: str, amount: Any, error: Any) -> Frame:
    sender, recipient = ends
    moved = quantity(amount) if what.lower() in MOVING else 0
    return Frame(path, _address(sender), recipient and _address(recipient), moved, bool(error))


def coin_moves(frames: Iterable[Frame]) -> list[Move]:
    """What the calls of one transaction moved. A failed call undoes all that it made, even what itself did not fail."""
    frames = list(frames)
    failed = {frame.path for frame in frames if frame.failed}
    return [
        Move(Kind.INTERNAL if frame.path else Kind.NATIVE, NATIVE, frame.amount, frame.sender, frame.recipient)
        for frame in frames
        if frame.amount and not (failed and any(frame.path[:n] in failed for n in range(len(frame.path) + 1)))
    ]


# --- blocks and receipts ----------------------------------------------------------------------------------------------


def block(answer: Any) -> Block:
    """A block with its transactions."""
    txs = {
        block_hash(tx["hash"]): Tx(
            quantity(tx["transactionIndex"]),
            _address(tx["from"]),
            _address(tx["to"]) if tx.get("to") else None,
            quantity(tx["value"]),
            quantity(tx["gasPrice"]) if "gasPrice" in tx else None,
        )
        for tx in answer["transactions"]
    }
    at = datetime.fromtimestamp(quantity(answer["timestamp"]), UTC)
    return Block(quantity(answer["number"]), block_hash(answer["hash"]), block_hash(answer["parentHash"]), at, txs)


def traced(hashes: list[str], answer: Any) -> dict[str, tuple[Move, ...]]:
    """What the calls of a block's transactions moved, by debug_traceBlockByNumber; `hashes` in the block's order."""
    moves: dict[str, tuple[Move, ...]] = {}
    for tx_hash, one in zip(hashes, answer, strict=True):
        if one.get("txHash", tx_hash).lower() != tx_hash:
            raise ValueError("a trace is of another transaction than its place says")
        moves[tx_hash] = tuple(coin_moves(nested_frames(one["result"])))
    return moves


def receipt(answer: Any) -> Receipt:
    """How a transaction ended. The fee holds what blobs and, on a chain above another, that other's data cost."""
    fee = quantity(answer["gasUsed"]) * quantity(answer["effectiveGasPrice"])
    fee += quantity(answer.get("l1Fee") or 0)
    fee += quantity(answer.get("blobGasUsed") or 0) * quantity(answer.get("blobGasPrice") or 0)
    made = answer.get("contractAddress")
    place = Place(
        block_hash(answer["transactionHash"]), quantity(answer["blockNumber"]), block_hash(answer["blockHash"])
    )
    return Receipt(quantity(answer.get("status") or 1) > 0, fee, made and _address(made), place)


def own_call(tx: Tx) -> list[Move]:
    """What a transaction itself moved, without a trace."""
    return [Move(Kind.NATIVE, NATIVE, tx.amount, tx.sender, tx.to)] if tx.amount else []


def settled(moves: Iterable[Move], receipt: Receipt) -> list[Move]:
    """What a transaction moved in the end: nothing if it failed. What made a contract went to that contract."""
    return [move if move.recipient else move._replace(recipient=receipt.made) for move in moves if receipt.ok]


def fee(tx: Tx, receipt: Receipt) -> list[Move]:
    """What its initiator paid for a transaction."""
    return [Move(Kind.FEE, NATIVE, receipt.fee, tx.sender, None)] if receipt.fee else []


def transaction(chain: str, where: Block, tx_hash: str, moves: Iterable[Move], *, ok: bool, whole: bool) -> Transaction:
    """The model's transaction; `moves` are all of it, or all between the same ends. Transfers stand in order of id."""
    tx = where.txs[tx_hash]
    return Transaction(
        chain=chain,
        tx_hash=tx_hash,
        at=where.at,
        block=where.number,
        tx_index=tx.position,
        initiator=parse_address(chain, tx.sender),
        to=parse_address(chain, tx.to) if tx.to else None,
        ok=ok,
        whole=whole,
        transfers=transfers(chain, tx_hash, moves),
    )


def transfers(chain: str, tx_hash: str, moves: Iterable[Move]) -> tuple[Transfer, ...]:
    """What a transaction moved, in order of id; `moves` as in transaction."""
    same: Counter[tuple[object, ...]] = Counter()
    made = []
    for move in sorted(moves, key=lambda one: one.position or 0):
        key = move[:5]  # all but the position
        made.append(_transfer(chain, tx_hash, move, same[key]))
        same[key] += 1
    return tuple(sorted(made, key=lambda one: one.id))


def _transfer(chain: str, tx_hash: str, move: Move, n: int) -> Transfer:
    contract = move.contract if move.contract == NATIVE else parse_address(chain, move.contract).text
    asset = AssetId(chain, contract)
    sender = parse_address(chain, move.sender)
    recipient = parse_address(chain, move.recipient) if move.recipient else None
    name = transfer_id(chain, tx_hash, move.kind, asset, sender, recipient, move.amount, n)
    return Transfer(name, move.kind, asset, move.amount, sender, recipient, move.position)


# --- what a token says of itself --------------------------------------------------------------------------------------


def symbol(answer: Any) -> str:
    """A symbol, as text or (before 2018) as 32 bytes; "" if there is none. It is what a stranger wrote."""
    data = _bytes(answer)
    if len(data) == 32:
        data = data.rstrip(b"\0")
    elif len(data) >= 64:
        size = int.from_bytes(data[32:64], "big")
        data = data[64 : 64 + min(size, 4 * SYMBOL)]
    else:
        data = b""
    return clean(data.decode("utf-8", "replace"))[:SYMBOL]


def decimals(answer: Any) -> int | None:
    """How many digits a token says it has; None if it says nothing that makes sense."""
    data = _bytes(answer)
    number = int.from_bytes(data, "big") if len(data) == 32 else 256
    return number if number < 256 else None


def _bytes(answer: Any) -> bytes:
    try:
        return bytes.fromhex(answer[2:])
    except (TypeError, ValueError):
        return b""
