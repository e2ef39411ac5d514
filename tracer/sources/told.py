"""What a node's replies say, for a page that is read now and for one that was kept: one function for both, pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tracer.chains import parse_address
from tracer.errors import SourceBroken
from tracer.model import NATIVE, Address, AssetId, Kind, Transaction
from tracer.sources import decode
from tracer.sources.base import Said, envelope
from tracer.sources.blocks import described
from tracer.sources.decode import WRONG, Block, Frame, Move, Receipt, Tx

Frames = Mapping[str, Mapping[tuple[int, ...], Frame]]
About = dict[str, Any]


def about(  # noqa: PLR0917 - the parts of a page
    chain: str,
    address: Address | None,
    blocks: Mapping[int, Block],
    found: Iterable[tuple[str, int]],
    receipts: Mapping[str, Receipt],
    moves: Mapping[str, list[Move]],
    *,
    whole: bool = False,
) -> About:
    """What is to be kept beside the replies, as JSON takes it: what many pages share, as far as this one rests on it.

    `address`: whose page it is; None: that of whole transactions. `found`: hash and block of each transaction.
    `moves`: all that the calls of a transaction moved, where they were traced as a whole; `whole`: they all were.
    """
    places = list(found)
    return {
        "chain": chain,
        "address": address.text if address else None,
        "whole": whole,
        "blocks": [
            (one.number, one.hash, one.parent, one.at.isoformat())
            for one in (blocks[number] for number in sorted({number for _, number in places}))
        ],
        "transactions": {tx_hash: (*blocks[number].txs[tx_hash], number) for tx_hash, number in places},
        "receipts": {one: receipts[one][:3] for one, _ in places if one in receipts},
        "moves": {one: moves[one] for one, _ in places if one in moves},
    }


def raw(kept: About, replies: Iterable[bytes]) -> bytes:
    """A page as it is kept; `parse` reads it again."""
    return envelope("evm", {"node": replies}, **kept)


def parse(content: bytes) -> Said:
    """What a kept page says. Raises SourceBroken where it is no such page."""
    try:
        page = json.loads(content)
        rows = [
            answer["result"]
            for reply in page["replies"]["node"]
            for answer in (reply if isinstance(reply, list) else [reply])
            if answer.get("result") is not None
        ]
        transactions = said(page, rows)
        assets = [described(AssetId(page["chain"], contract), *rest) for contract, *rest in page.get("assets", ())]
    except (*WRONG, RecursionError) as wrong:
        raise SourceBroken(f"a kept page of a node cannot be read again: {type(wrong).__name__}") from wrong
    return Said(transactions, tuple(assets))


def said(page: Mapping[str, Any], rows: Iterable[Any]) -> tuple[Transaction, ...]:
    """The transactions of a page, oldest first, from what `about` made and the results of its replies.

    Raises one of decode.WRONG where they are not as documented.
    """
    address = parse_address(page["chain"], page["address"]) if page["address"] else None
    made = _transactions(page, address, *_told(rows))
    return tuple(sorted((one for one in made if one.transfers or address is None), key=lambda one: one.order))


def _transactions(
    page: Mapping[str, Any], address: Address | None, logs: list[Any], frames: Frames
) -> Iterator[Transaction]:
    mine = address.text.lower() if address else None
    tokens: dict[str, list[Move]] = defaultdict(list)
    for place, move in decode.token_moves(logs):
        tokens[place.tx_hash].append(move)
    blocks = {
        number: Block(number, block_hash, parent, datetime.fromisoformat(at), {})
        for number, block_hash, parent, at in page["blocks"]
    }
    for tx_hash, (*head, number) in page["transactions"].items():
        tx = Tx(*head)
        ok, fee, made = page["receipts"].get(tx_hash) or (True, 0, None)
        moves = [*tokens[tx_hash], *_coins(tx_hash, tx, frames, page["moves"])]
        own = [move for move in moves if mine in (None, move.sender, move.recipient)] if ok else []
        own = [move if move.recipient else move._replace(recipient=made) for move in own]
        if fee and mine in (None, tx.sender):
            own.append(Move(Kind.FEE, NATIVE, fee, tx.sender, None))
        block = replace(blocks[number], txs={tx_hash: tx})
        yield decode.transaction(page["chain"], block, tx_hash, own, ok=ok, whole=page["whole"])


def _told(rows: Iterable[Any]) -> tuple[list[Any], Frames]:
    """The logs and the calls among the results of a page's replies."""
    logs: list[Any] = []
    calls: dict[str, dict[tuple[int, ...], Frame]] = defaultdict(dict)
    for result in rows:
        if isinstance(result, dict):  # a receipt of a transaction that is read as a whole
            logs += result.get("logs", ()) if "transactionHash" in result else ()
        elif isinstance(result, list) and result:
            if "topics" in result[0]:
                logs += result
            elif "action" in result[0]:
                for place, frame in decode.flat_frames(result):
                    calls[place.tx_hash][frame.path] = frame
    return logs, calls


def _coins(tx_hash: str, tx: Tx, frames: Frames, inner: Mapping[str, Any]) -> list[Move]:
    """The coins it moved: as its whole trace said, else its calls of the address, else its own amount."""
    if tx_hash in inner:
        return [Move(Kind(kind), *rest) for kind, *rest in inner[tx_hash]]
    if tx_hash in frames:
        return decode.coin_moves(frames[tx_hash].values())
    return decode.own_call(tx)
