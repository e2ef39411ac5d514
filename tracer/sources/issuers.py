"""What the issuers of stablecoins do to addresses: freeze, unfreeze, destroy. Told by their contracts' own events.

A row of EVENTS: what an event is called, how its topic is made, and what it says. USDT puts the address in the data,
USDC in a topic. USDT: TetherToken.sol of 0xdAC17F958D2ee523a2206206994597C13D831ec7; USDC: Circle's FiatTokenV1
(Blacklistable.sol), on every chain where Circle issues it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

from tracer.chains import TOKENS, parse_address
from tracer.errors import RangeTooLarge
from tracer.model import AssetId, Checkpoint, Freeze
from tracer.sources import decode
from tracer.sources.base import envelope
from tracer.sources.blocks import Blocks, promised
from tracer.sources.finding import Reach, block_call, header
from tracer.sources.rpc import Call, Node

SPAN = 1_000_000  # blocks asked for at once at first: a contract's rare events are few


class Event(NamedTuple):
    """An event of an issuer's contract: its signature, keccak-256 of it, and what it does to the address it names."""

    signature: str
    topic: str
    state: str  # frozen, unfrozen, destroyed

    @property
    def name(self) -> str:
        """Without its arguments."""
        return self.signature.partition("(")[0]


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


@dataclass(frozen=True, slots=True)
class FreezePage:
    """What was read of one token's events from block `start` on. `done`: nothing more up to the newest final block."""

    start: int
    freezes: tuple[Freeze, ...]
    checkpoint: Checkpoint
    raw: bytes
    done: bool


@runtime_checkable
class Issuers(Protocol):
    """A Source that also reads what issuers do. Raises as Source.pull does."""

    @property
    def name(self) -> str:
        """As Source.name."""
        ...

    @property
    def chain(self) -> str:
        """As Source.chain."""
        ...

    def freezes(self, asset: AssetId, checkpoint: Checkpoint | None) -> FreezePage:
        """The next events of a token in EVENTS after the checkpoint; None: from the first block that is read."""
        ...


def issued_on(chain: str) -> list[AssetId]:
    """The tokens of a chain whose issuer's events are read."""
    return [asset for asset in EVENTS if asset.chain == chain]


def read_logs(asset: AssetId, logs: Iterable[Mapping[str, Any]], times: Mapping[int, datetime]) -> Iterator[Freeze]:
    """What EVM logs of a token's contract say; `times` of their blocks. Raises one of decode.WRONG."""
    events = {event.topic: event for event in EVENTS[asset]}
    for log in logs:
        event, *topics = log["topics"]
        said, block = events[event], decode.quantity(log["blockNumber"])
        words = [topic[2:] for topic in topics] + [log["data"][n : n + 64] for n in range(2, len(log["data"]), 64)]
        amount = int(words[1], 16) if "," in said.signature else None
        who = parse_address(asset.chain, "0x" + words[0][24:])
        yield Freeze(who, asset, said.state, decode.block_hash(log["transactionHash"]), times[block], block, amount)


class NodeEvents:
    """Reads them from a node, over as many blocks at once as it gives."""

    def __init__(self, node: Node, blocks: Blocks) -> None:
        self._node, self._blocks, self._reach = node, blocks, Reach(SPAN)

    def read(self, asset: AssetId, before: Checkpoint, start: int, head: int) -> FreezePage:
        """The events from block `start` on, which is after `before`, at most to `head`.

        Raises SourceError: RangeTooLarge if not one block is given.
        """
        if start > head:
            return FreezePage(start, (), before, b"", done=True)
        while True:
            end = min(head, start + self._reach.blocks - 1)
            try:
                (logs, last), replies = self._node.ask([self._call(asset, start, end), block_call(end)])
            except RangeTooLarge as refusal:
                if end == start:
                    raise
                self._reach.refused(end - start + 1, refusal.hint)
            else:
                self._reach.served(end - start + 1)
                break
        with promised(self._node):
            times = {number: block.at for number, block in self._blocks.read(_numbers(logs)).items()}
            found = tuple(read_logs(asset, logs, times))
        at = header(self._node, last)
        raw = envelope("issuer", {"logs": replies}, chain=asset.chain, asset=asset.contract)
        return FreezePage(start, found, Checkpoint(block=at.number, block_hash=at.hash), raw, done=end >= head)

    @staticmethod
    def _call(asset: AssetId, start: int, end: int) -> Call:
        topics = [[event.topic for event in EVENTS[asset]]]
        asked = {"address": asset.contract.lower(), "topics": topics, "fromBlock": hex(start), "toBlock": hex(end)}
        return Call("eth_getLogs", [asked])


def _numbers(logs: Iterable[Mapping[str, Any]]) -> list[int]:
    return sorted({decode.quantity(log["blockNumber"]) for log in logs})
