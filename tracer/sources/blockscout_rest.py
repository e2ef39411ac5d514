"""Blockscout's REST API v2: an address's lists, newest first.

A new address is read from the newest final block down. What has been read is kept page by page; the checkpoint's
cursor holds how far down, and its block moves only when the descent has met it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from tracer.chains import parse_address
from tracer.errors import SourceBroken
from tracer.model import Address, Checkpoint, Kind
from tracer.sources import accounts, decode
from tracer.sources.accounts import Told, documented
from tracer.sources.base import Said, SourceSettings, envelope
from tracer.sources.blocks import Kept
from tracer.sources.blockscout import headers, node
from tracer.sources.budget import Budget
from tracer.sources.decode import Frame, Move, Tx
from tracer.sources.etherscan_rows import transaction_said
from tracer.sources.explorer import Explorer, Head, Part, denied
from tracer.sources.reply import Broken, Empty, Partial, Reply, Rows
from tracer.sources.web import Answer, Asked

LISTS: Mapping[str, Mapping[str, str]] = {
    "transactions": {},
    "internal-transactions": {},
    "token-transfers": {"type": "ERC-20"},  # NFTs are not read
}
REPLIES = 4  # of each list that a page is made of, at least
CALLS = 100  # replies of one transaction's calls that are read
KEPT = 20_000  # rows of replies that the next page needs again
Cursor = Mapping[str, Any]
_KEYS = ("key", "apikey")  # before version 12 a cursor could hold them, and it is kept

# --- what replies mean ------------------------------------------------------------------------------------------------


def items_reply(answer: Answer) -> Reply:
    """What an answer with a list means: items, and where it goes on. An address that nobody used has none."""
    wrong = denied(answer)
    if wrong is not None:
        return wrong
    match answer.said:
        case {"items": [], "next_page_params": None} if answer.status == 200:
            return Empty()
        case {"items": list(rows), "next_page_params": dict() | None as more} if answer.status == 200:
            return _processed(rows, more and {name: more[name] for name in more if name not in _KEYS})
        case {"message": str(message)}:
            return Broken(message)
    return Broken(f"HTTP {answer.status}: neither items nor a known refusal")


def _processed(rows: list[Any], more: Cursor | None) -> Reply:
    if not all(isinstance(row, dict) for row in rows):
        return Broken("an item that is none")
    waiting = [row for row in rows if row.get("is_pending_update") or row.get("status", "ok") not in ("ok", "error")]
    if any(_block(row) is not None for row in waiting):
        return Partial("some transactions have not been processed yet", rows)
    return Rows(rows, more)


def list_reply(answer: Answer, below: int | None) -> Reply:
    """What an answer to an address's list means. `below`: the block that the reply before it ended in."""
    reply = items_reply(answer)
    if not isinstance(reply, Rows | Partial):
        return reply
    blocks = [block for row in reply.rows if (block := _block(row)) is not None]
    if not all(isinstance(block, int) for block in blocks):
        return Broken("an item without its block")
    if blocks != sorted(blocks, reverse=True) or (below is not None and blocks and blocks[0] > below):
        return Broken("the items are not in order, newest first: what is left out cannot be known")
    return reply


def object_reply(answer: Answer) -> Reply:
    """What an answer means that is one object, with a hash."""
    wrong = denied(answer)
    if wrong is not None:
        return wrong
    named = answer.status == 200 and isinstance(answer.said, dict) and "hash" in answer.said
    return Rows([answer.said]) if named else Broken(f"HTTP {answer.status}: not what was asked for")


def _block(row: Any) -> Any:
    """The block of an item; None while it waits for one."""
    return row["block_number"] if "block_number" in row else row.get("block")


# --- what items say ---------------------------------------------------------------------------------------------------


def _transaction_row(address: Address, row: Any) -> Told:
    ends = _end(row["from"]), _end(row["to"])
    tx = Tx(row["position"], ends[0] or "", ends[1], int(row["value"]))
    moves = accounts.own_part(address, tx, _fee(row), ends[1] or _end(row["created_contract"]))
    return _told(row, row["hash"])._replace(moves=moves, tx=tx, position=tx.position, ok=row["status"] == "ok")


def _fee(row: Any) -> int:
    """What a transaction cost in all, also what a chain below takes. Raises ValueError where it is only a limit."""
    if row["fee"]["type"] != "actual":
        raise ValueError("a fee that is not known yet")
    return int(row["fee"]["value"] or 0)


def _token_row(row: Any) -> Told:
    ends = _end(row["from"]) or "", _end(row["to"])
    move = Move(Kind.TOKEN, _contract(row).lower(), int(row["total"]["value"]), *ends, row["log_index"])
    block_hash = decode.block_hash(row["block_hash"]) if row.get("block_hash") else None
    return _told(row, row["transaction_hash"])._replace(moves=(move,), block_hash=block_hash)


