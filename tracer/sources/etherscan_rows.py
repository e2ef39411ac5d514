"""What Etherscan's replies mean and what their rows say; Blockscout speaks the same with an accent. Pure.

What moves without a transaction (the genesis block, rewards, withdrawals of stakers) is left out, and so are NFTs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tracer.chains import parse_address
from tracer.model import Address, Kind, Log
from tracer.sources import accounts, decode
from tracer.sources.accounts import Parts, Told, documented
from tracer.sources.base import Said
from tracer.sources.decode import Frame, Move, Tx
from tracer.sources.explorer import denied, node_reply
from tracer.sources.reply import Broken, Busy, Empty, Good, Partial, Refused, Reply, Rows, TooLarge
from tracer.sources.web import Answer

LISTS = ("txlist", "txlistinternal", "tokentx")
ROUND = 100  # a reply of so many rows, or twice or thrice as many, may be cut by a limit that was lowered since
LATER = 3600.0  # seconds until it is tried again where the day's calls are used up

# --- what replies mean ------------------------------------------------------------------------------------------------

_NOTHING = {
    f"No {what} found" for what in ("transactions", "records", "logs", "token transfers", "internal transactions")
}
_MEANINGS: tuple[tuple[Callable[[str], Reply], re.Pattern[str]], ...] = tuple(
    (kind, re.compile(words, re.IGNORECASE))  # the first that fits counts
    for kind, words in (
        (lambda text: Busy(text, LATER), r"daily"),
        (Busy, r"rate limit|temporarily|server too busy|try again later"),
        (TooLarge, r"query timeout|smaller result|window is too large"),
        (Refused, r"not supported for this chain|upgrade your api plan|api key|unsupported chain|pro endpoint"),
    )
)


def meaning(text: str) -> Reply:
    """What a refusal in words means; what nobody has seen yet is Broken."""
    for kind, words in _MEANINGS:
        if words.search(text):
            return kind(text)
    return Broken(text or "neither rows nor a reason")


def account_reply(answer: Answer) -> Reply:
    """What an answer of the account module means. Empty only in words that are known to say so."""
    return denied(answer) or _account_reply(answer)


def _account_reply(answer: Answer) -> Reply:
    match answer.said:
        case {"status": "1", "message": str(), "result": [_, *_] as rows}:
            return Rows(rows)
        case {"status": "0", "message": str(message), "result": [] | None} if message in _NOTHING:
            return Empty()
        case {"status": "1", "message": "OK", "result": []}:  # Routescan's way
            return Empty()
        case {"status": "2", "message": str(message), "result": list() | None as rows}:
            return Partial(message, rows or [])
        case {"status": "0", "message": str(message), "result": result}:
            return meaning(result if isinstance(result, str) else message)
    return Broken(f"HTTP {answer.status}: neither rows nor a known refusal")


def list_reply(answer: Answer, start: int, end: int, most: int) -> Reply:
    """What an answer to a list means that was asked for from one block to another, oldest first."""
    reply = account_reply(answer)
    if not isinstance(reply, Rows | Partial):
        return reply
    try:
        reply = reply._replace(rows=accounts.once(reply.rows, _identity))
        blocks = [number(row["blockNumber"]) for row in reply.rows]
    except decode.WRONG:
        return Broken("a row without its block")
    if any(not start <= block <= end for block in blocks):
        return Broken("rows of blocks that were not asked for")
    if len(blocks) > most:
        return Broken("more rows than were asked for")
    if full(reply.rows, most) and blocks != sorted(blocks):
        return Broken("a full reply that is not in order: what it leaves out cannot be known")
    return reply


def full(rows: list[Any], most: int) -> bool:
    """Whether a reply may have left out rows after its last one."""
    return bool(rows) and (len(rows) >= most or len(rows) % ROUND == 0)


def proxy_reply(answer: Answer) -> Reply:
    """What an answer of the proxy module means: refusals come in the account module's form."""
    return node_reply(answer, account_refusal)


def account_refusal(answer: Answer) -> Reply:
    """The same for an answer in which rows make no sense."""
    reply = account_reply(answer)
    return Broken("rows where none were asked for") if isinstance(reply, Good) else reply


# --- what rows say ----------------------------------------------------------------------------------------------------


def number(text: str) -> int:
    """A number of a row: decimal in lists of an account, 0x… in those of events, where 0x alone is zero."""
    return int(text[2:] or "0", 16) if text.startswith("0x") else int(text)


def log(contract: Address, topic: str, row: Any) -> Log:
    """A row of getLogs, asked for by contract and first topic. Who initiated the transaction it does not say."""
    topics = tuple(each.lower() for each in row["topics"] if each is not None)  # Blockscout fills up with null
    if row["address"].lower() != contract.text.lower() or topics[0] != topic:
        raise ValueError("a log of another contract or event than was asked for")
    price = row.get("gasPrice")
    return Log(
        contract,
        decode.block_hash(row["transactionHash"]),
        number(row["logIndex"]),
        number(row["blockNumber"]),
        accounts.moment(number(row["timeStamp"])),
        topics,
        row["data"].lower(),
        gas_price=number(price) if price else None,
    )


