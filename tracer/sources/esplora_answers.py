"""What an answer of Esplora means. Errors are plain text, and so are hashes and heights. Pure."""

from __future__ import annotations

from typing import Any

from tracer.model import Address
from tracer.sources import bitcoin
from tracer.sources.decode import WRONG
from tracer.sources.descent import Descent
from tracer.sources.reply import Broken, Busy, Empty, Refused, Reply, Rows
from tracer.sources.rpc import seconds
from tracer.sources.web import NO_JSON, Answer, usual

SILENCE = 20.0  # seconds, where the provider asks for some and does not say how long: who goes on is banned
_NOTHING = frozenset((b"Transaction not found", b"Block not found"))


def one(answer: Answer, tx_hash: str, chain: str) -> Reply:
    """The transaction of this hash, in a block or not."""
    wrong = _refusal(answer, NO_JSON)
    if wrong is not None:
        return wrong
    try:
        if answer.said["txid"] != tx_hash:
            raise ValueError("it is another transaction than was asked for")
        if bitcoin.place(answer.said) is not None:
            bitcoin.transaction(chain, answer.said)
    except WRONG as error:
        return _undocumented(error)
    return Rows([answer.said])


def counts(answer: Answer) -> Reply:
    """How many transactions of an address are in blocks."""
    wrong = _refusal(answer, NO_JSON)
    if wrong is not None:
        return wrong
    try:
        return Rows([bitcoin.number(answer.said["chain_stats"]["tx_count"])])
    except WRONG as error:
        return _undocumented(error)


def listed(answer: Answer, address: Address, descent: Descent) -> Reply:
    """The next list of the address's transactions in blocks, newest first, going on where the descent is."""
    wrong = _refusal(answer, NO_JSON)
    if wrong is not None:
        return wrong
    if not isinstance(answer.said, list):
        return Broken("no list of transactions")
    try:
        _check(answer.said, address, descent)
    except WRONG as error:
        return _undocumented(error)
    return Rows(answer.said) if answer.said else Empty()


def _check(rows: list[Any], address: Address, descent: Descent) -> None:
    under = descent.at
    for row in rows:
        made = bitcoin.transaction(address.chain, row)
        if not any(address in (moved.sender, moved.recipient) for moved in made.transfers):
            raise ValueError("it holds a transaction of another address")
        if made.block is None or (under is not None and made.block > under) or made.tx_hash == descent.last:
            raise ValueError("it is not newest first, or does not go on where it should")
        under = made.block


def _undocumented(error: Exception) -> Broken:
    return Broken(f"not as documented: {type(error).__name__} {error}")


def hashed(answer: Answer) -> Reply:
    """A block's hash."""
    wrong = _refusal(answer)
    if wrong is not None:
        return wrong
    try:
        return Rows([bitcoin.block_hash(answer.body.decode("ascii").strip())])
    except ValueError:
        return Broken(f"no block's hash: {answer.body[:80]!a}")


def height(answer: Answer) -> Reply:
    """A block's height."""
    wrong = _refusal(answer)
    if wrong is not None:
        return wrong
    try:
        return Rows([bitcoin.number(answer.said)])
    except ValueError:
        return Broken(f"no height: {answer.body[:80]!a}")


def _refusal(answer: Answer, unwanted: object = None) -> Reply | None:
    """What a status says, of the 404s only two that there is nothing; or that it says what no answer should say.

    None: it is for its words to say. (Empty is false as a value: ask for None.)
    """
    text = answer.body[:200].decode("utf-8", "replace")
    match answer.status:
        case 200:
            return usual(answer) if answer.said is unwanted else None
        case 429:
            return Busy("too many requests", seconds(answer.headers.get("retry-after")) or SILENCE)
        case 400 | 401 | 402 | 403:
            return Refused(f"HTTP {answer.status}: {text}")
        case 404 if answer.body.strip() in _NOTHING:
            return Empty()
        case _:
            return usual(answer) or Broken(f"HTTP {answer.status}: {text}")
