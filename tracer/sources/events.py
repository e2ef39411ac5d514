"""What contracts say by events: their logs, read contract by contract, up to the newest final block.

They tell what no transfer tells: whom an issuer froze, which deposit went into a mixer's pool, where a bridge sent it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tracer.chains import event_topic, parse_address
from tracer.errors import RangeTooLarge
from tracer.model import Address, Checkpoint, Log
from tracer.sources import decode
from tracer.sources.base import envelope
from tracer.sources.blocks import Blocks, promised
from tracer.sources.decode import Block
from tracer.sources.finding import Header, Reach, block_call, header
from tracer.sources.rpc import Call, Node

SPAN = 1_000_000  # blocks asked for at once at first: a contract's rare events are few


@dataclass(frozen=True, slots=True)
class LogPage:
    """What was read of one contract from block `start` on. `done`: nothing more up to the newest final block."""

    start: int
    logs: tuple[Log, ...]
    checkpoint: Checkpoint
    raw: bytes
    done: bool


@runtime_checkable
class EventSource(Protocol):
    """A Source that also reads logs. Raises as Source.pull does."""

    @property
    def name(self) -> str:
        """As Source.name."""
        ...

    @property
    def chain(self) -> str:
        """As Source.chain."""
        ...

    def logs(self, contract: Address, signatures: Sequence[str], checkpoint: Checkpoint | None) -> LogPage:
        """The next logs of a contract's events of these signatures, as in `Transfer(address,address,uint256)`, after
        the checkpoint; None: from the first block that is read. RangeTooLarge: one block holds more than is given.
        """
        ...


class NodeEvents:
    """Reads them from a node, over as many blocks at once as it gives."""

    def __init__(self, node: Node, blocks: Blocks) -> None:
        self._node, self._blocks, self._reach = node, blocks, Reach(SPAN)

    def read(self, contract: Address, signatures: Sequence[str], before: Checkpoint, start: int, head: int) -> LogPage:
        """The logs of these events from block `start` on, which is after `before`, at most to `head`.

        Raises SourceError: RangeTooLarge if not one block is given.
        """
        if start > head:
            return LogPage(start, (), before, b"", done=True)
        logs, end, replies = self._served(contract, [*map(event_topic, signatures)], start, head)
        with promised(self._node):
            blocks = self._blocks.read(sorted({decode.quantity(log["blockNumber"]) for log in logs}))
            found = tuple(_read(contract, logs, blocks))
        raw = envelope("logs", {"logs": replies}, chain=contract.chain, contract=contract.text)
        reached = Checkpoint(block=end.number, block_hash=end.hash)
        return LogPage(start, found, reached, raw, done=end.number >= head)

    def _served(
        self, contract: Address, topics: list[str], start: int, head: int
    ) -> tuple[list[dict[str, Any]], Header, list[bytes]]:
        """The logs of as many blocks as the node gives, the last of these, and the replies."""
        while True:
            end = min(head, start + self._reach.blocks - 1)
            where = {"address": contract.text.lower(), "fromBlock": hex(start), "toBlock": hex(end)}
            call = Call("eth_getLogs", [{**where, "topics": [topics]}])
            try:
                (logs, last), replies = self._node.ask([call, block_call(end)])
            except RangeTooLarge as refusal:
                if end == start:
                    raise
                self._reach.refused(end - start + 1, refusal.hint)
            else:
                self._reach.served(end - start + 1)
                return logs, header(self._node, last), replies


def _read(contract: Address, logs: Iterable[Mapping[str, Any]], blocks: Mapping[int, Block]) -> Iterator[Log]:
    for log in logs:
        block = blocks[decode.quantity(log["blockNumber"])]
        if decode.block_hash(log["blockHash"]) != block.hash or log["address"].lower() != contract.text.lower():
            raise ValueError("a log of another block or contract than was asked for")
        tx_hash = decode.block_hash(log["transactionHash"])
        yield Log(
            contract,
            tx_hash,
            decode.quantity(log["logIndex"]),
            block.number,
            block.at,
            tuple(log["topics"]),
            log["data"],
            parse_address(contract.chain, block.txs[tx_hash].sender),
            block.txs[tx_hash].gas_price,
        )
