"""Bitcoin through Esplora's REST API (blockstream.info, mempool.space, your own): whole transactions, newest first.

Only blocks as deep as `confirmations` are read. An unknown last-seen transaction gets an empty list, as the end does
(the server skips up to it), so no end is believed before the transactions seen are as many as the provider counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

from tracer.chains import Family, family, listed, parse_chain, parse_tx_hash
from tracer.errors import ConfigError, InputError, Reorg, SourceBroken, SourceBusy, SourceRefused
from tracer.model import NATIVE, Address, Asset, AssetId, Checkpoint, Coverage
from tracer.sources import bitcoin
from tracer.sources import esplora_answers as answers
from tracer.sources.base import Page, Said, SourceSettings, envelope
from tracer.sources.bitcoin import Place
from tracer.sources.budget import Budget
from tracer.sources.decode import WRONG
from tracer.sources.descent import Descent, at_rest, counted, resumed
from tracer.sources.providers import provider
from tracer.sources.reply import Empty
from tracer.sources.secrets import host
from tracer.sources.web import Read, Web

KIND = "esplora"
LISTS = 8  # lists that make a page: 200 to 400 transactions


class Way(Enum):
    """How lists ended: there are more, the floor was reached, or nothing lies further down."""

    DOWN = "down"
    FLOOR = "floor"
    EMPTY = "empty"


class Listed(NamedTuple):
    """The next lists of an address: how far down they go, the replies, how they ended."""

    descent: Descent
    raw: list[bytes]
    way: Way


class Esplora:
    """A Source (see there). Raises ConfigError if the settings cannot be used."""

    def __init__(self, settings: SourceSettings, budget: Budget | None = None) -> None:
        self.chain = parse_chain(settings.chain)
        if family(self.chain) is not Family.BITCOIN:
            raise ConfigError(f"source {settings.name or settings.kind}: {self.chain} is not bitcoin")
        support = provider(KIND).support(self.chain)
        url = (settings.url or provider(KIND).at(self.chain)).rstrip("/")
        self.name = settings.name or f"{settings.kind}@{host(url).partition('://')[2]}"
        self._start = settings.start_block
        self._confirmations = support.confirmations if settings.confirmations is None else settings.confirmations
        self._web = Web(url, budget or Budget(self.name), answers.counts, settings.timeout_seconds)
        self._right_chain = False  # not asked yet

    def __repr__(self) -> str:
        return f"Esplora({self.name})"

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """The next page of an address; see Source. Within a page oldest first, but the newest page comes first."""
        if address.chain != self.chain:
            raise InputError(f"{address} is not of {self.chain}, which {self.name} reads")
        before = checkpoint or Checkpoint()
        self._check(before)
        descent = self._resumed(before) or self._begun(address, before)
        if descent is None:
            return self._nothing_new(before)
        found = self._lists(address, descent)
        if self.block_hash(descent.top) != descent.top_hash:
            raise Reorg(f"block {descent.top} changed while it was read")
        return self._descended(before, found)

    def transaction(self, tx_hash: str) -> Page:
        """The whole transaction; see Source."""
        tx_hash = parse_tx_hash(self.chain, tx_hash)
        self._check(Checkpoint())
        head = self._tip() - self._confirmations
        asked = self._web.get(f"/tx/{tx_hash}", read=partial(answers.one, tx_hash=tx_hash, chain=self.chain))
        if isinstance(asked.reply, Empty):
            return self._page(Checkpoint(), head, self._raw([]), done=True)
        where = bitcoin.place(asked.reply.rows[0])
        if where is None or where.block > head:
            return self._page(Checkpoint(), head, self._raw([]), done=False)
        if self.block_hash(where.block) != where.block_hash:
            raise Reorg(f"block {where.block} changed while it was read")
        return self._page(Checkpoint(), head, self._raw([asked.raw], -1, head), dict([where]), done=True)

    def block_hash(self, number: int) -> str | None:
        """The hash that a block has now; see Source."""
        said = self._web.get(f"/block-height/{number}", read=answers.hashed).reply
        return None if isinstance(said, Empty) else str(said.rows[0])

    # --- where a reading stands ---------------------------------------------------------------------------------------

    def _check(self, before: Checkpoint) -> None:
        """Refuse a server of another chain (asked once); raise Reorg if the checkpoint's block is not what it was."""
        if not self._right_chain:
            first = self.block_hash(0) or ""
            if not first.startswith(self.chain.partition(":")[2]):  # CAIP-2 names bitcoin chains by their first block
                raise SourceRefused(f"{self._web.host} serves another chain than {self.chain}: its block 0 is {first}")
            self._right_chain = True
        if before.block is None or before.block_hash is None:
            return
        if self.block_hash(before.block) not in (before.block_hash, None):
            raise Reorg(f"block {before.block} is no longer {before.block_hash}")

    def _resumed(self, before: Checkpoint) -> Descent | None:
        """The reading under way, unless the block that it began at is gone: then all of it begins anew."""
        descent = resumed(before)
        return descent if descent and self.block_hash(descent.top) == descent.top_hash else None

    def _begun(self, address: Address, before: Checkpoint) -> Descent | None:
        """A new reading; None if no block became final.

        Where nobody knows how many transactions lie up to the checkpoint, as after a reorg, all are read again: only
        so can they be counted.
        """
        known = None if before.block is None or resumed(before) else counted(before)
        floor = self._start - 1
        if before.block is not None and (known is not None or self._start):
            floor = max(floor, before.block)
        tip = self._tip()
        top = tip - self._confirmations
        if top <= floor or top < (before.block or 0):
            return None
        top_hash = self.block_hash(top)
        if top_hash is None:
            raise SourceBusy(f"{self._web.host} does not have block {top} yet")
        count = self._number(f"/address/{address.text}", answers.counts)
        return Descent(floor, top, top_hash, tip, count, 0 if floor < 0 else known)

    def _tip(self) -> int:
        return self._number("/blocks/tip/height", answers.height)

    def _number(self, path: str, read: Read) -> int:
        said = self._web.get(path, read=read).reply
        if isinstance(said, Empty):
            raise SourceBroken(f"{self._web.host}: nothing where a number should be")
        return int(said.rows[0])

    # --- lists --------------------------------------------------------------------------------------------------------

    def _lists(self, address: Address, descent: Descent) -> Listed:
        """The next lists, until one is empty or comes down to the floor. Their length says nothing: servers differ."""
        raw: list[bytes] = []
        for _ in range(LISTS):
            path = f"/address/{address.text}/txs/chain{f'/{descent.last}' if descent.last else ''}"
            asked = self._web.get(path, read=partial(answers.listed, address=address, descent=descent))
            if isinstance(asked.reply, Empty):
                return Listed(descent, raw, Way.EMPTY)
            raw.append(asked.raw)
            rows = [(row["txid"], bitcoin.number(row["status"]["block_height"])) for row in asked.reply.rows]
            descent = descent.seen(rows)
            if rows[-1][1] <= descent.floor:
                return Listed(descent, raw, Way.FLOOR)
        return Listed(descent, raw, Way.DOWN)

    # --- pages --------------------------------------------------------------------------------------------------------

    def _descended(self, before: Checkpoint, found: Listed) -> Page:
        """The page of some lists. Where the counts differ all is read anew next time, from where this reading began."""
        descent, head = found.descent, found.descent.top
        raw = self._raw(found.raw, descent.floor, head)
        blocks = _blocks(found.raw, descent)
        if found.way is Way.DOWN:
            reason = f"newest first: not yet before block {descent.at}"
            return self._page(descent.under_way(before), head, raw, blocks, missing=reason, done=False)
        if missing := descent.missing(at_the_end=found.way is Way.EMPTY):
            return self._page(at_rest(before), head, raw, blocks, missing=missing, done=True)
        return self._page(descent.whole(), head, raw, {**blocks, head: descent.top_hash}, done=True)

    def _nothing_new(self, before: Checkpoint) -> Page:
        uncounted = before.block is not None and not self._start and counted(before) is None
        missing = "not counted since the chain changed" if uncounted else ""
        return self._page(before, before.block or 0, self._raw([]), missing=missing, done=True)

    def _raw(self, replies: Sequence[bytes], floor: int = -1, upto: int = -1) -> bytes:
        """What is kept: replies as they came, and of which blocks their transactions count: floor < block <= upto."""
        return envelope(KIND, {"transactions": replies}, chain=self.chain, floor=floor, upto=upto)

    def _page(  # noqa: PLR0917 - the parts of a page
        self,
        checkpoint: Checkpoint,
        head: int,
        raw: bytes,
        blocks: Mapping[int, str] | None = None,
        *,
        missing: str = "",
        done: bool,
    ) -> Page:
        said = parse(raw)
        reasons = [missing] * bool(missing) + [f"from block {self._start}"] * bool(self._start)
        return Page(
            source=self.name,
            raw=raw,
            transactions=said.transactions,
            assets=said.assets,
            checkpoint=checkpoint,
            head=head,
            blocks=blocks or {},
            coverage=Coverage("partial", ", ".join(reasons)) if reasons else Coverage("complete"),
            done=done,
            logs=said.logs,
        )


