"""What every live source is: two verbs that give a page, and the hash of a block to notice a reorganisation by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tracer.model import Address, Asset, Checkpoint, Coverage, Log, Transaction


class Said(NamedTuple):
    """What the kept replies of a page say: transactions oldest first, the assets they move, and what they say
    themselves (see Page).
    """

    transactions: tuple[Transaction, ...]
    assets: tuple[Asset, ...]
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What one reading gave. `raw` (JSON) is what to keep of the replies; the rest was read from it.

    `transactions` stand oldest first; of those found through an address only its own transfers are given (`whole` says
    so). `checkpoint` is where to go on. `head`: the newest final block. `blocks` gives the hash of every block that the
    transactions rest on, as far as the replies tell, and of the last block read. `done`: nothing more up to `head`.
    Where a reply said that it was not all, the checkpoint is the one that was given, and coverage names the reason.
    `logs`: what the transactions say themselves, where a chain lets them (bitcoin's OP_RETURN).
    """

    source: str
    raw: bytes
    transactions: tuple[Transaction, ...]
    assets: tuple[Asset, ...]
    checkpoint: Checkpoint
    head: int
    blocks: Mapping[int, str]
    coverage: Coverage
    done: bool
    logs: tuple[Log, ...] = ()


class Source(Protocol):
    """A provider of one chain's data. Threads may share it.

    All raise SourceBusy (ask again later, after `retry_after_seconds` if it is known), SourceRefused (out for this
    run), SourceBroken (not as promised) or RangeTooLarge (not even one block is given); then nothing was read and no
    checkpoint may move. No message holds a secret.
    """

    @property
    def name(self) -> str:
        """What pages, coverage and messages call it. Holds no secret."""
        ...

    @property
    def chain(self) -> str:
        """The CAIP-2 id of its chain."""
        ...

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """The next page of an address after the checkpoint; None: from the start.

        Raises Reorg if the checkpoint's block is gone or the chain changed while it was read: go back to a block that
        still has the hash it had (`block_hash`) and pull from there.
        """
        ...

    def transaction(self, tx_hash: str) -> Page:
        """Everything that one transaction moved. `transactions` is empty if it is unknown, or (`done` is False) not
        final yet; the checkpoint says nothing.
        """
        ...

    def block_hash(self, number: int) -> str | None:
        """The hash that the block of this number has now, final or not; None if there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """How a source is reached and how much it is asked at once. `url` may hold a secret and is not shown.

    `key`: sent as the provider wants it, never shown. `name`: as in Source, by default kind@host. `start_block`:
    nothing older is read, and coverage says so. `range_blocks`: what a page covers at most where the provider filters
    by address; `scan_blocks`: where it does not, and every block has to be read. `confirmations`: how deep a block must
    lie where the provider does not name the final one (None: what is known of the provider and chain).
    `batch_requests`: requests sent at once. `timeout_seconds`: how long a reply may stay silent. `include_unconfirmed`:
    read up to the newest block; a page's `head` says up to where it is final.
    """

    kind: str
    chain: str
    url: str = field(repr=False)
    key: str = field(default="", repr=False)
    name: str = ""
    start_block: int = 0
    range_blocks: int = 2_000
    scan_blocks: int = 100
    confirmations: int | None = None
    batch_requests: int = 100
    timeout_seconds: float = 20
    include_unconfirmed: bool = False


def envelope(kind: str, replies: Mapping[str, Iterable[bytes]], **about: Any) -> bytes:
    """What is kept of a page: JSON with the kind of source, what was asked (`about`), and the replies as they came.

    `sources.parse` reads it again, without any call.
    """
    parts = (f"{json.dumps(name)}:[".encode() + b",".join(bodies) + b"]" for name, bodies in replies.items())
    return json.dumps({"kind": kind, **about})[:-1].encode() + b',"replies":{' + b",".join(parts) + b"}}"
