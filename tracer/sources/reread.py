"""A page of a node read once more from what was kept of it: the same transactions, without the node."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tracer.errors import SourceBroken
from tracer.model import NATIVE, Address, Kind, Transaction
from tracer.sources import decode
from tracer.sources.decode import WRONG, Block, Frame, Move, Tx

Frames = Mapping[str, Mapping[tuple[int, ...], Frame]]


def reread(raw: bytes, address: Address) -> tuple[Transaction, ...]:
    """The transactions of a page that was pulled for an address from an EVM node (sources/evm.py keeps it so).

    Raises SourceBroken where it is no such page.
    """
    try:
        page = json.loads(raw)
        return tuple(_transactions(page, address))
    except (*WRONG, RecursionError) as wrong:
        raise SourceBroken(f"a kept page of {address} cannot be read again: {type(wrong).__name__}") from wrong


def _transactions(page: Any, address: Address) -> Iterator[Transaction]:
    mine = address.text.lower()
    logs, frames = _told(page["replies"])
    tokens: dict[str, list[Move]] = defaultdict(list)
    for place, move in decode.token_moves(logs):
        tokens[place.tx_hash].append(move)
    blocks = {
        number: Block(number, block_hash, parent, datetime.fromisoformat(at), {})
        for number, block_hash, parent, at in page["blocks"]
    }
    for tx_hash, (*said, number) in page["transactions"].items():
        tx = Tx(*said)
        ok, fee, made = page["receipts"].get(tx_hash) or (True, 0, None)
        moves = [*tokens[tx_hash], *_coins(tx_hash, tx, frames, page["moves"])]
        own = [move for move in moves if mine in (move.sender, move.recipient)] if ok else []
        own = [move if move.recipient else move._replace(recipient=made) for move in own]
        if fee and tx.sender == mine:
            own.append(Move(Kind.FEE, NATIVE, fee, tx.sender, None))
        block = replace(blocks[number], txs={tx_hash: tx})
        yield decode.transaction(address.chain, block, tx_hash, own, ok=ok, whole=False)


def _told(replies: Any) -> tuple[list[Any], Frames]:
    """The logs and the calls among a page's replies."""
    logs: list[Any] = []
    calls: dict[str, dict[tuple[int, ...], Frame]] = defaultdict(dict)
    for reply in replies:
        for answer in reply if isinstance(reply, list) else [reply]:
            rows = answer.get("result")
            for row in rows if isinstance(rows, list) else ():
                if "topics" in row:
                    logs.append(row)
                elif "action" in row:
                    for place, frame in decode.flat_frames([row]):
                        calls[place.tx_hash][frame.path] = frame
    return logs, calls


def _coins(tx_hash: str, tx: Tx, frames: Frames, inner: Mapping[str, Any]) -> list[Move]:
    """The coins it moved: as its whole trace said, else its calls of the address, else its own amount."""
    if tx_hash in inner:
        return [Move(Kind(kind), *rest) for kind, *rest in inner[tx_hash]]
    if tx_hash in frames:
        return decode.coin_moves(frames[tx_hash].values())
    return [Move(Kind.NATIVE, NATIVE, tx.amount, tx.sender, tx.to)] if tx.amount else []