def _told(row: Any, name: str) -> Told:
    at, position = datetime.fromisoformat(row["timestamp"]), row.get("transaction_index")
    return Told(decode.block_hash(name), _block(row), at, position=position)


def _frame(row: Any) -> Frame:
    amount = int(row["value"]) if row["type"].lower() in decode.MOVING else 0
    recipient = _end(row["to"]) or _end(row["created_contract"])
    failed = not row["success"] or bool(row["error"])
    return Frame((row["index"],), _end(row["from"]) or "", recipient, amount, failed)


def _end(party: Any) -> str | None:
    return None if party is None else party["hash"].lower()


def _contract(row: Any) -> str:
    token: str = row["token"].get("address_hash") or row["token"]["address"]
    return token


def _calls(rows: Iterable[Any]) -> list[Any]:
    """The calls that transactions made; index 0 is a transaction's own."""
    return accounts.once(
        (row for row in rows if row["index"] != 0), lambda row: (row.get("transaction_hash"), row["index"])
    )


def said(raw: bytes) -> tuple[Said, dict[int, str]]:
    """What a kept page says, and the block hashes it names. Raises SourceBroken."""
    with documented("a kept page of Blockscout"):
        kept = json.loads(raw)
        if "tx_hash" in kept:
            calls = _calls(row for reply in kept["replies"]["inner"] for row in reply["items"])
            return transaction_said(kept, map(_frame, calls), _fee(kept["replies"]["fee"][0]))
        return _account_said(kept) if "address" in kept else (Said((), ()), {})


def _account_said(kept: Any) -> tuple[Said, dict[int, str]]:
    address = parse_address(kept["chain"], kept["address"])
    rows = {name: list(_rows(kept["replies"].get(name, ()), kept["from"], kept["upto"])) for name in LISTS}
    told = [_transaction_row(address, row) for row in accounts.once(rows["transactions"], lambda row: (row["hash"],))]
    calls = _calls(rows["internal-transactions"])
    told += accounts.inner_told((_told(row, row["transaction_hash"]), _frame(row)) for row in calls)
    tokens = accounts.once(rows["token-transfers"], lambda row: (row["transaction_hash"], row["log_index"]))
    tokens = [row for row in tokens if row["token"]["type"] == "ERC-20"]
    told += map(_token_row, tokens)
    names = ((_contract(row), row["token"]["symbol"], row["token"]["decimals"]) for row in tokens)
    return accounts.account_said(address, told, names)


def _rows(replies: Iterable[Any], start: int, upto: int) -> Iterable[Any]:
    for reply in replies:
        yield from (row for row in reply["items"] if _block(row) is not None and start <= _block(row) <= upto)


def parse(raw: bytes) -> Said:
    """See Kind.parse."""
    return said(raw)[0]


# --- the descent ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Descent:
    """From which block down an address is read, what is still below, and where each list goes on."""

    top: int
    hash: str
    below: int
    next: Mapping[str, Cursor]

    def kept(self) -> str:
        """As the checkpoint's cursor."""
        return json.dumps({"top": self.top, "hash": self.hash, "below": self.below, "next": self.next})


def _begun(cursor: str | None) -> Descent | None:
    """The descent that a cursor tells of, if any."""
    try:
        kept = json.loads(cursor or "null")
        return Descent(int(kept["top"]), kept["hash"], int(kept["below"]), dict(kept["next"]))
    except decode.WRONG:
        return None


class Stretch(NamedTuple):
    """The replies of a list, each with the cursor it came for. It is whole above block `low`.

    `partial`: in words, why even that is not sure.
    """

    replies: list[tuple[Cursor, Asked]]
    low: int
    partial: str = ""

    def goes_on(self, low: int) -> Cursor:
        """From where all rows of block `low` and below can be read: the rows before may stand in the same block."""
        above = [cursor for cursor, asked in self.replies if (_highest(asked) or 0) > low]
        return above[-1] if above else self.replies[0][0]

    def raw(self, start: int, upto: int) -> list[bytes]:
        """The replies that hold rows of these blocks."""
        return [asked.raw for _, asked in self.replies if any(start <= block <= upto for block in _blocks(asked))]


def _blocks(asked: Asked) -> list[int]:
    rows = [] if isinstance(asked.reply, Empty) else asked.reply.rows
    return [block for row in rows if (block := _block(row)) is not None]


def _highest(asked: Asked) -> int | None:
    return max(_blocks(asked), default=None)


