"""THORChain: an asset is paid to a vault with a memo of what is wanted where; the payout's memo names the payment.

On EVM chains its router says both by events, on bitcoin an OP_RETURN output does. A payout is believed only where it
goes to the address that the payment's own memo names: anyone may write any memo. Who runs a vault of his own can still
take tainted money in and pay out less than its worth.
Memos: `SWAP|s|=:ASSET:ADDRESS[/REFUND][:LIMIT…]` and `OUT:HASH` (dev.thorchain.org/concepts/memos.html, thornode#2232;
short names of assets: thornode#1402). Events: THORChain_Router.sol (V4). Routers: as several public
notes quote THORNode's inbound addresses (read 2026-11-27), not the node itself: a wrong one is only silent.
"""

from __future__ import annotations

from tracer.chains import is_zero, parse_address, parse_chain, parse_tx_hash
from tracer.detect.bridges.message import Message, Protocol, Way, number, place, places, tail, token, words
from tracer.errors import InputError
from tracer.model import NATIVE, OP_RETURN, Address, AssetId, Log

BITCOIN = parse_chain("bitcoin")
MEMOS = Address(BITCOIN, OP_RETURN)
ROUTERS = places(
    """
ethereum 0xD37BbE5744D730a1d98d8DC97c42F0Ca46aD7146
bsc 0xb30eC53F98ff5947EDe720D32aC2da7e52A5f56b
avalanche 0x8F66c4AE756BEbC49Ec8B81966DD8bba9f127549
avalanche 0x00dc6100103BC402d490aEE3F9a5560cBd91f1d4
base 0x00dc6100103BC402d490aEE3F9a5560cBd91f1d4
"""
)
_CHAINS = {"ETH": "ethereum", "BSC": "bsc", "AVAX": "avalanche", "BASE": "base", "BTC": "bitcoin"}
_SHORT = {"e": "ETH", "b": "BTC", "a": "AVAX", "s": "BSC"}
_SWAPS = frozenset({"SWAP", "S", "="})


def _deposited(log: Log) -> Message:
    """Deposit of the router: to a vault, what, how much, memo."""
    _, vault, asset = log.topics
    chain = log.contract.chain
    to = place(chain, vault)
    ends = (log.contract, *([to] if to else []))
    return _swap(log, _memo(tail(log, 1)), token(place(chain, asset)), number(words(log)[0]), ends)


def _paid(log: Log) -> Message:
    """TransferOut of the router: from a vault, to whom, what, how much, memo."""
    _, _, to = log.topics
    asset, amount, *_ = words(log)
    chain = log.contract.chain
    recipient = place(chain, to)
    return Message(
        *("thorchain", _names(_memo(tail(log, 2))), Way.IN, log),
        *(token(place(chain, asset)), number(amount), recipient),
        terms=(str(recipient),),
    )


def _noted(log: Log) -> Message:
    """The memo of a bitcoin transaction. Its first output pays the vault, or whom the payment's memo names."""
    memo = _memo(log.data.removeprefix("0x"))
    coin = frozenset({AssetId(BITCOIN, NATIVE)})
    if memo.upper().startswith("OUT:"):
        return Message("thorchain", _names(memo), Way.IN, log, coin, None, None)
    return _swap(log, memo, coin, None, ())


def _swap(log: Log, memo: str, assets: frozenset[AssetId], amount: int | None, ends: tuple[Address, ...]) -> Message:
    """What is wanted for a payment. Raises ValueError where the memo wants no swap."""
    what, asset, *rest = memo.split(":")
    if what.upper() not in _SWAPS or not rest:
        raise ValueError("no swap")
    recipient = _recipient(asset, rest[0].partition("/")[0])
    key = parse_tx_hash(BITCOIN, log.tx_hash.removeprefix("0x"))
    return Message(*("thorchain", key, Way.OUT, log, assets, amount, recipient), terms=(str(recipient),), ends=ends)


def _recipient(asset: str, text: str) -> Address | None:
    """Whom a memo names; None: a chain that is not read, or a name that THORChain keeps itself."""
    name = _SHORT.get(asset.lower(), asset.upper().partition(".")[0].partition("-")[0])
    if name not in _CHAINS:
        return None
    try:
        address = parse_address(_CHAINS[name], text.lower() if text[:2].lower() == "0x" else text)
    except InputError:
        return None
    return None if is_zero(address) else address


def _memo(data: str) -> str:
    return bytes.fromhex(data).decode("utf-8")


def _names(memo: str) -> str:
    """The payment that a payout's memo names. Raises ValueError, InputError where it names none."""
    what, payment = memo.split(":")
    if what.upper() != "OUT":
        raise ValueError("no payout")
    return parse_tx_hash(BITCOIN, payment.removeprefix("0x"))


THORCHAIN = Protocol(
    name="thorchain",
    entity="THORChain",
    contracts=ROUTERS | {MEMOS},
    holds=ROUTERS,
    events={
        "Deposit(address,address,uint256,string)": (
            "0xef519b7eb82aaf6ac376a6df2d793843ebfd593de5f1a0601d3cc6ab49ebb395",
            _deposited,
        ),
        "TransferOut(address,address,address,uint256,string)": (
            "0xa9cd03aa3c1b4515114539cd53d22085129d495cb9e9f9af77864526240f1bf7",
            _paid,
        ),
        OP_RETURN: (OP_RETURN, _noted),
    },
)
