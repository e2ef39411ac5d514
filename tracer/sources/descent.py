"""A reading from the newest final block downwards, as it is kept between two pages: in a checkpoint's cursor. Pure.

A provider that lists newest first gives the end before the middle. So the block of a checkpoint stays where it was
until the reading has come down to it; then it moves to the block that the reading began at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tracer.model import Checkpoint


@dataclass(frozen=True, slots=True)
class Descent:
    """How far down it is: it reads the blocks above `floor` up to `top` (`top_hash`), the newest final one as it began.

    `count`: the transactions of the address that the provider then counted, some time after block `tip`. `known`: how
    many of them lie up to the floor; None: nobody knows. `last`: the transaction that was seen last, in block `at`;
    `here`: all that were seen of that block. Seen so far: `final` transactions up to the top, `recent` ones above it up
    to `tip`, and `newer` ones.
    """

    floor: int
    top: int
    top_hash: str
    tip: int
    count: int
    known: int | None
    last: str = ""
    at: int | None = None
    here: tuple[str, ...] = ()
    final: int = 0
    recent: int = 0
    newer: int = 0

    def seen(self, rows: Sequence[tuple[str, int]]) -> Descent:
        """Further down by a list: its transactions, each with its block, newest first.

        One that was seen before, as when rows of a block change places between two lists, is counted once. It can only
        be of the block in which the list before ended.
        """
        new = {tx_hash: block for tx_hash, block in rows if tx_hash not in self.here and block > self.floor}
        at = min((block for _, block in rows if block > self.floor), default=self.at)
        here = self.here if at == self.at else ()
        return replace(
            self,
            last=rows[-1][0],
            at=at,
            here=(*here, *(tx_hash for tx_hash, block in new.items() if block == at)),
            final=self.final + sum(block <= self.top for block in new.values()),
            recent=self.recent + sum(self.top < block <= self.tip for block in new.values()),
            newer=self.newer + sum(block > self.tip for block in new.values()),
        )

    def missing(self, *, at_the_end: bool) -> str:
        """In words, how what was seen differs from what the provider counted; "" if it does not, or nobody can tell.

        It counted at some moment after `tip`, so of the `newer` ones it may have counted any. `at_the_end`: it said
        that nothing lies further down, floor or not.
        """
        known = 0 if at_the_end and self.known is None else self.known
        if known is None:
            return ""
        low = known + self.final + self.recent
        if low <= self.count <= low + self.newer:
            return ""
        return f"{self.count} transactions are counted, {low + self.newer} are listed"

    def under_way(self, before: Checkpoint) -> Checkpoint:
        """Where to go on; the block stays what it was."""
        return replace(before, cursor=json.dumps(asdict(self)))

    def whole(self) -> Checkpoint:
        """Everything up to the top was read."""
        known = None if self.known is None else self.known + self.final
        return at_rest(Checkpoint(block=self.top, block_hash=self.top_hash), known)


def at_rest(checkpoint: Checkpoint, known: int | None = None) -> Checkpoint:
    """A checkpoint without a reading under way: up to its block lie `known` transactions, None: nobody knows."""
    return replace(checkpoint, cursor=json.dumps({"known": known}))


def resumed(checkpoint: Checkpoint) -> Descent | None:
    """The reading that a checkpoint is in the middle of."""
    said = _said(checkpoint)
    return Descent(**{**said, "here": tuple(said["here"])}) if "top" in said else None


def counted(checkpoint: Checkpoint) -> int | None:
    """How many transactions lie up to the checkpoint's block; None where nobody knows."""
    known: int | None = _said(checkpoint).get("known")
    return known


def _said(checkpoint: Checkpoint) -> dict[str, Any]:
    """The cursor; that of a rewind is a plain number, which says nothing of a reading."""
    said = json.loads(checkpoint.cursor or "{}")
    return said if isinstance(said, dict) else {}