class BlockscoutRest(Explorer):
    """A Source (see there): Blockscout's REST API."""

    def __init__(self, settings: SourceSettings, budget: Budget) -> None:
        shown = {"show-scam-tokens": "true"}  # they are what victims were shown; by default they are left out
        super().__init__(settings, budget, read=items_reply, headers=shown | headers(settings))
        self._kept: Kept[tuple[Address, str, int, str], Asked] = Kept(KEPT)

    def node(self, method: str, *params: Any) -> Asked:
        """See Explorer."""
        return node(self.web, method, params)

    def parse(self, raw: bytes) -> tuple[Said, dict[int, str]]:
        """See Explorer."""
        return said(raw)

    def forget(self) -> None:
        """See Explorer."""
        self._kept.clear()

    def beside(self, tx_hash: str) -> tuple[dict[str, list[bytes]], str]:
        """See Explorer."""
        path = f"/api/v2/transactions/{tx_hash}"
        replies = {"fee": [self.web.get(path, read=object_reply).raw], "inner": []}
        cursor: Cursor | None = {}
        while cursor is not None and len(replies["inner"]) < CALLS:
            asked = self.web.get(f"{path}/internal-transactions", cursor)
            replies["inner"].append(asked.raw)
            if isinstance(asked.reply, Partial):
                return replies, asked.reply.reason
            cursor = asked.reply.more if isinstance(asked.reply, Rows) else None
        return replies, f"only {CALLS} replies of inner calls are read" if cursor else ""

    def read(self, address: Address, checkpoint: Checkpoint, start: int, head: Head) -> Part:
        """See Explorer."""
        descent = self._descent(checkpoint, start, head)
        stretches = {name: self._stretch(name, address, descent, start - 1) for name in LISTS}
        low = max(one.low for one in stretches.values())
        first, last = low + 1, descent.below - 1
        raw = envelope(
            self.kind,
            {name: one.raw(first, last) for name, one in stretches.items()},
            **{"chain": self.chain, "address": address.text, "from": first, "upto": last},
        )
        found, blocks = self.parse(raw)
        partials = tuple(filter(None, (one.partial for one in stretches.values())))
        if partials:
            return Part(raw, found, checkpoint, blocks, partials)
        if low < start:
            return Part(raw, found, Checkpoint(None, descent.top, descent.hash), blocks, (), descent.top >= head.number)
        left = {name: one.goes_on(low) for name, one in stretches.items()}
        on = Descent(descent.top, descent.hash, first, left).kept()
        reason = f"descending: blocks {start} to {low} are not read yet"
        blocks[descent.top] = descent.hash  # all of the descent is on the chain that this block is on
        return Part(raw, found, Checkpoint(on, checkpoint.block, checkpoint.block_hash), blocks, (reason,), done=False)

    def _descent(self, checkpoint: Checkpoint, start: int, head: Head) -> Descent:
        """The one that was begun, if its first block is still what it was; else a new one."""
        begun = _begun(checkpoint.cursor)
        if begun and start <= begun.top <= head.number and self.hash_now(begun.top, head) == begun.hash:
            return begun
        return Descent(head.number, head.hash, head.number + 1, {})

    def _stretch(self, name: str, address: Address, descent: Descent, floor: int) -> Stretch:
        """The next replies of a list, until some blocks are whole."""
        cursor, ended = descent.next.get(name, {}), None
        replies: list[tuple[Cursor, Asked]] = []
        while True:
            asked = self._ask(name, address, cursor, descent.top, ended)
            replies.append((cursor, asked))
            ended = min(_blocks(asked), default=ended)
            if isinstance(asked.reply, Partial):
                return Stretch(replies, max(floor, descent.below - 1 if ended is None else ended), asked.reply.reason)
            more = asked.reply.more if isinstance(asked.reply, Rows) else None
            if more is None or (ended is not None and ended <= floor):
                return Stretch(replies, floor)
            if more == cursor:
                raise SourceBroken(f"{self.web.host}: the list of {name} does not go on after {json.dumps(more)}")
            if len(replies) >= REPLIES and ended is not None and ended < descent.below - 1:
                return Stretch(replies, ended)
            cursor = more

    def _ask(self, name: str, address: Address, cursor: Cursor, top: int, ended: int | None) -> Asked:
        key = (address, name, top, json.dumps(cursor, sort_keys=True))
        kept = self._kept.get(key)
        if kept is None:
            asked = {**LISTS[name], "items_count": self.provider.page_rows, **cursor}
            path = f"/api/v2/addresses/{address.text}/{name}"
            kept = self.web.get(path, asked, partial(list_reply, below=ended))
            if not isinstance(kept.reply, Partial):
                self._kept.put(key, kept, 1 + len(_blocks(kept)))
        return kept
