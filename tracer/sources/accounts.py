"""What explorers say of an address or a transaction, made into transactions. Pure; each names its fields itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tracer.chains import listed, parse_address
from tracer.errors import SourceBroken
from tracer.model import NATIVE, Address, Asset, AssetId, Kind, Transaction
from tracer.sources import decode
from tracer.sources.base import Said
from tracer.sources.cells import clean
from tracer.sources.decode import Block, Frame, Move, Tx

Named = tuple[str, Any, Any]  # a token's contract, and what a list says of its symbol and decimals; None: nothing


class Told(NamedTuple):
    """What one row says of a transaction. None: it does not say. `moves`: all of its kind between the same ends.

    `position`: in its block. `tx`: who initiated it, and whom it called; only a list of transactions tells that.
    """

    tx_hash: str
    block: int
    at: datetime
    moves: tuple[Move, ...] = ()
    block_hash: str | None = None
    position: int | None = None
    tx: Tx | None = None
    ok: bool = True


@contextmanager
def documented(kind: str) -> Iterator[None]:
    """A reply is decoded in here: what is not as documented raises SourceBroken."""
    try:
        yield
    except decode.WRONG as wrong:
        raise SourceBroken(f"{kind}: the reply is not as documented: {type(wrong).__name__} {wrong}") from None


def moment(seconds: str | int) -> datetime:
    """A time as Etherscan-like lists write it: seconds since 1970."""
    return datetime.fromtimestamp(int(seconds), UTC)


def once(rows: Iterable[Any], key: Callable[[Any], tuple[Any, ...]]) -> list[Any]:
    """The rows without those that came twice; one whose key is not all known counts as another."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for row in rows:
        name = key(row)
        if None in name or name not in seen:
            kept.append(row)
        seen.add(name)
    return kept


# --- an address's own part of transactions ----------------------------------------------------------------------------


def together(address: Address, told: Iterable[Told]) -> tuple[Transaction, ...]:
    """The transactions in which something of the address moved, oldest first, each as far as it is the address's.

    Raises one of decode.WRONG where rows contradict each other or are somebody else's.
    """
    by_hash: dict[str, list[Told]] = {}
    for one in told:
        by_hash.setdefault(one.tx_hash, []).append(one)
    made = [_made(address, rows) for rows in by_hash.values()]
    return tuple(sorted((one for one in made if one.transfers), key=lambda one: one.order))


def _made(address: Address, rows: Sequence[Told]) -> Transaction:
    first = rows[0]
    if any((one.block, one.at) != (first.block, first.at) for one in rows):
        raise ValueError(f"{first.tx_hash} stands in two blocks")
    tx, ok = next((one.tx for one in rows if one.tx), None), all(one.ok for one in rows)
    moves = [move for one in rows for move in one.moves if ok or move.kind is Kind.FEE]
    own = address.text.lower()
    if any(own not in (move.sender, move.recipient) for move in moves):
        raise ValueError(f"{first.tx_hash} moves nothing of {address.text}")
    return Transaction(
        chain=address.chain,
        tx_hash=first.tx_hash,
        at=first.at,
        block=first.block,
        tx_index=next((one.position for one in rows if one.position is not None), None),
        initiator=parse_address(address.chain, tx.sender) if tx else None,
        to=parse_address(address.chain, tx.to) if tx and tx.to else None,
        ok=ok,
        transfers=decode.transfers(address.chain, first.tx_hash, moves),
    )


def own_part(address: Address, tx: Tx, fee: int, recipient: str | None) -> tuple[Move, ...]:
    """What a transaction itself moved of an address: its value, to whom it called or made, and the fee it paid."""
    called = tx._replace(to=recipient)
    paid = [Move(Kind.FEE, NATIVE, fee, tx.sender, None)] if fee and tx.sender == address.text.lower() else []
    return (*decode.own_call(called), *paid)


