"""Several ascending lists of one address, read as one: each up to a position that all of them have reached.

A provider has a list for each kind of movement. A position is a block, or a moment in milliseconds where the provider
tells none. Rows of a position stand together or not at all, so that equal movements of a transaction are counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from tracer.model import Address
from tracer.sources.blocks import Kept

SURPLUS = 200_000  # rows that are kept because another list did not reach so far yet


class Row(NamedTuple):
    """One row as the provider wrote it, and where it stands."""

    position: int
    says: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slice:
    """All rows of a list from the asked position up to `upto`, oldest first, and the replies they came in.

    `cut`: in words, what is known to be missing of them; it is never made up for. `partial`: in the provider's words,
    why this may not be all yet; asked again later, it may be.
    """

    rows: Sequence[Row]
    upto: int
    raw: Sequence[bytes] = ()
    cut: str = ""
    partial: str = ""


Feed: TypeAlias = Callable[[Address, int, int], Slice]  # address, first position, last position


@dataclass(frozen=True, slots=True)
class Together:
    """What every list holds from the asked position up to `upto`, by the list's name, and the replies that held it."""

    rows: Mapping[str, Sequence[Row]]
    upto: int
    raw: Mapping[str, Sequence[bytes]]
    cut: str
    partial: str


class Feeds:
    """The lists of one provider, by name. Threads may share it."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = feeds
        self._surplus: Kept[tuple[Address, str, int], Slice] = Kept(SURPLUS)

    def read(self, address: Address, start: int, end: int) -> Together:
        """What all lists hold from a position on, as far as each gave it, at most to `end`. Raises SourceError.

        What one gave beyond the others is remembered for the next call, and asked for again only after a restart.
        """
        slices = {name: self._slice(name, address, start, end) for name in self._feeds}
        upto = min(one.upto for one in slices.values())
        for name, one in slices.items():
            if one.upto > upto and not one.partial:
                rest = [row for row in one.rows if row.position > upto]
                self._surplus.put((address, name, upto + 1), Slice(rest, one.upto, one.raw, one.cut), 1 + len(rest))
        rows = {name: [row for row in one.rows if row.position <= upto] for name, one in slices.items()}
        raw = {name: one.raw for name, one in slices.items() if rows[name]}
        cut = "; ".join(filter(None, (one.cut for one in slices.values())))
        return Together(rows, upto, raw, cut, "; ".join(filter(None, (one.partial for one in slices.values()))))

    def forget(self) -> None:
        """Ask for everything again: what was remembered may be gone from the chain."""
        self._surplus.clear()

    def _slice(self, name: str, address: Address, start: int, end: int) -> Slice:
        kept = self._surplus.get((address, name, start))
        return self._feeds[name](address, start, end) if kept is None else kept
