"""What the issuers of stablecoins do to addresses: freeze, unfreeze, destroy. Told by their contracts' own events.

USDT puts the address in the data, USDC in a topic. USDT: TetherToken.sol of 0xdAC17F958D2ee523a2206206994597C13D831ec7
and its twin on TRON; USDC: Circle's FiatTokenV1 (Blacklistable.sol), on every chain where Circle issues it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tracer.chains import TOKENS, parse_address
from tracer.model import Address, AssetId, Freeze, Log


class Event(NamedTuple):
    """An event of an issuer's contract: its signature, keccak-256 of it, and what it does to the address it names."""

    signature: str
    topic: str
    state: str  # frozen, unfrozen, destroyed


_USDT = (
    Event("AddedBlackList(address)", "0x42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc", "frozen"),
    Event(
        "RemovedBlackList(address)", "0xd7e9ec6e6ecd65492dce6bf513cd6867560d49544421d0783ddf06e76c24470c", "unfrozen"
    ),
    Event(
        "DestroyedBlackFunds(address,uint256)",
        "0x61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6",
        "destroyed",
    ),
)
_USDC = (
    Event("Blacklisted(address)", "0xffa4e6181777692565cf28528fc88fd1516ea86b56da075235fa575af6a4b855", "frozen"),
    Event("UnBlacklisted(address)", "0x117e3210bb9aa7d9baff172026820255c6f6c30ba8999d1c2fd88e2848137c4e", "unfrozen"),
)
_OF = {"USDT": (_USDT, ("eip155:1", "tron:728126428")), "USDC": (_USDC, ())}  # (): wherever it is issued

EVENTS: dict[AssetId, tuple[Event, ...]] = {
    asset: _OF[token.symbol][0]
    for asset, token in TOKENS.items()
    if token.symbol in _OF and token.form == "issued" and asset.chain in (_OF[token.symbol][1] or (asset.chain,))
}


def contract(asset: AssetId) -> Address:
    """Where a token's issuer speaks."""
    return Address(asset.chain, asset.contract)


def issued_on(chain: str) -> list[AssetId]:
    """The tokens of a chain whose issuer's events are read."""
    return [asset for asset in EVENTS if asset.chain == chain]


def freezes(logs: Iterable[Log]) -> Iterator[Freeze]:
    """What the logs of issuers' contracts say, in their order; other logs say nothing."""
    for log in logs:
        asset = AssetId(log.contract.chain, log.contract.text)
        event = next((event for event in EVENTS.get(asset, ()) if event.topic == log.topics[0]), None)
        words = [topic[2:] for topic in log.topics[1:]] + [log.data[n : n + 64] for n in range(2, len(log.data), 64)]
        if event and words and all(len(word) == 64 for word in words):
            amount = int(words[1], 16) if "," in event.signature and len(words) > 1 else None
            who = parse_address(asset.chain, _ended(asset.chain, words[0][24:]))
            yield Freeze(who, asset, event.state, log.tx_hash, log.at, log.block, amount)


def _ended(chain: str, hexed: str) -> str:
    """The last 20 bytes of a word as that chain writes an address."""
    return f"41{hexed}" if chain.startswith("tron:") else f"0x{hexed.lower()}"
