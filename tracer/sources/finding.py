"""How the transactions of one address are found in a range of blocks: in the way that the node allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any, NamedTuple

from tracer.errors import RangeTooLarge, Reorg, SourceBusy, SourceRefused
from tracer.model import NATIVE, Address, Kind
from tracer.sources import decode
from tracer.sources.base import SourceSettings
from tracer.sources.blocks import CALL_TRACER, Blocks, Kept, promised
from tracer.sources.budget import Budget
from tracer.sources.decode import Block, Frame, Move, Place
from tracer.sources.rpc import NOTHING, Call, Node

STEADY, STEADIEST = 16, 1024  # pages of the full range after which a larger one is tried
INNER = 20_000  # moves of transactions with inner calls that are kept
_NOBODY = "0x" + "0" * 40


class Way(StrEnum):
    """How a node tells what calls moved. The first that it serves is taken; the last needs nothing."""

    FILTER = "trace_filter"
    BLOCKS = "debug_traceBlockByNumber"
    BARE = "no traces"


class Header(NamedTuple):
    """A block's number and hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of an address from a block to `end`, whose hash is what it was before the rest was asked.

    `rows`: the logs and calls among the replies. `moves`: its own by transaction, none where it only paid the fee.
    `inner`: those read from a transaction's calls.
    """

    end: Header
    replies: list[bytes]
    rows: list[list[Any]]
    moves: dict[Place, list[Move]] = field(default_factory=lambda: defaultdict(list))
    inner: dict[str, list[Move]] = field(default_factory=dict)


class Reach:
    """How many blocks are asked for at once: fewer after a refusal, then slowly more again. Threads share it.

    After `steady` pages of the full range a larger one is tried; where that was refused, twice as many are waited for.
    It begins at what was `learnt` before; what is given now is told to `learn`, for whoever asks after a restart.
    """

    def __init__(self, most: int, learnt: int | None = None, learn: Callable[[int], None] = lambda _: None) -> None:
        self._most, self._learn = max(1, most), learn
        self.blocks = self._told = min(self._most, learnt or self._most)
        self._steady, self._served, self._lock = STEADY, 0, Lock()

    def refused(self, asked: int, hint: int | None) -> None:
        """So many were too many; `hint` would do."""
        with self._lock:
            if self._served == 0:
                self._steady = min(2 * self._steady, STEADIEST)
            less = hint if hint and hint < asked else asked // 2
            self.blocks, self._served = max(1, min(self.blocks, less)), 0

    def served(self, asked: int) -> None:
        """So many were given."""
        with self._lock:
            self._served += asked >= self.blocks
            news = self.blocks if asked >= self.blocks != self._told else None
            self._told = news or self._told
            if self._served >= self._steady:
                self.blocks, self._served = min(self._most, self.blocks + self.blocks // 8 + 1), 0
        if news is not None:
            self._learn(news)


def header(node: Node, answer: Any) -> Header:
    """The number and hash of a block that must be there."""
    if answer is None:
        raise SourceBusy(f"{node.host} does not have a block yet that it should have")
    with promised(node):
        return Header(decode.quantity(answer["number"]), decode.block_hash(answer["hash"]))


def block_call(block: int | str) -> Call:
    """Asks for a block by number or tag, without its transactions."""
    return Call("eth_getBlockByNumber", [block if isinstance(block, str) else hex(block), False])


class Finder:
    """Finds transactions on one node. Threads may share it."""

    def __init__(self, node: Node, blocks: Blocks, settings: SourceSettings, budget: Budget) -> None:
        self._node, self._blocks, self._scan = node, blocks, max(1, settings.scan_blocks)
        self._reach = Reach(settings.range_blocks, budget.learnt(), budget.learn)
        self._inner: Kept[Place, list[Move]] = Kept(INNER)
        self._way: Way | None = None

    def way(self, head: int) -> Way:
        """How this node is read; asked once, of its newest final block."""
        if self._way is None:
            self._way = self._probed(hex(head))
        return self._way

    def find(self, address: Address, start: int, head: int) -> Found:
        """What an address moved from `start` on, over as many blocks as the node gives, at most to `head`.

        Raises SourceError: RangeTooLarge if not one block is given, Reorg if the chain changed meanwhile.
        """
        way, most = self.way(head), head - start + 1
        while True:
            asked = min(most, self._reach.blocks, most if way is Way.FILTER else self._scan)
            try:
                found = self._read(way, address, start, start + asked - 1)
            except RangeTooLarge as refusal:
                if asked == 1 or refusal.hint == NOTHING:
                    raise
                self._reach.refused(asked, refusal.hint)
            else:
                self._reach.served(asked)
                return found

    # --- which way ----------------------------------------------------------------------------------------------------

    def _probed(self, block: str) -> Way:
        if self._serves(Call(Way.FILTER, [{"fromBlock": block, "toBlock": block, "fromAddress": [_NOBODY]}])):
            return Way.FILTER
        return Way.BLOCKS if self._serves(Call(Way.BLOCKS, [block, CALL_TRACER])) else Way.BARE

    def _serves(self, call: Call) -> bool:
        """Whether the node answers this with what was asked. Raises what says nothing about it: busy, broken."""
        try:
            (result,) = self._node.outcomes([call]).results
        except SourceRefused:
            return False
        if isinstance(result, SourceBusy):
            raise result
        return isinstance(result, list) and all(_is_call(each) for each in result)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, way: Way, address: Address, start: int, end: int) -> Found:
        between = {"fromBlock": hex(start), "toBlock": hex(end)}
        topics = (decode.TRANSFER, decode.word(address)), (decode.TRANSFER, None, decode.word(address))
        calls = [block_call(end), *(Call("eth_getLogs", [{**between, "topics": list(each)}]) for each in topics)]
        mine = [address.text.lower()]
        if way is Way.FILTER:
            calls += [Call(way, [{**between, side: mine}]) for side in ("fromAddress", "toAddress")]
        (last, sent, got, *traces), replies = self._node.ask(calls)
        found = Found(header(self._node, last), replies, [sent, got, *traces])
        with promised(self._node):
            for place, move in decode.token_moves([*sent, *got]):
                _within(place, start, end)
                found.moves[place] += _mine(mine[0], [move], needed=True)
        if way is Way.FILTER:
            self._filtered(mine[0], found, [one for reply in traces for one in reply], start)
        else:
            self._scanned(mine[0], found, start, traced=way is Way.BLOCKS)
        return found

    def _filtered(self, mine: str, found: Found, traces: list[Any], start: int) -> None:
        """Add what the address's calls moved."""
        calls: dict[Place, dict[tuple[int, ...], Frame]] = defaultdict(dict)  # a call from mine to mine comes twice
        with promised(self._node):
            for place, frame in decode.flat_frames(traces):
                _within(place, start, found.end.number)
                calls[place][frame.path] = frame
        # Whether an inner call counts, only the calls around it tell: they may have failed after it.
        inner = self._whole([place for place, own in calls.items() if any(own[path].amount for path in own if path)])
        for place, own in calls.items():
            moves = _mine(mine, inner[place] if place in inner else decode.coin_moves(own.values()))
            if moves or (() in own and own[()].sender == mine):
                found.moves[place] += moves
            if place in inner:
                found.inner[place.tx_hash] = moves

    def _whole(self, places: list[Place]) -> dict[Place, list[Move]]:
        """All that the calls of these transactions moved."""
        known = {place: self._inner.get(place) for place in places}
        unknown = [place for place, moves in known.items() if moves is None]
        replies = self._node.ask([Call("trace_transaction", [place.tx_hash]) for place in unknown]).results
        for place, reply in zip(unknown, replies, strict=True):
            with promised(self._node):
                frames = list(decode.flat_frames(reply))
                if {place} != {where for where, _ in frames}:
                    raise ValueError("a trace is of another transaction or block than was asked for")
            known[place] = moves = decode.coin_moves(frame for _, frame in frames)
            self._inner.put(place, moves, 1 + len(moves))
        return {place: moves for place, moves in known.items() if moves is not None}

    def _scanned(self, mine: str, found: Found, start: int, *, traced: bool) -> None:
        """Add what blocks show of the address: its calls where they are traced, else the transactions' own."""
        blocks = self._blocks.read(range(start, found.end.number + 1), traced=traced)
        _check_linked(blocks, found.end)
        for block in blocks.values():
            for tx_hash, tx in block.txs.items():
                if block.moves is not None and traced:
                    moves = _mine(mine, block.moves[tx_hash])
                    found.inner.update({tx_hash: moves} if moves else {})
                else:
                    own = Move(Kind.NATIVE, NATIVE, tx.amount, tx.sender, tx.to)
                    moves = _mine(mine, [own] if tx.amount else [])
                if moves or tx.sender == mine:
                    found.moves[Place(tx_hash, block.number, block.hash)] += moves


def _is_call(traced: Any) -> bool:
    return isinstance(traced, dict) and isinstance(traced.get("result"), dict) and "type" in traced["result"]


def _mine(mine: str, moves: Iterable[Move], *, needed: bool = False) -> list[Move]:
    own = [move for move in moves if mine in (move.sender, move.recipient)]
    if needed and not own:
        raise ValueError("a log that was not asked for")
    return own


def _within(place: Place, start: int, end: int) -> None:
    if not start <= place.block <= end:
        raise ValueError("a block that was not asked for")


def _check_linked(blocks: Mapping[int, Block], end: Header) -> None:
    """A block's hash vouches for all before it, so kept blocks are those of the chain if they link up to its end."""
    expected = end.hash
    for number in sorted(blocks, reverse=True):
        if blocks[number].hash != expected:
            raise Reorg(f"block {number} changed while it was read")
        expected = blocks[number].parent