def _transaction_row(address: Address, row: Any) -> Told:
    ok = row["isError"] == "0" and row.get("txreceipt_status") != "0"
    sender, to = row["from"].lower(), row["to"].lower() or None
    tx = Tx(int(row["transactionIndex"]), sender, to, int(row["value"]))
    fee = int(row["gasUsed"]) * int(row["gasPrice"] or 0)
    moves = accounts.own_part(address, tx, fee, to or row["contractAddress"].lower() or None)
    return _told(row)._replace(moves=moves, tx=tx, ok=ok)


def _token_row(row: Any) -> Told:
    position = int(row["logIndex"]) if row.get("logIndex") else None
    ends = row["from"].lower(), row["to"].lower()
    move = Move(Kind.TOKEN, row["contractAddress"].lower(), int(row["value"]), *ends, position)
    return _told(row)._replace(moves=(move,))


def _told(row: Any) -> Told:
    block_hash = decode.block_hash(row["blockHash"]) if row.get("blockHash") else None
    name = decode.block_hash(_name(row))
    position = int(row["transactionIndex"]) if row.get("transactionIndex") else None
    at = accounts.moment(row["timeStamp"])
    return Told(name, int(row["blockNumber"]), at, block_hash=block_hash, position=position)


def frame(row: Any, number: int = 0) -> Frame:
    """A call as txlistinternal tells it; `number`: its place among the rows, where it has no other."""
    trace = row.get("traceId") or row.get("index") or ""
    path = tuple(map(int, trace.split("_"))) if trace.replace("_", "").isdecimal() else (-1 - number,)
    amount = int(row["value"]) if (row.get("callType") or row["type"]).lower() in decode.MOVING else 0
    recipient = row["to"] or row["contractAddress"]
    return Frame(path, row["from"].lower(), recipient.lower() or None, amount, row["isError"] != "0")


def _own_calls(rows: Iterable[Any]) -> Iterator[Any]:
    """The calls that transactions made. Blockscout also lists, as index 0, the one that makes a contract itself."""
    return (row for row in rows if row.get("index") != "0")


def _identity(row: Any) -> tuple[Any, ...]:
    """What tells a row from others, as far as it is told: Etherscan's token rows have nothing of the kind."""
    if "topics" in row:
        return _name(row), row.get("logIndex")
    if "tokenSymbol" in row:
        return _name(row), row.get("logIndex") or None
    if "traceId" in row or "index" in row:
        return _name(row), row.get("traceId") or row.get("index")
    return (_name(row),)


def _name(row: Any) -> Any:
    return row.get("hash") or row.get("transactionHash")


def _is_nft(row: Any) -> bool:
    return "value" not in row and ("tokenID" in row or "tokenIDs" in row)


def account_said(kept: Any) -> tuple[Said, dict[int, str]]:
    """What the kept lists of an address say up to the block that all reach, and the block hashes they name."""
    address = parse_address(kept["chain"], kept["address"])
    rows = {name: _rows(kept["replies"].get(name, ()), kept["from"], kept["upto"]) for name in LISTS}
    told = [_transaction_row(address, row) for row in rows["txlist"] if row["from"] != "GENESIS"]
    calls = enumerate(_own_calls(rows["txlistinternal"]))
    told += accounts.inner_told((_told(row), frame(row, number)) for number, row in calls)
    tokens = [row for row in rows["tokentx"] if not _is_nft(row)]
    told += map(_token_row, tokens)
    names = ((row["contractAddress"], row["tokenSymbol"], row["tokenDecimal"]) for row in tokens)
    return accounts.account_said(address, told, names)


def _rows(replies: Iterable[Any], start: int, upto: int) -> list[Any]:
    every = (row for reply in replies for row in reply["result"] or ())
    return accounts.once((row for row in every if start <= int(row["blockNumber"]) <= upto), _identity)


def transaction_said(kept: Any, calls: Iterable[Frame], fee: int | None = None) -> tuple[Said, dict[int, str]]:
    """What the kept parts of one transaction say, and its block's hash."""
    receipt, tx, block = (kept["replies"][name][0]["result"] for name in ("receipt", "transaction", "block"))
    parts = Parts(receipt, tx, block, fee)
    one, hashed = accounts.whole_transaction(kept["chain"], parts, calls, whole=kept["whole"])
    return Said((one,), accounts.described([one], ())), {} if one.block is None else {one.block: hashed}


def said(raw: bytes) -> tuple[Said, dict[int, str]]:
    """What a kept page says, and the block hashes it names. Raises SourceBroken."""
    with documented("a kept page of an Etherscan-like source"):
        kept = json.loads(raw)
        if "tx_hash" in kept:
            calls = _own_calls(row for reply in kept["replies"]["inner"] for row in reply["result"] or ())
            return transaction_said(kept, (frame(row, number) for number, row in enumerate(calls)))
        return account_said(kept) if "address" in kept else (Said((), ()), {})


def parse(raw: bytes) -> Said:
    """See Kind.parse."""
    return said(raw)[0]
