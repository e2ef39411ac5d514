"""One row of a transfers file: what it says of its transaction and of its movement, checked on its own."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from tracer.chains import Family, family, parse_address, parse_asset, parse_chain, parse_tx_hash
from tracer.errors import InputError
from tracer.model import NATIVE, Address, AssetId, Kind
from tracer.sources import cells
from tracer.sources.cells import show
from tracer.sources.rows import Row

COINS = {Kind.INPUT, Kind.OUTPUT}
_ENDS = {  # which ends a kind has: sender, recipient
    Kind.NATIVE: (True, True),
    Kind.INTERNAL: (True, True),
    Kind.TOKEN: (True, True),
    Kind.FEE: (True, False),
    Kind.INPUT: (True, False),
    Kind.OUTPUT: (False, True),
}
_OUTPUTS = 2**32  # a transaction has fewer


class Move(NamedTuple):
    """A transfer before it has an id, and the line it stands on."""

    kind: Kind
    asset: AssetId
    amount: int
    sender: Address | None
    recipient: Address | None
    position: int | None  # `index` in files and transfers
    outpoint: str | None
    line: int


class Head(NamedTuple):
    """What a row says of its transaction."""

    chain: str
    tx_hash: str
    at: datetime
    block: int | None
    tx_index: int | None
    initiator: Address | None


_chain = lru_cache(maxsize=64)(parse_chain)


def read_head(  # noqa: PLR0917 - the columns that describe the transaction
    chain: str, tx_hash: str, at: str, block: str, tx_index: str, initiator: str
) -> Head:
    """What these cells say of a transaction. Raises InputError naming the first that is wrong."""
    chain = _chain(chain)
    head = Head(
        chain,
        parse_tx_hash(chain, tx_hash),
        cells.moment(at),
        cells.count(block, "block"),
        cells.count(tx_index, "tx_index"),
        parse_address(chain, initiator) if initiator else None,
    )
    if head.block is None and family(chain) is not Family.TRON:
        raise InputError("block is missing: only TRON rows may leave it empty")
    return head


def read_move(chain: str, row: Row) -> Move:
    """What a row of that chain says of its movement. Raises InputError naming the first cell that is wrong."""
    _, _, _, _, index, _, kind, sender, recipient, asset, _, _, amount, outpoint, _ = row.cells
    what, which = _what(chain, kind, asset)
    needs_sender, needs_recipient = _ENDS[what]
    return Move(
        what,
        which,
        cells.amount(amount),
        _end(chain, sender, what, "sender", needs_sender),
        _end(chain, recipient, what, "recipient", needs_recipient),
        _index(index, what),
        _outpoint(chain, outpoint, what) if outpoint or what is Kind.INPUT else None,
        row.line,
    )


@lru_cache(maxsize=1 << 14)
def _what(chain: str, kind: str, asset: str) -> tuple[Kind, AssetId]:
    """The kind and the asset. Raises InputError if they, or kind and chain, do not fit."""
    if kind not in _ENDS:
        raise InputError(f"kind {show(kind)} is unknown; known are {', '.join(Kind)}")
    what, which = Kind(kind), parse_asset(chain, asset)
    bitcoin = family(chain) is Family.BITCOIN
    if bitcoin != (what in COINS):
        fitting = [each for each in Kind if (each in COINS) == bitcoin]
        raise InputError(f"kind {kind} does not fit the chain: write {', '.join(fitting)}")
    if (what is Kind.TOKEN) == (which.contract == NATIVE):
        wanted = "a contract, or an identifier such as usd" if what is Kind.TOKEN else NATIVE
        raise InputError(f"asset {show(asset)} does not fit kind {kind}: write {wanted}")
    return what, which


def _end(chain: str, text: str, kind: Kind, column: str, needed: bool) -> Address | None:
    if text and needed:
        return parse_address(chain, text)
    if needed:
        raise InputError(f"{column} is missing: kind {kind} needs one")
    if text:
        raise InputError(f"{column} {show(text)} does not fit kind {kind}: leave it empty")
    return None


def _index(text: str, kind: Kind) -> int | None:
    index = cells.count(text, "index")
    if index is None and kind in COINS:
        raise InputError(f"index is missing: kind {kind} needs its position in the transaction")
    return index


def _outpoint(chain: str, text: str, kind: Kind) -> str:
    if kind is not Kind.INPUT:
        raise InputError(f"outpoint {show(text)} does not fit kind {kind}: only a bitcoin input names one")
    tx_hash, colon, position = text.partition(":")
    number = cells.count(position, "outpoint's position") if colon else None
    if number is None or number >= _OUTPUTS:
        raise InputError(f"outpoint {show(text)} does not name what the input spends: write it as txid:n")
    return f"{parse_tx_hash(chain, tx_hash)}:{number}"