def inner_told(frames: Iterable[tuple[Told, Frame]]) -> list[Told]:
    """What calls moved, by transaction. A row is a call; a failed one undoes what it made, as far as paths tell."""
    by_hash: dict[str, tuple[Told, list[Frame]]] = {}
    for told, frame in frames:
        by_hash.setdefault(told.tx_hash, (told, []))[1].append(frame)
    return [told._replace(moves=tuple(decode.coin_moves(calls))) for told, calls in by_hash.values()]


def account_said(address: Address, told: Sequence[Told], tokens: Iterable[Named]) -> tuple[Said, dict[int, str]]:
    """What rows say of an address, and the hashes of its transactions' blocks, as far as rows name them."""
    made = together(address, told)
    hashes: dict[int, str] = {}
    for one in told:
        if one.block_hash and hashes.setdefault(one.block, one.block_hash) != one.block_hash:
            raise ValueError(f"block {one.block} has two hashes")
    used = {one.block for one in made}
    return Said(made, described(made, tokens)), {block: name for block, name in hashes.items() if block in used}


def described(transactions: Iterable[Transaction], tokens: Iterable[Named]) -> tuple[Asset, ...]:
    """The assets that were moved, in order. What a list tells of a token describes it; who it is, it never decides."""
    moved = sorted({transfer.asset for one in transactions for transfer in one.transfers})
    named = {contract.lower(): (symbol or "", digits) for contract, symbol, digits in tokens}
    return tuple(_described(asset, *named.get(asset.contract.lower(), ("", None))) for asset in moved)


def _described(asset: AssetId, symbol: str, digits: Any) -> Asset:
    token = listed(asset)
    known = int(digits) if str(digits).isdecimal() and int(digits) < 256 else None
    if token is None:
        return Asset(asset, clean(symbol)[: decode.SYMBOL], known)
    return Asset(asset, token.symbol, known if token.decimals is None else token.decimals, listed=True)


# --- one whole transaction --------------------------------------------------------------------------------------------


class Parts(NamedTuple):
    """A transaction as a node tells it (results of eth_getTransactionReceipt, …ByHash, eth_getBlockByNumber).

    `fee`: what it cost in all, where the receipt does not hold what a chain below takes.
    """

    receipt: Any
    tx: Any
    block: Any
    fee: int | None = None


def whole_transaction(chain: str, parts: Parts, calls: Iterable[Frame], *, whole: bool) -> tuple[Transaction, str]:
    """The transaction, and its block's hash. `whole`: `calls` are all that it made. Raises one of decode.WRONG."""
    # Blockscout leaves the price to the transaction where it has none, and fills topics up with null.
    answer = {"effectiveGasPrice": parts.tx["gasPrice"]} | parts.receipt
    receipt = decode.receipt(answer)
    receipt = receipt if parts.fee is None else receipt._replace(fee=parts.fee)
    logs = [log | {"topics": [topic for topic in log["topics"] if topic is not None]} for log in answer["logs"]]
    tx = Tx(
        decode.quantity(parts.tx["transactionIndex"]),
        parts.tx["from"].lower(),
        parts.tx["to"].lower() if parts.tx.get("to") else None,
        decode.quantity(parts.tx["value"]),
    )
    tx_hash, number = receipt.place.tx_hash, decode.quantity(parts.block["number"])
    named = {decode.block_hash(parts.block["hash"]), receipt.place.block_hash, decode.block_hash(parts.tx["blockHash"])}
    if len(named) > 1 or number != receipt.place.block or decode.block_hash(parts.tx["hash"]) != tx_hash:
        raise ValueError(f"{tx_hash} stands in two blocks")
    at = datetime.fromtimestamp(decode.quantity(parts.block["timestamp"]), UTC)
    where = Block(number, named.pop(), decode.block_hash(parts.block["parentHash"]), at, {tx_hash: tx})
    moves = [*decode.own_call(tx), *decode.coin_moves(calls), *(move for _, move in decode.token_moves(logs))]
    moves = [*decode.settled(moves, receipt), *decode.fee(tx, receipt)]
    return decode.transaction(chain, where, tx_hash, moves, ok=receipt.ok, whole=whole), where.hash