# --- what a page says -------------------------------------------------------------------------------------------------


def parse(raw: bytes) -> Said:
    """What a kept page says; see Kind. Raises SourceBroken where it is no page of Esplora."""
    try:
        page = json.loads(raw)
        rows = _counting(page["replies"]["transactions"], page["floor"], page["upto"])
        made = {row["txid"]: (bitcoin.transaction(page["chain"], row), row) for row, _ in rows}
        logs = tuple(log for one in made.values() for log in bitcoin.memos(*one))
        coin = AssetId(parse_chain(page["chain"]), NATIVE)
    except (*WRONG, RecursionError) as wrong:
        raise SourceBroken(f"a page is not as {KIND} documents it: {type(wrong).__name__} {wrong}") from None
    known = listed(coin)
    assets = (Asset(coin, known.symbol, known.decimals, listed=True),) if known and made else ()
    return Said(tuple(sorted((one for one, _ in made.values()), key=lambda one: one.order)), assets, logs)


def _blocks(raw: Iterable[bytes], descent: Descent) -> dict[int, str]:
    """The blocks that the transactions of these replies rest on. Raises Reorg where one has two hashes."""
    blocks = {descent.top: descent.top_hash}
    used = set()
    for _, where in _counting(map(json.loads, raw), descent.floor, descent.top):
        used.add(where.block)
        if blocks.setdefault(where.block, where.block_hash) != where.block_hash:
            raise Reorg(f"block {where.block} changed while it was read")
    return {number: blocks[number] for number in used}


def _counting(replies: Iterable[Any], floor: int, upto: int) -> Iterator[tuple[Any, Place]]:
    """The transactions of lists, or one by itself, that are in a block above the floor and up to another."""
    for reply in replies:
        for row in reply if isinstance(reply, list) else [reply]:
            where = bitcoin.place(row)
            if where is not None and floor < where.block <= upto:
                yield row, where
