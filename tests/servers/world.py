"""A world: what really happened on some chains, to be served by every explorer in its own shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from tracer.model import Address, Asset, AssetId, Log, Transaction

DEEP = 10_000  # blocks on top of the last one that holds anything: all is final


@dataclass(frozen=True)
class World:
    """Whole transactions of one chain, in any order, what its assets are called, and what contracts said by events."""

    chain: str
    transactions: tuple[Transaction, ...]
    assets: tuple[Asset, ...] = ()
    fork: str = ""  # another text: other hashes
    fork_above: int = -1  # above this block
    logs: tuple[Log, ...] = ()  # oldest first

    @cached_property
    def in_order(self) -> list[Transaction]:
        """Oldest first."""
        return sorted(self.transactions, key=lambda one: one.order)

    @cached_property
    def described(self) -> Mapping[AssetId, Asset]:
        """Its assets by id."""
        return {asset.id: asset for asset in self.assets}

    @cached_property
    def _touching(self) -> Mapping[Address, list[Transaction]]:
        found: dict[Address, list[Transaction]] = {}
        for one in self.in_order:
            for address in _parties(one):
                found.setdefault(address, []).append(one)
        return found

    def of(self, address: Address) -> list[Transaction]:
        """The transactions that an address initiated, received or was moved in, oldest first, as they are: whole."""
        return self._touching.get(address, [])

    def transaction(self, tx_hash: str) -> Transaction | None:
        """The one of this hash."""
        return next((one for one in self.transactions if one.tx_hash == tx_hash), None)

    @property
    def head(self) -> int:
        """The newest block."""
        moved, said = (one.block or 0 for one in self.transactions), (one.block for one in self.logs)
        return max((*moved, *said), default=0) + DEEP

    def hash(self, number: int) -> str:
        """The hash of a block, 64 hex digits without 0x: the same in every server."""
        fork = self.fork if number > self.fork_above else ""
        return sha256(f"{self.chain}:{number}:{fork}".encode()).hexdigest()


def _parties(one: Transaction) -> Iterable[Address]:
    ends = (end for each in one.transfers for end in (each.sender, each.recipient))
    return {end for end in (*ends, one.initiator, one.to) if end is not None}
