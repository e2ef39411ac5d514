"""What a node is asked only once, for all addresses: blocks, what their calls moved, what tokens say of themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any, Generic, TypeVar

from tracer.chains import listed
from tracer.errors import SourceBusy, SourceError
from tracer.model import Asset, AssetId
from tracer.sources import decode
from tracer.sources.decode import Block
from tracer.sources.rpc import Call, Node

CALL_TRACER: dict[str, Any] = {"tracer": "callTracer"}
TRANSACTIONS = 100_000  # that are kept of blocks: some 60 MB
TOKENS = 100_000
_SYMBOL, _DECIMALS = "0x95d89b41", "0x313ce567"  # selectors of symbol() and decimals()

K = TypeVar("K")
V = TypeVar("V")


@contextmanager
def promised(node: Node) -> Iterator[None]:
    """A reply is decoded in here: what is not as documented raises SourceBroken."""
    try:
        yield
    except decode.WRONG as wrong:
        raise node.broken(f"the reply is not as documented: {type(wrong).__name__} {wrong}") from None


class Kept(Generic[K, V]):
    """The values last used, up to a weight in all. Threads may share it."""

    def __init__(self, most: int) -> None:
        self._most, self._weight, self._lock = most, 0, Lock()
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, if it is still kept."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value in place of those that were not used for longest."""
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = value, weight
            self._weight += weight - before
            while self._weight > self._most and len(self._values) > 1:
                _, (_, gone) = self._values.popitem(last=False)
                self._weight -= gone

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._values.clear()
            self._weight = 0


class Blocks:
    """A node's blocks with their transactions. A kept one may be gone from the chain: who uses it compares hashes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._kept: Kept[int, Block] = Kept(TRANSACTIONS)

    def read(self, numbers: Iterable[int], *, traced: bool = False) -> dict[int, Block]:
        """These blocks by number; `traced`: with what their calls moved. Raises SourceError."""
        found: dict[int, Block] = {}
        missing = []
        for number in numbers:
            kept = self._kept.get(number)
            if kept is None or (traced and kept.moves is None):
                missing.append(number)
            else:
                found[number] = kept
        for number, new in zip(missing, self._fetch(missing, traced), strict=True):
            self._kept.put(number, new, 1 + len(new.txs) + sum(map(len, (new.moves or {}).values())))
            found[number] = new
        return found

    def forget(self) -> None:
        """Read everything again when it is next asked for."""
        self._kept.clear()

    def _fetch(self, numbers: list[int], traced: bool) -> list[Block]:
        calls = [Call("eth_getBlockByNumber", [hex(number), True]) for number in numbers]
        if traced:
            calls += [Call("debug_traceBlockByNumber", [hex(number), CALL_TRACER]) for number in numbers]
        results = self._node.ask(calls).results
        blocks = [self._block(number, answer) for number, answer in zip(numbers, results, strict=False)]
        if not traced:
            return blocks
        return [self._traced(block, trace) for block, trace in zip(blocks, results[len(numbers) :], strict=True)]

    def _block(self, number: int, answer: Any) -> Block:
        if answer is None:
            raise SourceBusy(f"{self._node.host} does not have block {number} yet")
        with promised(self._node):
            return decode.block(answer)

    def _traced(self, block: Block, answer: Any) -> Block:
        in_order = sorted(block.txs, key=lambda tx_hash: block.txs[tx_hash].position)
        with promised(self._node):
            return replace(block, moves=decode.traced(in_order, answer))


class Tokens:
    """What the assets of one chain are called, and how many digits they have."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._kept: Kept[AssetId, Asset] = Kept(TOKENS)

    def read(self, wanted: Iterable[AssetId]) -> tuple[Asset, ...]:
        """These assets in order. A token that says nothing, or nonsense, has no decimals. Raises SourceError."""
        ids = sorted(set(wanted))
        known = {each: self._known(each) for each in ids}
        unknown = [each for each, asset in known.items() if asset is None]
        for each, asset in zip(unknown, self._fetch(unknown), strict=True):
            self._kept.put(each, asset)
            known[each] = asset
        return tuple(asset for asset in known.values() if asset)

    def _known(self, asset: AssetId) -> Asset | None:
        token = listed(asset)
        if token and token.decimals is not None:
            return Asset(asset, token.symbol, token.decimals, listed=True)
        return self._kept.get(asset)

    def _fetch(self, assets: list[AssetId]) -> list[Asset]:
        calls = [
            Call("eth_call", [{"to": asset.contract.lower(), "data": selector}, "latest"])
            for asset in assets
            for selector in (_SYMBOL, _DECIMALS)
        ]
        said = [_said(result) for result in self._node.outcomes(calls).results]
        return [
            described(asset, decode.symbol(name), decode.decimals(digits))
            for asset, name, digits in zip(assets, said[::2], said[1::2], strict=True)
        ]


def _said(result: Any) -> Any:
    """What a contract answered; None where the call failed, for that is an answer too."""
    if isinstance(result, SourceBusy):
        raise result
    return None if isinstance(result, SourceError) else result


def described(asset: AssetId, symbol: str, decimals: int | None) -> Asset:
    """An asset as it says of itself, unless the chain's list knows better."""
    token = listed(asset)
    if token is None:
        return Asset(asset, symbol, decimals)
    return Asset(asset, token.symbol, decimals if token.decimals is None else token.decimals, listed=True)
